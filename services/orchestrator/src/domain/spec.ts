// What a client submits, with every default filled in. Never changes after submission.

import type { Payload } from './payload.ts';

export interface RunSpec {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly tasks: readonly TaskSpec[];
  readonly failurePolicy: FailurePolicy;
  /** From submission to the end of the run. */
  readonly timeoutMs: number | undefined;
  /** What the run is given as a whole. */
  readonly input: Payload;
  /** The version of a workflow that it is a copy of. */
  readonly workflow: RunOrigin | undefined;
}

export interface RunOrigin {
  readonly name: string;
  readonly version: number;
}

/** CONTINUE: branches that do not depend on the failure finish. CANCEL: the rest is cancelled. */
export type FailurePolicy = 'CONTINUE' | 'CANCEL';

export interface TaskSpec {
  /** Unique in its run. */
  readonly key: string;
  readonly capability: string;
  readonly input: Payload;
  readonly dependencies: readonly Dependency[];
  readonly join: Join;
  readonly onUnmet: UnmetPolicy;
  /** The key of the task it is grouped under; empty for a root. */
  readonly parent: string;
  /** 0 to 10, lower first. */
  readonly priority: number;
  readonly retry: RetryPolicy;
  readonly timeouts: Timeouts;
  readonly allowFailure: boolean;
  readonly cancelGraceMs: number;
}

export interface Dependency {
  readonly key: string;
  readonly condition: DependencyCondition;
}

/** SUCCESS: upstream COMPLETED. FINISHED: upstream final. FAILURE: upstream FAILED. */
export type DependencyCondition = 'SUCCESS' | 'FINISHED' | 'FAILURE';

export type Join =
  | { readonly mode: 'ALL' }
  | { readonly mode: 'ANY' }
  | { readonly mode: 'AT_LEAST'; readonly count: number };

export type UnmetPolicy = 'SKIP' | 'FAIL';

/** The delay before attempt n + 1 is min(maxDelayMs, initialDelayMs * factor^(n - 1)). */
export interface RetryPolicy {
  /** The first one included. */
  readonly maxAttempts: number;
  readonly initialDelayMs: number;
  readonly factor: number;
  readonly maxDelayMs: number;
  /** The share of each delay, 0 to 1, by which it is shortened at random. */
  readonly jitter: number;
  readonly nonRetryableCodes: readonly string[];
  /** Lost attempts do not count against `maxAttempts`; this bounds them. */
  readonly maxLostAttempts: number;
}

export interface Timeouts {
  /** READY to the start of an attempt. */
  readonly queueMs: number | undefined;
  /** Start of an attempt to its end. */
  readonly attemptMs: number | undefined;
  /** First READY to final. */
  readonly wholeMs: number | undefined;
  /** Silence of a running attempt. */
  readonly heartbeatMs: number | undefined;
}

export const DEFAULT_PRIORITY = 2;
export const DEFAULT_CANCEL_GRACE_MS = 10_000;

export const DEFAULT_JOIN: Join = Object.freeze({ mode: 'ALL' });

export const DEFAULT_RETRY: RetryPolicy = Object.freeze({
  maxAttempts: 1,
  initialDelayMs: 1_000,
  factor: 2,
  maxDelayMs: 300_000,
  jitter: 0,
  nonRetryableCodes: Object.freeze([]),
  maxLostAttempts: 10,
});

export const NO_TIMEOUTS: Timeouts = Object.freeze({
  queueMs: undefined,
  attemptMs: undefined,
  wholeMs: undefined,
  heartbeatMs: undefined,
});
