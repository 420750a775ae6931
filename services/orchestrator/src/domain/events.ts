// The facts of a run, in the past tense. A change says what; an event adds when and in which place
// of the namespace's order. Tasks are named by their index in RunSpec.tasks: the position, unlike
// the key, costs nothing to store a million times.

import type { Graph } from './graph.ts';
import type { Payload } from './payload.ts';
import type { Dependency, RunParent, TaskSpec } from './spec.ts';
import type { StateReason } from './states.ts';

export interface RunEvent {
  /** The namespace's own counter, without gaps. */
  readonly revision: number;
  /** Unix time. */
  readonly atMs: number;
  readonly change: Change;
}

export interface TaskError {
  /**
   * The executor's own code, or one of TIMEOUT, HEARTBEAT_TIMEOUT, EXECUTOR_LOST, RELEASED, PAYLOAD_TOO_LARGE, EXPRESSION_FAILED, RESULT_REFUSED,
   * ITEMS_FAILED, CHILD_RUN_FAILED, CHILD_RUN_CANCELLED, BAD_DECISION.
   */
  readonly code: string;
  readonly message: string;
  readonly details: Payload | undefined;
}

/** Named amounts that an attempt used, as its executor reported them. */
export type Usage = Readonly<Record<string, number>>;

export interface Progress {
  /** 0 to 100. */
  readonly percent: number;
  readonly message: string;
}

/** What an attempt is to do better than one before. */
export interface Feedback {
  readonly reason: string;
  readonly refusedResult: Payload | undefined;
  /** The key of the task that sent the run back; empty from a guardrail. */
  readonly from: string;
  /** What that task's own result was; undefined from a guardrail. */
  readonly decision: Payload | undefined;
  /** How often it has been sent back, from 1; 0 from a guardrail. */
  readonly iteration: number;
}

/** Of a run that is not to complete. */
export interface Verdict {
  readonly outcome: 'FAILED' | 'CANCELLED';
  readonly reason: StateReason;
  readonly failedTask: number | undefined;
  readonly message: string;
}

export type RerunScope = 'FAILED' | 'FROM' | 'ALL';

/** How an attempt that did not succeed ended. */
export type UnsuccessfulEnd = 'FAILED' | 'TIMED_OUT' | 'LOST';

