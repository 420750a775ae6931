// A run as it stands: what its events add up to.
//
// evolve() owns this state and updates it in place: copying a run of 10,000 tasks for each of its
// events would make every run quadratic. Everybody else only reads it.

import type { Progress, TaskError, Usage } from './events.ts';
import type { Graph } from './graph.ts';
import type { Payload } from './payload.ts';
import type { AttemptState, RunPhase, StateReason, TaskState } from './states.ts';

export interface RunState {
  readonly runId: string;
  readonly graph: Graph;
  readonly traceparent: string;
  /** Revision of RunSubmitted: also the run's number in the namespace. */
  readonly firstRevision: number;
  readonly submittedAtMs: number;
  phase: RunPhase;
  reason: StateReason;
  /** What was given by who cancelled it, or why its output failed. */
  message: string;
  endedAtMs: number | undefined;
  output: Payload | undefined;
  lastRevision: number;
  /** The first task whose failure nothing can handle any more. */
  failedTask: number | undefined;
  /** By the task's index. */
  readonly tasks: TaskStatus[];
  /** How many tasks are in each state. */
  readonly counts: Record<TaskState, number>;
}

export interface TaskStatus {
  state: TaskState;
  reason: StateReason;
  /** Edges that are met, and edges that can no longer be. */
  metEdges: number;
  deadEdges: number;
  /** The upstreams that did not complete and whose edge was judged dead: this task does not handle them. */
  unrouted: ReadonlySet<number>;
  /** Dependants by FAILURE or FINISHED that ran or still may: at 0 a failure of this task stays unhandled. */
  handlers: number;
  /** Every attempt, in order; shared and empty until the first. */
  attempts: readonly AttemptStatus[];
  /** Attempts that ended LOST; they do not count against the limit. */
  lostAttempts: number;
  /** Set while RUNNING once told to stop. */
  cancelling: { readonly reason: StateReason; readonly untilMs: number } | undefined;
  /** Revision of the event that made it READY last: its place among equals of its priority. */
  readyRevision: number;
  readyAtMs: number | undefined;
  firstReadyAtMs: number | undefined;
  startedAtMs: number | undefined;
  retryAtMs: number | undefined;
  endedAtMs: number | undefined;
  checkpoint: Payload | undefined;
  /** What its input was computed to be; undefined before it is READY, and where it was submitted. */
  computedInput: Payload | undefined;
  result: Payload | undefined;
  error: TaskError | undefined;
}

export interface AttemptStatus {
  /** Counted from 1. */
  readonly number: number;
  readonly executorId: string;
  readonly leaseToken: string;
  readonly startedAtMs: number;
  state: AttemptState;
  endedAtMs: number | undefined;
  error: TaskError | undefined;
  usage: Usage | undefined;
  progress: Progress | undefined;
  /** When the attempt last gave a sign of life of its own. */
  heardAtMs: number;
  partialResult: Payload | undefined;
}
