// Does a long queue cost more than a short one? Tasks are submitted while no executor is there, up to a million; then
// executors come. For each size: memory a queued task, CPU a task from its submission to its end, and how fast it
// is worked off; while a million are left, against a queue of some ten thousand, filled and worked off again and again.

import { readUse } from '../../support/proc.ts';
import type { Rpc } from '../../support/rpc.ts';
import type { Stack } from '../../support/stack.ts';
import { noopStack } from '../bench.ts';
import { heldMemory, INSPECTABLE } from '../heap.ts';
import { median, round } from '../measure.ts';
import { type Drained, drain, fill, rateBetween } from '../queue.ts';
import type { OwnWorkload, WorkloadOptions } from './workload.ts';

const TASKS = 1_000_000;
const SIZES = [1_000, 10_000, 100_000, 1_000_000];
const SHORT_QUEUE = 40_000;
const ROUNDS = 5;
const SLOTS = 1_024;
const TASKS_OF_A_RUN = 10_000;
/** Small sizes are repeated, so that what is measured is more than a moment. */
const LEAST_TASKS_OF_A_SIZE = 20_000;
const WINDOWS = 10;

export const workload: OwnWorkload = {
  kind: 'OWN',
  help: 'up to 1,000,000 queued tasks: memory, dispatch and cost of each',
  stack: (options) => ({
    ...noopStack(options.slots ?? SLOTS),
    executors: 0,
    env: INSPECTABLE,
  }),
  async run(stack, rpc, options) {
    const most = options.tasks ?? TASKS;
    const short = await shortQueue(stack, rpc, Math.min(SHORT_QUEUE, most), options);
    const sizes: Size[] = [];
    for (const tasks of [...SIZES.filter((size) => size < most), most]) {
      sizes.push(await measureSize(stack, rpc, tasks, options));
    }
    const deep = sizes.at(-1);
    const [least] = sizes;
    const deepRate = deep?.tasksPerSecondWhileLong;
    return {
      tasks: most,
      slots: options.slots ?? SLOTS,
      shortQueue: { tasks: Math.min(SHORT_QUEUE, most), ...short },
      sizes,
      bytesPerQueuedTask: deep?.bytesPerQueuedTask,
      dispatchLongToShort:
        deepRate === undefined || short.tasksPerSecond === undefined
          ? undefined
          : round(deepRate / short.tasksPerSecond, 3),
      cpuLargestToSmallest:
        deep === undefined || least === undefined
          ? undefined
          : round(deep.cpuMicrosecondsPerTask / least.cpuMicrosecondsPerTask, 3),
      peakRssMegabytes: round(readUse(stack.orchestrator.pid).peakRssBytes / 1e6, 0),
    };
  },
};

interface Size {
  readonly tasks: number;
  readonly bytesPerQueuedTask: number | undefined;
  readonly rssBytesPerQueuedTask: number | undefined;
  readonly submittedPerSecond: number;
  readonly tasksPerSecond: number | undefined;
  /** While more than half of it is left. */
  readonly tasksPerSecondWhileLong: number | undefined;
  /** One after the other, from the full queue to the empty one; none where it was over too soon to tell. */
  readonly windowsTasksPerSecond: readonly number[];
  /** Of the orchestrator, all threads: from the submission to the end. */
  readonly cpuMicrosecondsPerTask: number;
}

async function shortQueue(stack: Stack, rpc: Rpc, tasks: number, { rounds = ROUNDS, say }: WorkloadOptions) {
  const rates: number[] = [];
  for (let number = 0; number <= rounds; number += 1) {
    await fill(rpc, tasks, TASKS_OF_A_RUN);
    const rate = rateBetween(await drain(stack, tasks), 0, tasks);
    if (number === 0 || rate === undefined) continue; // The first one warms up.
    rates.push(round(rate, 0));
    say(`a queue of ${tasks}, round ${number}: ${Math.round(rate)} tasks/s`);
  }
  return { tasksPerSecond: rates.length === 0 ? undefined : median(rates), rounds: rates };
}

async function measureSize(stack: Stack, rpc: Rpc, tasks: number, { say }: WorkloadOptions): Promise<Size> {
  const repeats = Math.ceil(LEAST_TASKS_OF_A_SIZE / tasks);
  let cpuSeconds = 0;
  let submitSeconds = 0;
  let memory: { bytes: number; rss: number } | undefined;
  let drained: Drained = { samples: [] };
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    const before = await heldMemory(stack);
    const cpuBefore = readUse(stack.orchestrator.pid).cpuSeconds;
    const beganMs = performance.now();
    await fill(rpc, tasks, TASKS_OF_A_RUN);
    submitSeconds += (performance.now() - beganMs) / 1_000;
    cpuSeconds += readUse(stack.orchestrator.pid).cpuSeconds - cpuBefore;
    // Looking costs, too, and is not the task's.
    const after = await heldMemory(stack);
    memory = {
      bytes: after.heapBytes + after.bufferBytes - before.heapBytes - before.bufferBytes,
      rss: after.rssBytes - before.rssBytes,
    };
    const cpuBetween = readUse(stack.orchestrator.pid).cpuSeconds;
    drained = await drain(stack, tasks);
    cpuSeconds += readUse(stack.orchestrator.pid).cpuSeconds - cpuBetween;
  }
  const perTask = (bytes: number | undefined) =>
    // Of a small queue, what else has come and gone meanwhile is more than the queue.
    bytes === undefined || tasks < LEAST_TASKS_OF_A_SIZE ? undefined : round(bytes / tasks, 0);
  const windows = Array.from({ length: WINDOWS }, (_, index) =>
    whole(rateBetween(drained, (index * tasks) / WINDOWS, ((index + 1) * tasks) / WINDOWS)),
  );
  const size = {
    tasks,
    bytesPerQueuedTask: perTask(memory?.bytes),
    rssBytesPerQueuedTask: perTask(memory?.rss),
    submittedPerSecond: round((repeats * tasks) / submitSeconds, 0),
    tasksPerSecond: whole(rateBetween(drained, 0, tasks)),
    tasksPerSecondWhileLong: whole(rateBetween(drained, 0, tasks / 2)),
    windowsTasksPerSecond: windows.filter((rate) => rate !== undefined),
    cpuMicrosecondsPerTask: round((cpuSeconds * 1e6) / (repeats * tasks), 1),
  };
  say(
    `${tasks} queued: ${size.bytesPerQueuedTask ?? '?'} bytes each, ${size.cpuMicrosecondsPerTask} µs of CPU each, ` +
      `${size.tasksPerSecond ?? '?'} tasks/s`,
  );
  return size;
}

function whole(value: number | undefined): number | undefined {
  return value === undefined ? undefined : round(value, 0);
}
