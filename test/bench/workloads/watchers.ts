// What do streams cost? Runs are worked off with a thousand streams on them, and without any; rounds take turns.
// Once each run has one stream, as where everybody watches what is his; once ten, as where many watch the same.

import { readUse } from '../../support/proc.ts';
import type { Rpc } from '../../support/rpc.ts';
import type { Stack } from '../../support/stack.ts';
import { noopStack } from '../bench.ts';
import { median, round } from '../measure.ts';
import { drain, fill, rateBetween } from '../queue.ts';
import { openStreams } from '../streams.ts';
import type { OwnWorkload, WorkloadOptions } from './workload.ts';

const TASKS = 100_000;
const STREAMS = 1_000;
const ROUNDS = 5;
const SLOTS = 1_024;
const STREAMS_OF_A_RUN = [1, 10];

export const workload: OwnWorkload = {
  kind: 'OWN',
  help: '1,000 streams on busy runs against none',
  // Runs are submitted and watched before there is anybody to work them off.
  stack: (options) => ({ ...noopStack(options.slots ?? SLOTS), executors: 0 }),
  async run(stack, rpc, options) {
    const tasks = options.tasks ?? TASKS;
    const shapes: object[] = [];
    for (const streamsOfARun of STREAMS_OF_A_RUN) {
      shapes.push(await measureShape(stack, rpc, tasks, streamsOfARun, options));
    }
    return { tasks, streams: STREAMS, shapes };
  },
};

interface Round {
  readonly tasksPerSecond: number;
  readonly orchestratorCpuMicrosecondsPerTask: number;
  readonly streamsCpuMicrosecondsPerTask?: number;
  readonly messages?: number;
  readonly bytes?: number;
}

async function measureShape(
  stack: Stack,
  rpc: Rpc,
  tasks: number,
  streamsOfARun: number,
  { rounds = ROUNDS, say }: WorkloadOptions,
): Promise<object> {
  const runs = STREAMS / streamsOfARun;
  const tasksOfARun = Math.max(1, Math.round(tasks / runs));
  const without: Round[] = [];
  const watched: Round[] = [];
  for (let number = 0; number <= rounds; number += 1) {
    for (const [list, streams] of [
      [without, 0],
      [watched, streamsOfARun],
    ] as const) {
      const found = await workOff(stack, rpc, runs, tasksOfARun, streams);
      if (number === 0) continue; // The first one warms up.
      list.push(found);
      say(`${runs} runs, ${streams} streams each, round ${number}: ${found.tasksPerSecond} tasks/s`);
    }
  }
  const rateOf = (list: readonly Round[]) => median(list.map(({ tasksPerSecond }) => tasksPerSecond));
  return {
    runs,
    tasksOfARun,
    streamsOfARun,
    withoutStreams: { tasksPerSecond: rateOf(without), rounds: without },
    withStreams: { tasksPerSecond: rateOf(watched), rounds: watched },
    costShare: round(1 - rateOf(watched) / rateOf(without), 3),
  };
}

async function workOff(
  stack: Stack,
  rpc: Rpc,
  runs: number,
  tasksOfARun: number,
  streamsOfARun: number,
): Promise<Round> {
  const tasks = runs * tasksOfARun;
  const runIds = await fill(rpc, tasks, tasksOfARun);
  const watchedIds = runIds.flatMap((runId) => Array.from({ length: streamsOfARun }, () => runId));
  const streams =
    streamsOfARun === 0 ? undefined : openStreams({ address: stack.addresses.grpc, runIds: watchedIds });
  try {
    await streams?.watching;
    const cpuBefore = readUse(stack.orchestrator.pid).cpuSeconds;
    const streamsBefore = streams?.cpuSeconds() ?? 0;
    const drained = await drain(stack, tasks);
    const seen = await streams?.ended;
    const perTask = (cpuSeconds: number) => round((cpuSeconds * 1e6) / tasks, 1);
    const rate = rateBetween(drained, 0, tasks);
    if (rate === undefined) throw new Error(`${tasks} tasks are over too soon to tell: --tasks more`);
    return {
      tasksPerSecond: round(rate, 0),
      orchestratorCpuMicrosecondsPerTask: perTask(readUse(stack.orchestrator.pid).cpuSeconds - cpuBefore),
      ...(streams && { streamsCpuMicrosecondsPerTask: perTask(streams.cpuSeconds() - streamsBefore) }),
      ...seen,
    };
  } finally {
    streams?.close();
  }
}
