// What can be asked of a run, in the imperative. `now` comes with the command: the domain has no clock.

import type { Progress, RerunScope, TaskError, Usage } from './events.ts';
import type { Surroundings } from './manager-decision.ts';
import type { Payload } from './payload.ts';
import type { Dependency, TaskSpec } from './spec.ts';

export type RunCommand =
  /** READY to RUNNING. */
  | {
      readonly type: 'StartAttempt';
      readonly task: number;
      readonly executorId: string;
      readonly leaseToken: string;
    }
  /** The assignment would exceed the largest message, or a result its edge: the task fails, nobody is asked. */
  | {
      readonly type: 'RefuseAssignment';
      readonly task: number;
      /** Whose result exceeds the limit of its edge; undefined where it is all in all that is too much. */
      readonly upstream: number | undefined;
      readonly sizeBytes: number;
      readonly limitBytes: number;
      /** True: that result is stored apart, and its edge asks for what it would have to be read for. */
      readonly apart?: boolean;
    }
  /** The executor's reports on the running attempt. */
  | CompleteAttempt
  | {
      readonly type: 'FailAttempt';
      readonly task: number;
      readonly error: TaskError;
      /** True: another attempt would be useless. */
      readonly final: boolean;
      /** Instead of the policy's delay. */
      readonly retryAfterMs: number | undefined;
      /** What the attempt left for the next one in its last moment. */
      readonly checkpoint?: Payload | undefined;
      readonly usage: Usage | undefined;
    }
  | {
      readonly type: 'EndCancelledAttempt';
      readonly task: number;
      readonly partialResult: Payload | undefined;
      readonly usage: Usage | undefined;
    }
  | {
      readonly type: 'RecordProgress';
      readonly task: number;
      readonly progress: Progress | undefined;
      readonly checkpoint: Payload | undefined;
    }
  /** The running attempt is gone: its executor was lost, or gave it back. */
  | {
      readonly type: 'LoseAttempt';
      readonly task: number;
      readonly code: 'EXECUTOR_LOST' | 'RELEASED';
      readonly message: string;
      /** True: its executor has said so in a report of its own. */
      readonly reported?: boolean;
    }
  /** A moment has come. Each changes nothing if the task has moved on by itself. */
  | { readonly type: 'ExpireAttempt'; readonly task: number }
  /** For `deafMs` of its silence nobody could be heard: that does not count. */
  | { readonly type: 'ExpireSilentAttempt'; readonly task: number; readonly deafMs: number }
  | { readonly type: 'ExpireGrace'; readonly task: number }
  | { readonly type: 'ExpireQueue'; readonly task: number }
  | { readonly type: 'ExpireTask'; readonly task: number }
  | { readonly type: 'ExpireRun' }
  | { readonly type: 'RetryTask'; readonly task: number }
  /** The wait that is its work is over. */
  | { readonly type: 'FireTimer'; readonly task: number }
  /** Its start time has come. */
  | { readonly type: 'BeginTask'; readonly task: number }
  /** The start time of the run, for all tasks that wait for it. */
  | { readonly type: 'BeginRun' }
  /**
   * READY to RUNNING, for work of the orchestrator's own. `child`: the attempt is a run of its own, which
   * begins now; false: it is none, or cannot be started and is about to fail.
   */
  | { readonly type: 'StartOwnWork'; readonly task: number; readonly child: boolean }
  /** Somebody's wish. */
  | { readonly type: 'SignalRun'; readonly name: string; readonly payload: Payload }
  | { readonly type: 'AddTasks'; readonly tasks: readonly TaskSpec[] }
  | {
      readonly type: 'ChangeDependencies';
      readonly task: number;
      readonly add: readonly Dependency[];
      /** Keys. */
      readonly remove: readonly string[];
    }
  | { readonly type: 'PauseRun'; readonly message: string }
  | { readonly type: 'ResumeRun' }
  /** `from`: with FROM, and only then, the index of the task. */
  | { readonly type: 'RerunRun'; readonly scope: RerunScope; readonly from: number | undefined }
  | { readonly type: 'CancelRun'; readonly message: string }
  | { readonly type: 'CancelTask'; readonly task: number; readonly subtree: boolean };

export interface CompleteAttempt {
  readonly type: 'CompleteAttempt';
  readonly task: number;
  readonly result: Payload;
  readonly usage: Usage | undefined;
  /** With the answer of a run's manager. */
  readonly surroundings?: Surroundings;
}
