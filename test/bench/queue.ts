// How is a queue filled while nobody works, and how fast is it worked off then?

import { setTimeout as pause } from 'node:timers/promises';
import type { Rpc } from '../support/rpc.ts';
import type { ServiceProcess } from '../support/service-process.ts';
import type { Stack } from '../support/stack.ts';
import { EXECUTOR_COUNT } from './bench.ts';
import { flatRun, submitAll } from './runs.ts';

const CALLS_AT_ONCE = 2;
const SAMPLE_MS = 100;
/** Without a single end in between. */
const STANDSTILL_MS = 60_000;

/** Runs of no-ops, of at most so many tasks each. Returns their ids. */
export function fill(rpc: Rpc, tasks: number, tasksOfARun: number): Promise<string[]> {
  const specs = Array.from({ length: Math.ceil(tasks / tasksOfARun) }, (_, index) =>
    flatRun(Math.min(tasksOfARun, tasks - index * tasksOfARun)),
  );
  return submitAll(rpc, specs, Math.max(1, Math.floor(2_000 / tasksOfARun)), CALLS_AT_ONCE);
}

export interface Drained {
  /** Since the executors were there. */
  readonly samples: readonly Sample[];
}

interface Sample {
  readonly atMs: number;
  /** Of those that waited. */
  readonly done: number;
}

/** Starts executors, and stops them when all that waited is done. */
export async function drain(stack: Stack, tasks: number): Promise<Drained> {
  const before = await completedTasks(stack);
  const executors = await startExecutors(stack);
  const samples: Sample[] = [];
  let movedAtMs = performance.now();
  for (let done = 0; done < tasks; ) {
    const now = (await completedTasks(stack)) - before;
    const atMs = performance.now();
    samples.push({ atMs, done: now });
    if (now > done) movedAtMs = atMs;
    if (atMs - movedAtMs > STANDSTILL_MS) throw new Error(`${now} of ${tasks} tasks were done, then none`);
    done = now;
    if (done < tasks) await pause(SAMPLE_MS);
  }
  await Promise.all(executors.map((executor) => executor.stop()));
  return { samples };
}

function startExecutors(stack: Stack): Promise<ServiceProcess[]> {
  return Promise.all(
    Array.from({ length: EXECUTOR_COUNT }, (_, index) => stack.startExecutor(`executor-${index + 1}`)),
  );
}

/** Tasks a second between two counts of what was done; undefined where it was over too soon to tell. */
export function rateBetween({ samples }: Drained, from: number, to: number): number | undefined {
  const first = samples.find(({ done }) => done >= from);
  const last = samples.findLast(({ done }) => done <= to);
  if (first === undefined || last === undefined) return undefined;
  const seconds = (last.atMs - first.atMs) / 1_000;
  // Counts are read now and then: what is shorter than a few looks says nothing.
  if (seconds < (5 * SAMPLE_MS) / 1_000) return undefined;
  return (last.done - first.done) / seconds;
}

const COMPLETED = /^tutti_task_transitions_total\{[^}]*state="COMPLETED"[^}]*\} (\d+)/;

/** Ever. */
export async function completedTasks(stack: Stack): Promise<number> {
  const response = await fetch(new URL('/metrics', stack.addresses.http));
  const counts = (await response.text()).split('\n').map((line) => Number(COMPLETED.exec(line)?.[1] ?? 0));
  return counts.reduce((sum, each) => sum + each, 0);
}
