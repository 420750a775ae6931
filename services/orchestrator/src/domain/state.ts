// A run as it stands: what its events add up to.
//
// evolve() owns this state and updates it in place: copying a run of 10,000 tasks for each of its
// events would make every run quadratic. Everybody else only reads it.

import type { Feedback, Progress, TaskError, Usage, Verdict } from './events.ts';
import type { Graph } from './graph.ts';
import type { Payload } from './payload.ts';
import type { RunParent } from './spec.ts';
import type { AttemptState, RunPhase, StateReason, TaskState } from './states.ts';
import type { WaitingLine } from './waiting-line.ts';

export interface RunState {
  readonly runId: string;
  /** As compiled, until tasks are added or edges changed: then a copy of the run's own (growth.ts). */
  graph: Graph;
  readonly traceparent: string;
  /** Revision of RunSubmitted: also the run's number in the namespace. */
  readonly firstRevision: number;
  readonly submittedAtMs: number;
  /** When it was last done again; undefined if it never was. */
  restartedAtMs: number | undefined;
  /** Failures of up to this revision were there before it was last done again. */
  restartedAfter: number;
  phase: RunPhase;
  reason: StateReason;
  /** What was given by who cancelled it, or why its output failed. */
  message: string;
  endedAtMs: number | undefined;
  output: Payload | undefined;
  lastRevision: number;
  readonly parent: RunParent | undefined;
  paused: boolean;
  /** Tasks whose failure nothing can handle any more, in the order in which that came about; shared until there is one. */
  unhandled: ReadonlySet<number>;
  /** The first of them. */
  failedTask: number | undefined;
  /** Something has happened that the manager of the run has not been told of; only in a MANAGED run. */
  news: boolean;
  /** How it will end, while it is COMPENSATING. */
  verdict: Verdict | undefined;
  /** Signals that no task has waited for yet, by name, in the order in which they came; shared until there is one. */
  signals: ReadonlyMap<string, Payload[]>;
  /** RUNNING tasks that wait for a signal, by its name, the longest wait first; shared while empty. */
  waits: ReadonlyMap<string, Set<number>>;
  /** WAITING tasks that the start of the run holds back; shared while empty. */
  held: ReadonlySet<number>;
  /** How many tasks are under way of those that RunSpec.maxParallel counts; kept only where it is set. */
  underWay: number;
  /** Tasks that are held for it, by priority, in the order in which they came. */
  readonly line: WaitingLine | undefined;
  /** By the task's index: items, checks and compensations, with the task that they were made for; shared until there is one. */
  owners: ReadonlyMap<number, number>;
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
  /** By upstream: whether an edge with a `when` was met, for those that were judged. */
  judged: ReadonlyMap<number, boolean>;
  /** The upstreams that did not complete and whose edge was judged dead: this task does not handle them. */
  unrouted: ReadonlySet<number>;
  /** It ended without having run, so that it handles no upstream's failure. */
  handlesNothing: boolean;
  /** Dependants by FAILURE or FINISHED that ran or still may: at 0 a failure of this task stays unhandled. */
  handlers: number;
  /** Every attempt, in order; shared and empty until the first. */
  attempts: readonly AttemptStatus[];
  /** How many of them belong to what is done with: rounds before a reset, iterations before this one. */
  pastAttempts: number;
  /** Attempts of this round that ended LOST; they do not count against the limit. */
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
  /** Revision of the event that made it final; 0 before. */
  endedRevision: number;
  /** What few tasks have; undefined for all others. */
  more: TaskMore | undefined;
}

/** What the constructs of a task keep. */
export interface TaskMore {
  /** In a repeat: which iteration this is, from 1. */
  iteration: number;
  /** For a decision: how often it has sent the run back, by the task that it went back to. */
  readonly sentBack: Map<number, number>;
  /** How often it was reset. */
  resets: number;
  /** What the next attempt is to do better. */
  feedback: Feedback | undefined;
  /** Why the fallback is tried: the error and reason that remain if it fails, too. */
  fallback: { readonly error: TaskError; readonly reason: StateReason } | undefined;
  /** WAITING for its start time. */
  startAtMs: number | undefined;
  /** Revision of the event that held it until then: its place among those that wait for the same moment. */
  heldRevision: number;
  /** The executor that it is to run on; empty: any. */
  executorId: string;
  /** Attempts of rounds before the last reset. */
  attemptsBefore: number;
  /** The signal that the running attempt has taken. */
  signal: Payload | undefined;
  /** A result that a capability checks. */
  validating: Validating | undefined;
  /** It depends on others than it was submitted with. */
  rewired: boolean;
  /** The items of a foreach. */
  expansion: Expansion | undefined;
}

export interface Validating {
  readonly result: Payload;
  readonly usage: Usage | undefined;
  /** Index of the guardrail. */
  readonly guardrail: number;
}

/** The items of one round of a foreach. */
export interface Expansion {
  /** Counted from 1. */
  readonly round: number;
  /** What the expression came to; undefined: the items that were submitted. */
  readonly items: Payload | undefined;
  readonly itemCount: number;
  /** Index of the item's task by item; undefined where it is not made yet. */
  readonly children: (number | undefined)[];
  /** How many have a task. */
  made: number;
  /** The first item that may have none. */
  next: number;
  /** How many items are final, and how many of those did not complete. */
  ended: number;
  failed: number;
  /** The first of those. */
  firstFailed: number | undefined;
}

export interface AttemptStatus {
  /** Counted from 1. */
  readonly number: number;
  readonly executorId: string;
  /** Empty where the orchestrator does the work itself. */
  readonly leaseToken: string;
  /** Of the run that it started, for a CHILD_RUN; else empty. */
  readonly childRunId: string;
  readonly startedAtMs: number;
  state: AttemptState;
  endedAtMs: number | undefined;
  error: TaskError | undefined;
  usage: Usage | undefined;
  progress: Progress | undefined;
  /** When the attempt last gave a sign of life of its own. */
  heardAtMs: number;
  partialResult: Payload | undefined;
  /** Its executor has reported an outcome that was recorded, although `state` does not tell; else not set. */
  reported?: true;
}
