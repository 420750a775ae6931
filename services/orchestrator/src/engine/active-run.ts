// A run that is not final, with what the engine keeps beside its state. There may be a million of them: what few have
// is made when the first one has it.

import type { RunState } from '../domain/state.ts';
import { wayAhead } from '../domain/way-ahead.ts';
import type { ReadyEntry } from '../scheduling/ready-queue.ts';
import type { Timer } from '../scheduling/timers.ts';

export interface ActiveRun {
  readonly state: RunState;
  /** By the task's index: 1 while it is counted in a ready queue. Room for more than there are tasks. */
  queued: Uint8Array;
  /** Of queued tasks whose queue is not that of their specification: its capability. */
  otherQueues: Map<number, string> | undefined;
  /** Of queued tasks that a manager chose an executor for: that executor, if they wait for it alone. */
  pins: Map<number, string> | undefined;
  /** At most one for a task, at its next deadline; made when a task first has one. */
  taskTimers: Map<number, Timer<TimerSubject>> | undefined;
  runTimer: Timer<TimerSubject> | undefined;
}

export interface RunTask {
  readonly run: ActiveRun;
  /** Its index. */
  readonly task: number;
}

export interface QueuedTask extends ReadyEntry, RunTask {}

/** The entry of a task that is READY. */
export function queuedTask(run: ActiveRun, task: number): QueuedTask {
  const priority = run.state.graph.spec.tasks[task]?.priority ?? 0;
  const readyRevision = run.state.tasks[task]?.readyRevision ?? 0;
  return { run, task, priority, readyRevision, wayAhead: wayAhead(run.state.graph, task) };
}

export type TimerSubject =
  | { readonly type: 'Task'; readonly run: ActiveRun; readonly task: number }
  | { readonly type: 'Run'; readonly run: ActiveRun }
  | { readonly type: 'Executor'; readonly executorId: string };

export function createActiveRun(state: RunState): ActiveRun {
  return {
    state,
    queued: new Uint8Array(state.tasks.length),
    otherQueues: undefined,
    pins: undefined,
    taskTimers: undefined,
    runTimer: undefined,
  };
}

/** Makes room for the tasks that the run has got. */
export function makeRoom(run: ActiveRun): void {
  const count = run.state.tasks.length;
  if (count <= run.queued.length) return;
  const larger = new Uint8Array(Math.max(count, 2 * run.queued.length));
  larger.set(run.queued);
  run.queued = larger;
}
