// What can be seen of a simulated cluster from its outside: what the disk holds, and what goes in and out
// of the orchestrator's processes. The invariants (witness.ts) know of nothing else.
//
// Observations come in the order in which they happen. All times are the simulation's own, true Unix time
// in milliseconds: the clocks of processes may differ from it.

import type { EngineCalls, EngineCallType } from '../../../services/orchestrator/src/engine/inputs.ts';
import type { WatchPage } from '../../../services/orchestrator/src/runtime/orchestrator.ts';
import type { Delivery } from '../../../services/orchestrator/src/runtime/ports.ts';
import type { CommitBatch } from '../../../services/orchestrator/src/store/port.ts';
import type { RunChange } from '../../../services/orchestrator/src/store/port-run-life.ts';

/** Counts processes of the orchestrator; a restarted one is another one. */
export type ProcessId = number;

export type Observation = { readonly atMs: number } & (
  | ProcessObservation
  | DiskObservation
  | TrafficObservation
  | ReaderObservation
);

export type ProcessObservation =
  /** `skewMs`: by how much its clock is ahead of the true time. It does not change while the process lives. */
  | { readonly type: 'ProcessStarted'; readonly process: ProcessId; readonly skewMs: number }
  /** It takes calls, as it says itself. */
  | { readonly type: 'ProcessServes'; readonly process: ProcessId }
  /** Nothing of it happens any more; what it had not made durable is gone. */
  | { readonly type: 'ProcessEnded'; readonly process: ProcessId; readonly how: 'KILLED' | 'STOPPED' }
  /** It stands still, timers and all, and goes on as if nothing had been. */
  | { readonly type: 'ProcessFrozen'; readonly process: ProcessId }
  | { readonly type: 'ProcessThawed'; readonly process: ProcessId }
  /** It says that something is wrong. */
  | { readonly type: 'ProcessWarned'; readonly process: ProcessId; readonly message: string };

export type DiskObservation =
  /**
   * From here on the disk holds the batch, and no power loss takes it away. Whether the process is told so
   * is another matter.
   */
  | { readonly type: 'Durable'; readonly process: ProcessId; readonly batch: CommitBatch }
  /** From here on the process owns the namespace: nobody writes under an earlier epoch any more. */
  | {
      readonly type: 'Claimed';
      readonly process: ProcessId;
      readonly namespace: string;
      readonly epoch: number;
    }
  /** A final run was deleted or archived; only those that were DONE. */
  | { readonly type: 'RunChanged'; readonly process: ProcessId; readonly change: RunChange };

export type TrafficObservation =
  /** A call reached the process. `call` names it in what follows, and is never used twice. */
  | (CallOf<EngineCallType> & { readonly type: 'Asked' })
  /** The answer left the process; whether it arrives is another matter. At most once for each call. */
  | (AnswerOf<EngineCallType> & { readonly type: 'Replied' })
  /** An assignment or a cancellation left the process. */
  | {
      readonly type: 'Delivered';
      readonly process: ProcessId;
      readonly namespace: string;
      readonly delivery: Delivery;
    }
  /** Events left the process, to telemetry and to whoever listens on NATS: the binary forms of tutti.v1.Event. */
  | {
      readonly type: 'Published';
      readonly process: ProcessId;
      readonly namespace: string;
      readonly events: readonly Uint8Array[];
    }
  /** An executor that exists has received an assignment that it did not have, and works on it from here on. */
  | {
      readonly type: 'WorkBegan';
      readonly executorId: string;
      readonly leaseToken: string;
      readonly namespace: string;
    };

type CallOf<T extends EngineCallType> = {
  [K in T]: {
    readonly process: ProcessId;
    readonly namespace: string;
    readonly call: number;
    readonly name: K;
    readonly input: EngineCalls[K]['input'];
  };
}[T];

type AnswerOf<T extends EngineCallType> = {
  [K in T]: {
    readonly process: ProcessId;
    readonly namespace: string;
    readonly call: number;
    readonly name: K;
    readonly input: EngineCalls[K]['input'];
    readonly reply: EngineCalls[K]['reply'];
  };
}[T];

export type ReaderObservation =
  /**
   * A watcher has begun to read, or to read again after its stream broke. `afterRevision` is what it asked for:
   * the last revision that it saw where it resumes; undefined where it asked for what is new, or for all of a run.
   */
  | {
      readonly type: 'WatchGranted';
      readonly watcher: string;
      readonly stream: number;
      readonly namespace: string;
      readonly runId: string | undefined;
      readonly afterRevision: number | undefined;
    }
  /** The watcher has received a page. */
  | {
      readonly type: 'Watched';
      readonly watcher: string;
      readonly stream: number;
      readonly page: WatchPage;
    }
  /** The stream ended by itself (not because the network, the process or the watcher broke it off). */
  | { readonly type: 'WatchEnded'; readonly watcher: string; readonly stream: number };
