// The facts of a run, in the past tense. A change says what; an event adds when and in which place
// of the namespace's order. Tasks are named by their index in RunSpec.tasks: the position, unlike
// the key, costs nothing to store a million times.

import type { Graph } from './graph.ts';
import type { Payload } from './payload.ts';
import type { StateReason } from './states.ts';

export interface RunEvent {
  /** The namespace's own counter, without gaps. */
  readonly revision: number;
  /** Unix time. */
  readonly atMs: number;
  readonly change: Change;
}

export interface TaskError {
  /** The executor's own code, or one of TIMEOUT, HEARTBEAT_TIMEOUT, EXECUTOR_LOST, RELEASED, PAYLOAD_TOO_LARGE, EXPRESSION_FAILED. */
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
      /** With EXPRESSION_FAILED: what was wrong with the output. */
      readonly message: string;
    }
  | { readonly type: 'RunCancelled'; readonly reason: StateReason }
  | {
      readonly type: 'TaskReady';
      readonly task: number;
      /** What its expression came to; undefined where it has none, and after a retry. */
      readonly input: Payload | undefined;
    }
  | {
      readonly type: 'TaskStarted';
      readonly task: number;
      readonly attempt: number;
      readonly executorId: string;
      readonly leaseToken: string;
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
    }
  | {
      readonly type: 'TaskCompleted';
      readonly task: number;
      readonly attempt: number;
      readonly result: Payload;
      readonly usage: Usage | undefined;
    }
  | {
      readonly type: 'TaskFailed';
      readonly task: number;
      readonly reason: StateReason;
      /** The attempt that ended with it, and how; undefined where none was running. */
      readonly ended: { readonly attempt: number; readonly end: UnsuccessfulEnd } | undefined;
      readonly error: TaskError | undefined;
      readonly usage: Usage | undefined;
    }
  | {
      readonly type: 'TaskCancelled';
      readonly task: number;
      readonly reason: StateReason;
      /** The attempt that ended with it; undefined where none was running. */
      readonly attempt: number | undefined;
      readonly partialResult: Payload | undefined;
      readonly usage: Usage | undefined;
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
    };

/** Tasks without dependencies and expressions are READY from here on, all others WAITING; no further event says so. */
export interface RunSubmitted {
  readonly type: 'RunSubmitted';
  readonly runId: string;
  readonly graph: Graph;
  /** W3C Trace Context under which it was submitted. */
  readonly traceparent: string;
}

export type ChangeType = Change['type'];
