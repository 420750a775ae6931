// `npm run demo`: what can Tutti do in a minute?
//
// Starts everything on this machine with two executor processes, has them count the texts of this
// repository, shows the progress, the result, the trace and the metrics, and ends. Keeps the chart.

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeOutcome } from '@tutti/cli/describe';
import { createOutput, renderTable } from '@tutti/cli/output';
import { createProgressView } from '@tutti/cli/progress';
import { type Client, createClient, type RunHandle } from '@tutti/client';
import { buildGraph, type Graph } from './graph.ts';
import { readSomeMetrics } from './metrics.ts';
import { type RunningTutti, startTutti } from './running-tutti.ts';
import { findTextFiles } from './text-files.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const keptFolder = join(root, '.cache', 'demo');
const logFile = 'tutti.log';
const chartFile = 'lines-by-folder.svg';
const executorCount = 2;
const progressIntervalMs = 100;
const topWordCount = 10;

/** What text.stats and text.merge come to. */
interface TextStatistics {
  readonly files: number;
  readonly lines: number;
  readonly words: number;
  readonly longestLine: { readonly path: string; readonly line: number; readonly characters: number } | null;
  readonly topWords: readonly { readonly word: string; readonly count: number }[];
}

async function main(): Promise<number> {
  await mkdir(keptFolder, { recursive: true });
  const dataFolder = await mkdtemp(join(tmpdir(), 'tutti-demo-'));
  let tutti: RunningTutti | undefined;
  const cleanUp = async (): Promise<void> => {
    await tutti?.stop();
    await rm(dataFolder, { recursive: true, force: true });
  };
  let isInterrupted = false;
  const onInterrupt = (): void => {
    if (isInterrupted) process.exit(130);
    isInterrupted = true;
    say('\ninterrupted; cleaning up');
    void cleanUp().finally(() => process.exit(130));
  };
  process.on('SIGINT', onInterrupt).on('SIGTERM', onInterrupt);
  try {
    say(`Starting the orchestrator, a nats-server and ${executorCount} executor processes …`);
    tutti = await startTutti(
      ['--data', dataFolder, '--grpc-port', '0', '--http-port', '0', '--executors', String(executorCount)],
      join(keptFolder, logFile),
      // The executors touch no files but these.
      { TUTTI_EXECUTOR_READ_FOLDER: root, TUTTI_EXECUTOR_WRITE_FOLDER: keptFolder },
    );
    say(`  gRPC ${tutti.grpc}, HTTP ${tutti.http}, NATS ${tutti.nats}`);
    return await countTexts(tutti);
  } finally {
    if (!isInterrupted) await cleanUp();
  }
}

async function countTexts(tutti: RunningTutti): Promise<number> {
  const files = await findTextFiles(root);
  const graph = buildGraph(files, chartFile);
  const client = createClient({ address: tutti.grpc, namespace: 'default' });
  try {
    const run = await client.submit(graph.run);
    say(`Submitted ${graph.run.tasks.length} tasks over ${files.length} files as the run ${run.runId}.`);
    const succeeded = await follow(run);
    if (!succeeded) await tellFailure(client, run);
    else await tellResult(run, graph);
    await tellWhereToLook(run, tutti);
    return succeeded ? 0 : 1;
  } finally {
    client.close();
  }
}

/** Shows progress until the end, as `tutti watch` does. */
async function follow(run: RunHandle): Promise<boolean> {
  const view = createProgressView(createOutput('text', process.stdout, process.stderr));
  for (;;) {
    const { finished, succeeded, run: now } = await run.wait({ timeoutMs: progressIntervalMs });
    if (now.tasks !== undefined) view.show(run.runId, now.tasks);
    if (!finished) continue;
    view.end();
    say(describeOutcome(now));
    return succeeded;
  }
}

async function tellResult(run: RunHandle, graph: Graph): Promise<void> {
  const rows = [['FOLDER', 'FILES', 'LINES', 'WORDS', 'LONGEST LINE']];
  for (const { folder, key } of graph.areas) rows.push(rowOf(folder, await statisticsOf(run, key)));
  const total = await statisticsOf(run, graph.totalKey);
  rows.push(rowOf('all together', total));
  const words = total.topWords.slice(0, topWordCount).map(({ word, count }) => `${word} (${count})`);
  say(`\n${renderTable(rows)}`);
  say(`\nMost frequent words: ${words.join(', ')}`);
  const chart = (await run.result(graph.chartKey)) as { path: string };
  say(`Chart: ${relative(process.cwd(), chart.path)}`);
}

async function statisticsOf(run: RunHandle, key: string): Promise<TextStatistics> {
  return (await run.result(key)) as unknown as TextStatistics;
}

function rowOf(name: string, { files, lines, words, longestLine }: TextStatistics): string[] {
  const longest = longestLine === null ? '' : `${longestLine.characters} characters in ${longestLine.path}`;
  return [name, String(files), String(lines), String(words), longest];
}

async function tellFailure(client: Client, run: RunHandle): Promise<void> {
  const { failedTask } = await run.get();
  const { error } = await client.getTask(run.runId, failedTask);
  say(`\nThe run failed: task ${failedTask}: ${error?.code}: ${error?.message}`);
}

/** Where the all-in-one image of Jaeger shows traces. */
const JAEGER = 'http://127.0.0.1:16686';

async function tellWhereToLook(run: RunHandle, tutti: RunningTutti): Promise<void> {
  const { traceId } = await run.get();
  say(`\nTrace: ${traceId}, from the submission through every attempt to the end`);
  const viewer = process.env.TUTTI_TRACE_VIEWER ?? JAEGER;
  const endpoint = process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  say(`  ${viewer}/trace/${traceId}`);
  say(
    endpoint === undefined
      ? '  (the link opens once a Jaeger listens there and OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 is set; TUTTI_TRACE_VIEWER names another)'
      : `  (exported to ${endpoint}; TUTTI_TRACE_VIEWER names another viewer than Jaeger)`,
  );
  const metricsUrl = `${tutti.http}/metrics`;
  say(`Metrics: ${metricsUrl} (until this demo ends), among them:`);
  for (const line of await readSomeMetrics(metricsUrl)) say(`  ${line}`);
  say(`
Go on:
  npm run -s tutti -- up --executors 2          the same, until Ctrl-C
  npm run -s tutti -- submit run.yaml --wait    a run of your own; the README shows one
  npm test                                      everything that is promised, checked`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

try {
  process.exitCode = await main();
} catch (error) {
  const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(
    `\nThe demo could not go on: ${why}\nThe log of Tutti is ${join(keptFolder, logFile)}\n`,
  );
  process.exitCode = 1;
}
