// What comes out of an engine: facts to make durable, and effects to release once they are.

import type { RunEvent } from '../domain/events.ts';
import type { RunState } from '../domain/state.ts';
import type { Assignment, Cancellation, EngineCalls, EngineCallType, RequestKey } from './inputs.ts';

/**
 * Everything that happened since the last output.
 *
 * Contract: the driver makes `events` durable in one transaction, in order, before it releases any
 * of `effects`, in order; and it has at most one output per engine under way. The states behind
 * `events` go on changing: what the store needs of them is read before the next step.
 */
export interface EngineOutput {
  readonly events: readonly EngineEvent[];
  readonly effects: readonly Effect[];
  /** Answers to keep for repeats of the same request. */
  readonly requests: readonly AnsweredRequest[];
}

export interface EngineEvent {
  readonly run: RunState;
  readonly event: RunEvent;
}

export interface AnsweredRequest {
  readonly key: RequestKey;
  readonly reply: unknown;
}

export type Effect =
  | {
      [K in EngineCallType]: {
        readonly type: 'Reply';
        readonly callId: number;
        readonly reply: EngineCalls[K]['reply'];
      };
    }[EngineCallType]
  | { readonly type: 'Assign'; readonly executorId: string; readonly assignment: Assignment }
  | {
      readonly type: 'Cancel';
      readonly executorId: string;
      readonly capability: string;
      readonly cancellation: Cancellation;
    };
