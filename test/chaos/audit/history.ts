// What does an event log add up to? The lives of runs, tasks and leases, as the audit needs them.

import type { ExpectedEnd } from '../notes.ts';

export type RunEnd = ExpectedEnd | 'FAILED';

export interface TaskHistory {
  isFinal: boolean;
  /** The number of the latest attempt; 0: none yet. */
  attempts: number;
  /** The latest attempt has no outcome yet. */
  isUnderWay: boolean;
  /** Of the attempt under way; undefined where the orchestrator does the work itself, or the lease has ended. */
  lease: LeaseHistory | undefined;
}

export interface LeaseHistory {
  readonly token: string;
  readonly runId: string;
  readonly taskKey: string;
  readonly attempt: number;
  readonly executorId: string;
  readonly startedAtMs: number;
  /** The attempt was told to stop. */
  isCancelling: boolean;
  /** Undefined: it has none. */
  outcome: LeaseOutcome | undefined;
  endedAtMs: number | undefined;
}

export interface LeaseOutcome {
  /** A name of AttemptState; RESET: the task is done again, whatever became of this. */
  readonly end: string;
  /** As in notes.ts: of the result, or the code of the error. */
  readonly digest: string;
}

export interface RunHistory {
  readonly runId: string;
  /** Its label; empty for a run that no client submitted. */
  readonly requestId: string;
  /** How many tasks it has, those added later included. */
  taskCount: number;
  readonly tasks: Map<string, TaskHistory>;
  end: RunEnd | undefined;
  /** What it came to, parsed. */
  output: unknown;
  isPaused: boolean;
  isCancelling: boolean;
  resumedCount: number;
  /** What came with signals, pauses and the cancellation, as far as it is a mark of a client. */
  readonly marks: Map<string, number>;
}

export interface Histories {
  readonly runs: ReadonlyMap<string, RunHistory>;
  readonly leases: ReadonlyMap<string, LeaseHistory>;
  readonly eventCount: number;
  readonly completedTasks: number;
  /** By the name of AttemptState. */
  readonly attemptEnds: ReadonlyMap<string, number>;
}

/** Told of what is wrong. */
export type Blame = (rule: string, what: string) => void;
