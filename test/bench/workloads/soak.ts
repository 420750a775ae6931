// Does it go on for hours as it began? Runs without a pause, kept for half a minute after their ends, and deleted by the
// orchestrator's own sweep (every ten minutes, and on for as long as it has something left: it takes some gigabytes of disk).
// Throughput, the memory of every process, what the orchestrator holds after a collection, and the size of the data
// folder, all along; the last quarter is compared with the one after warming up.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { readUse } from '../../support/proc.ts';
import type { Rpc } from '../../support/rpc.ts';
import type { Stack } from '../../support/stack.ts';
import { noopStack } from '../bench.ts';
import { heldMemory, INSPECTABLE } from '../heap.ts';
import { median, round } from '../measure.ts';
import { completedTasks } from '../queue.ts';
import { chainRun, completed, flatRun, submit } from '../runs.ts';
import type { OwnWorkload } from './workload.ts';

const MINUTES = 30;
const SLOTS = 256;
const RETENTION_MS = 30_000;
/** At once: two of many tasks, two of many steps. */
const SPECS = [flatRun(1_000), flatRun(1_000), chainRun(20), chainRun(20)];
const SAMPLES = 120;
const COLLECTIONS = 12;
/** Until the code is hot and, of half an hour, the first sweep has begun: from then on there always is something to sweep. */
const WARM_UP_SHARE = 0.35;
/** What counts as flat. */
const LEAST_THROUGHPUT_SHARE = 0.9;
const MOST_MEMORY_SHARE = 1.1;

export const workload: OwnWorkload = {
  kind: 'OWN',
  help: `runs without a pause for --minutes M (${MINUTES}): is memory flat, is throughput?`,
  stack: (options) => ({
    ...noopStack(options.slots ?? SLOTS),
    env: INSPECTABLE,
    orchestratorArgs: ['--run-retention-ms', String(RETENTION_MS)],
  }),
  async run(stack, rpc, options) {
    const durationMs = (options.minutes ?? MINUTES) * 60_000;
    const stopping = new AbortController();
    const load = Promise.all(SPECS.map((spec) => repeat(rpc, spec, stopping.signal)));
    // Nothing to sample after a failure: the samples end with it.
    load.catch((error: unknown) => stopping.abort(error));
    const samples = await sample(stack, durationMs, stopping.signal, options.say);
    stopping.abort();
    await load;
    return { minutes: options.minutes ?? MINUTES, ...verdict(samples), samples };
  },
};

async function repeat(rpc: Rpc, spec: (typeof SPECS)[number], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) await completed(rpc, await submit(rpc, spec));
}

interface Sample {
  readonly minute: number;
  readonly tasksPerSecond: number;
  readonly rssMegabytes: { readonly orchestrator: number; readonly nats: number; readonly executors: number };
  /** After a collection, now and then. */
  readonly heldMegabytes?: number;
  readonly dataMegabytes: number;
}

async function sample(
  stack: Stack,
  durationMs: number,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  const beganMs = performance.now();
  let before = { atMs: beganMs, tasks: await completedTasks(stack) };
  for (let index = 1; index <= SAMPLES && !signal.aborted; index += 1) {
    const dueMs = beganMs + (index * durationMs) / SAMPLES;
    await pause(Math.max(0, dueMs - performance.now()), undefined, { signal }).catch(() => {});
    const now = { atMs: performance.now(), tasks: await completedTasks(stack) };
    const collects = index % (SAMPLES / COLLECTIONS) === 0;
    const one: Sample = {
      minute: round((now.atMs - beganMs) / 60_000, 2),
      tasksPerSecond: round(((now.tasks - before.tasks) * 1_000) / (now.atMs - before.atMs), 0),
      rssMegabytes: rssOf(stack),
      dataMegabytes: megabytes(sizeOf(stack.dataFolder)),
      ...(collects && { heldMegabytes: await held(stack) }),
    };
    samples.push(one);
    // What looking took is nobody's throughput.
    before = { atMs: performance.now(), tasks: await completedTasks(stack) };
    if (collects) {
      const { minute, tasksPerSecond, heldMegabytes, rssMegabytes, dataMegabytes } = one;
      say(
        `minute ${minute}: ${tasksPerSecond} tasks/s; the orchestrator holds ${heldMegabytes} MB ` +
          `(${rssMegabytes.orchestrator} MB resident), ${dataMegabytes} MB on disk`,
      );
    }
  }
  return samples;
}

function verdict(samples: readonly Sample[]) {
  const warm = samples.slice(Math.floor(samples.length * WARM_UP_SHARE));
  const quarter = Math.ceil(warm.length / 4);
  const compare = (of: (sample: Sample) => number | undefined) => {
    const medianOf = (some: readonly Sample[]) => median(some.map(of).filter((value) => value !== undefined));
    const [first, last] = [medianOf(warm.slice(0, quarter)), medianOf(warm.slice(-quarter))];
    return { first, last, lastToFirst: round(last / first, 3) };
  };
  const throughput = compare(({ tasksPerSecond }) => tasksPerSecond);
  const heldMegabytes = compare((one) => one.heldMegabytes);
  return {
    tasksPerSecond: throughput,
    heldMegabytes,
    rssMegabytes: {
      orchestrator: compare(({ rssMegabytes }) => rssMegabytes.orchestrator),
      nats: compare(({ rssMegabytes }) => rssMegabytes.nats),
      executors: compare(({ rssMegabytes }) => rssMegabytes.executors),
    },
    dataMegabytes: compare(({ dataMegabytes }) => dataMegabytes),
    throughputIsFlat: throughput.lastToFirst >= LEAST_THROUGHPUT_SHARE,
    memoryIsFlat: heldMegabytes.lastToFirst <= MOST_MEMORY_SHARE,
  };
}

function rssOf(stack: Stack): Sample['rssMegabytes'] {
  const rss = (pid: number | undefined) => (pid === undefined ? 0 : readUse(pid).rssBytes);
  return {
    orchestrator: megabytes(rss(stack.orchestrator.pid)),
    nats: megabytes(rss(stack.natsServerPid())),
    executors: megabytes(stack.executors.reduce((sum, { pid }) => sum + rss(pid), 0)),
  };
}

async function held(stack: Stack): Promise<number> {
  const { heapBytes, bufferBytes } = await heldMemory(stack);
  return megabytes(heapBytes + bufferBytes);
}

function sizeOf(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).reduce(
    (sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}

function megabytes(bytes: number): number {
  return round(bytes / 1e6, 1);
}
