// Measures Tutti on this machine, alone or beside its peers. Human-readable lines go to stderr, the result as
// JSON to stdout; of what is compared there are also a table and a chart in a folder.
//
// usage: npm run bench -- WORKLOAD [--against PEER,...|all] [--rounds N] [--tasks N] [--slots N] [--minutes M] [--out FOLDER]
//
// Servers, workers and load are processes of their own, on folders of their own in the system's temporary folder
// (TMPDIR names another disk). docs/benchmarks.md tells more.

import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { helpIfAsked, misused } from '../support/command.ts';
import { createRpc } from '../support/rpc.ts';
import { startStack } from '../support/stack.ts';
import { compare } from './compare.ts';
import { findEntrants, folderOf, peerFolders } from './contestants.ts';
import { chart } from './report/chart.ts';
import { summarize } from './report/summary.ts';
import { table } from './report/table.ts';
import type { ComparedWorkload, OwnWorkload, Workload, WorkloadOptions } from './workloads/workload.ts';

const RESULTS = fileURLToPath(new URL('../../.cache/bench', import.meta.url));

const say = (line: string) => process.stderr.write(`${line}\n`);

async function loadWorkloads(): Promise<ReadonlyMap<string, Workload>> {
  const folder = new URL('workloads/', import.meta.url);
  const workloads = new Map<string, Workload>();
  for (const file of readdirSync(folder).sort()) {
    const { workload } = (await import(new URL(file, folder).href)) as { workload?: Workload };
    if (workload !== undefined) workloads.set(file.replace(/\.ts$/, ''), workload);
  }
  return workloads;
}

function usageOf(workloads: ReadonlyMap<string, Workload>): string {
  const lines = [...workloads].map(
    ([name, { kind, help }]) => `  ${name.padEnd(12)}${help}${kind === 'COMPARED' ? '' : ' (Tutti alone)'}`,
  );
  return [
    'usage: npm run bench -- WORKLOAD [--against PEER,...|all] [--rounds N] [--tasks N] [--slots N] [--minutes M] [--out FOLDER]',
    ...lines,
    `peers: ${peerFolders().join(', ')}`,
  ].join('\n');
}

interface Arguments {
  readonly name: string;
  readonly workload: Workload;
  readonly against: readonly string[];
  readonly options: WorkloadOptions;
  readonly out: string;
}

function readArguments(workloads: ReadonlyMap<string, Workload>): Arguments {
  const refuse = (problem: unknown) => misused(problem, usageOf(workloads));
  const text = { type: 'string' } as const;
  const { values, positionals } = (() => {
    try {
      const options = { tasks: text, rounds: text, slots: text, minutes: text, against: text, out: text };
      return parseArgs({ allowPositionals: true, options });
    } catch (error) {
      return refuse(error);
    }
  })();
  const [name = '', ...more] = positionals;
  const workload = workloads.get(name);
  if (workload === undefined || more.length > 0)
    return refuse(`which workload? Not "${positionals.join(' ')}"`);
  const count = (option: 'tasks' | 'rounds' | 'slots' | 'minutes'): number | undefined => {
    const given = values[option];
    if (given === undefined) return undefined;
    const value = Number(given);
    return Number.isInteger(value) && value >= 1
      ? value
      : refuse(`--${option}: "${given}" is no whole number from 1`);
  };
  const words = values.against?.split(',').filter((word) => word !== '') ?? [];
  const against = words.includes('all') ? peerFolders() : words;
  if (against.length > 0 && workload.kind !== 'COMPARED') refuse(`--against: ${name} measures Tutti alone`);
  const unknown = against.find((word) => folderOf(word) === undefined);
  if (unknown !== undefined) refuse(`--against: there is no peer "${unknown}"`);
  const options = {
    tasks: count('tasks'),
    rounds: count('rounds'),
    slots: count('slots'),
    minutes: count('minutes'),
    say,
  };
  return { name, workload, against, options, out: resolve(values.out ?? join(RESULTS, name)) };
}

const machine = {
  cores: availableParallelism(),
  node: process.version,
  platform: `${process.platform} ${process.arch}`,
};

function print(name: string, result: object): string {
  const text = `${JSON.stringify({ bench: name, machine, ...result }, undefined, 2)}\n`;
  process.stdout.write(text);
  return text;
}

/** By whoever started it: no defect, and no trace of the stack. */
class Ended extends Error {}

async function runCompared(name: string, workload: ComparedWorkload, given: Arguments): Promise<void> {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    // Not once: npm passes on what the terminal has sent already, and the second would end this before it is tidy.
    process.on(signal, () => stopping.abort(new Ended(`ended by ${signal}`)));
  }
  const { entrants, absent } = await findEntrants(given.against, say);
  const outcomes = await compare(name, workload, entrants, given.options, stopping.signal);
  const rows = summarize(outcomes);
  if (outcomes.some(({ entrant, failedRounds }) => entrant.peer.name === 'tutti' && failedRounds > 0)) {
    process.exitCode = 1;
  }
  const rounds = Object.fromEntries(outcomes.map((each) => [each.entrant.peer.name, each.rounds]));
  const text = print(name, { rows, absent, rounds });
  const tables = table(rows);
  mkdirSync(given.out, { recursive: true });
  writeFileSync(join(given.out, 'result.json'), text);
  writeFileSync(join(given.out, 'table.md'), `${tables}\n`);
  writeFileSync(join(given.out, 'chart.svg'), chart(`${name}, ${machine.cores} cores`, rows));
  say(`\n${tables}\n`);
  for (const { name: peer, why } of absent) say(`${peer} could not be run here: ${why}`);
  say(`result.json, table.md and chart.svg are in ${given.out}`);
}

async function runOwn(name: string, workload: OwnWorkload, options: WorkloadOptions): Promise<void> {
  say(`bench ${name}: starting orchestrator, nats-server and executors`);
  const stack = await startStack(workload.stack(options));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => void stack.stop().finally(() => process.exit(1)));
  }
  const rpc = createRpc(stack.addresses.grpc);
  try {
    print(name, await workload.run(stack, rpc, options));
  } catch (error) {
    process.exitCode = 1;
    say(error instanceof Error ? `${error.stack}` : String(error));
    say(`the orchestrator last said:\n${stack.orchestrator.lastLines().slice(-20).join('\n')}`);
  } finally {
    rpc.close();
    await stack.stop();
  }
}

const workloads = await loadWorkloads();
helpIfAsked(usageOf(workloads));
const given = readArguments(workloads);
const { name, workload, options } = given;
switch (workload.kind) {
  case 'BARE':
    print(name, await workload.run(options));
    break;
  case 'OWN':
    await runOwn(name, workload, options);
    break;
  case 'COMPARED':
    await runCompared(name, workload, given).catch((error: unknown) => {
      if (!(error instanceof Ended)) throw error;
      say(error.message);
      process.exitCode = 1;
    });
    break;
}