export type Change =
  | RunSubmitted
  | { readonly type: 'RunCancelling'; readonly reason: StateReason; readonly message: string }
  | { readonly type: 'RunCompleted'; readonly output: Payload | undefined }
  | {
      readonly type: 'RunFailed';
      readonly reason: StateReason;
      readonly failedTask: number | undefined;
      /** With EXPRESSION_FAILED: what was wrong with the output. Also which compensations did not complete. */
      readonly message: string;
    }
  | {
      readonly type: 'RunCancelled';
      readonly reason: StateReason;
      /** Which compensations did not complete, if some did not. */
      readonly message?: string;
    }
  | { readonly type: 'RunPaused'; readonly message: string }
  | { readonly type: 'RunResumed' }
  | { readonly type: 'RunSignalled'; readonly name: string; readonly payload: Payload }
  /** TaskReset names each task that is done again. `task` is not what it is about: see `from`. */
  | { readonly type: 'RunRestarted'; readonly scope: RerunScope; readonly from: number | undefined }
  /** Every task is final; what had completed is undone before the run ends so. */
  | { readonly type: 'RunCompensating'; readonly verdict: Verdict }
  | TasksAdded
  | {
      readonly type: 'TaskReady';
      readonly task: number;
      /** What its expression came to; undefined where it has none, and after a retry. */
      readonly input: Payload | undefined;
      /** The executor that the manager of the run chose for it; left out: any. */
      readonly executorId?: string;
    }
  /** WAITING, its dependencies met, for something else. */
  | {
      readonly type: 'TaskHeld';
      readonly task: number;
      readonly reason: 'START_TIME_AHEAD' | 'RUN_AT_LIMIT' | 'AWAITING_MANAGER';
      /** With START_TIME_AHEAD. */
      readonly untilMs: number | undefined;
    }
  | {
      readonly type: 'TaskStarted';
      readonly task: number;
      readonly attempt: number;
      /** Empty, as the token is, where the orchestrator does the work itself. */
      readonly executorId: string;
      readonly leaseToken: string;
      /** Of the run that it starts, for a CHILD_RUN. */
      readonly childRunId?: string;
    }
  | {
      readonly type: 'TaskProgressed';
      readonly task: number;
      readonly attempt: number;
      readonly progress: Progress | undefined;
      readonly checkpoint: Payload | undefined;
    }
  | {
      readonly type: 'TaskCancelling';
      readonly task: number;
      readonly reason: StateReason;
      readonly graceMs: number;
    }
  | {
      readonly type: 'TaskRetrying';
      readonly task: number;
      readonly attempt: number;
      readonly end: UnsuccessfulEnd;
      readonly error: TaskError;
      readonly retryAtMs: number;
      readonly usage: Usage | undefined;
      /** True: the next attempt is the fallback's. */
      readonly fallback?: boolean;
      readonly feedback?: Feedback | undefined;
      /** What the attempt left for the next one in its last moment. */
      readonly checkpoint?: Payload | undefined;
      /** True: the executor itself reported it, although the end does not tell: it gave the attempt back. */
      readonly reported?: boolean;
    }
  | {
      readonly type: 'TaskCompleted';
      readonly task: number;
      readonly attempt: number;
      readonly result: Payload;
      readonly usage: Usage | undefined;
      /** With which the attempt failed, where an error rule completed the task in spite of it. */
      readonly error?: TaskError;
      /** How the attempt ended then; undefined: FAILED. */
      readonly end?: UnsuccessfulEnd;
    }
  | {
      readonly type: 'TaskFailed';
      readonly task: number;
      readonly reason: StateReason;
      /** The attempt that ended with it, and how; undefined where none was running. */
      readonly ended: { readonly attempt: number; readonly end: UnsuccessfulEnd } | undefined;
      readonly error: TaskError | undefined;
      readonly usage: Usage | undefined;
      /** With which the attempt itself failed, where that is not `error`: a fallback's. */
      readonly attemptError?: TaskError;
      /** As with TaskRetrying. */
      readonly reported?: boolean;
    }
  | {
      readonly type: 'TaskCancelled';
      readonly task: number;
      readonly reason: StateReason;
      /** The attempt that ended with it; undefined where none was running. */
      readonly attempt: number | undefined;
      readonly partialResult: Payload | undefined;
      readonly usage: Usage | undefined;
      /** True: it ended by its executor's own report. */
      readonly reported?: boolean;
    }
  | {
      readonly type: 'TaskSkipped';
      readonly task: number;
      readonly reason: StateReason;
      /** The one that decided it; undefined with CONDITION_FALSE. */
      readonly upstream: number | undefined;
    }
  /** The `when` of an edge was evaluated. */
  | {
      readonly type: 'TaskRouted';
      /** The one that waits. */
      readonly task: number;
      readonly upstream: number;
      readonly met: boolean;
    }
  /** RUNNING to WAITING; TaskReset names the other tasks that are done again. */
  | {
      readonly type: 'TaskSentBack';
      /** The one that decided. */
      readonly task: number;
      readonly attempt: number;
      readonly result: Payload;
      readonly usage: Usage | undefined;
      /** Index of the task that the run goes back to. */
      readonly to: number;
      readonly because: string;
      /** How often this has happened, from 1. */
      readonly iteration: number;
    }
  /** Any state to WAITING, as if it had never run; its attempts remain. */
  | {
      readonly type: 'TaskReset';
      readonly task: number;
      readonly reason: 'SENT_BACK' | 'RERUN';
      readonly feedback: Feedback | undefined;
      /** For a foreach: items that completed keep their results. */
      readonly keepItems?: boolean;
    }
  /** RUNNING to RETRYING: an iteration is done, and there will be another. */
  | {
      readonly type: 'TaskRepeating';
      readonly task: number;
      readonly attempt: number;
      readonly result: Payload;
      readonly usage: Usage | undefined;
      /** Which one comes next, from 2. */
      readonly iteration: number;
      /** Its input; undefined: the result. */
      readonly nextInput: Payload | undefined;
      /** Undefined for the manager of a run: once something that it chose has ended. */
      readonly repeatAtMs: number | undefined;
    }
  /** The list of a foreach is known. */
  | {
      readonly type: 'TaskExpanded';
      readonly task: number;
      /** What the expression came to; undefined where the items were submitted. */
      readonly items: Payload | undefined;
      readonly itemCount: number;
      /** The indexes of items whose result is kept from the round before. */
      readonly kept: readonly number[];
    }
  /** The attempt has a result and its lease has ended; a capability is to check the result. */
  | {
      readonly type: 'TaskValidating';
      readonly task: number;
      readonly attempt: number;
      readonly result: Payload;
      readonly usage: Usage | undefined;
      /** Index of the guardrail that checks it. */
      readonly guardrail: number;
    }
  /** RUNNING: it takes the signal that it waits for. */
  | {
      readonly type: 'TaskSignalled';
      readonly task: number;
      readonly attempt: number;
      readonly name: string;
    }
  | {
      readonly type: 'TaskDependenciesChanged';
      readonly task: number;
      /** All of them. */
      readonly dependencies: readonly Dependency[];
    };

/** Further tasks, in the places after the last one. Those that need nothing are READY from here on. */
export interface TasksAdded {
  readonly type: 'TasksAdded';
  readonly specs: readonly TaskSpec[];
  /** Index of the task that they are items, checks or compensations of; undefined for tasks of their own. */
  readonly owner: number | undefined;
}

/** Tasks without dependencies and expressions are READY from here on, all others WAITING; no further event says so. */
export interface RunSubmitted {
  readonly type: 'RunSubmitted';
  readonly runId: string;
  readonly graph: Graph;
  /** W3C Trace Context under which it was submitted. */
  readonly traceparent: string;
  /** The task that started it; undefined if a client did. */
  readonly parent?: RunParent | undefined;
}

export type ChangeType = Change['type'];
