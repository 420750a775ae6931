// What the runtime needs from the outside, besides the store (store/port.ts).

import type { RunEvent } from '../domain/events.ts';
import type { RunState } from '../domain/state.ts';
import type { Assignment, Cancellation } from '../engine/inputs.ts';

/** Time. Tests may have one that passes when they say so. */
export interface Clock {
  /** Unix time. It may stand still or run late, but never goes back, and does not jump when the machine's clock is set. */
  nowMs(): number;
  /** Calls back once the inputs that have arrived together have been taken in. */
  soon(callback: () => void): void;
  /** Calls back once, `delayMs` from now or a little later. Returns what revokes it. */
  after(delayMs: number, callback: () => void): () => void;
}

/** Where assignments, cancellations and events go. Best effort: leases and Watch make up for losses. */
export interface ExecutorTransport {
  /** Hands one commit's deliveries over, in order. Never throws, never blocks. */
  deliver(namespace: string, deliveries: readonly Delivery[]): void;
}

export type Delivery =
  | { readonly type: 'Assign'; readonly executorId: string; readonly assignment: Assignment }
  | {
      readonly type: 'Cancel';
      readonly executorId: string;
      readonly capability: string;
      readonly cancellation: Cancellation;
    };

/**
 * Told of every commit after it is durable, in order: telemetry, event publication.
 * Must not throw; must not block; bounds its own buffers.
 */
export interface CommitObserver {
  committed(namespace: string, events: readonly CommittedEvent[]): void;
}

export interface CommittedEvent {
  /** As of now: it may have moved on since the event. */
  readonly run: RunState;
  readonly event: RunEvent;
  /** The binary form of tutti.v1.Event. */
  readonly payload: Uint8Array;
}

/** What one commit took, for metrics. */
export interface CommitReport {
  readonly namespace: string;
  readonly events: number;
  /** Of the events' payloads. */
  readonly bytes: number;
  readonly durationMs: number;
  readonly ok: boolean;
}
