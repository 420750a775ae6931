// What a client submits, with every default filled in. Never changes after submission.

import { EMPTY_PAYLOAD, type Payload } from './payload.ts';

export interface RunSpec {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly tasks: readonly TaskSpec[];
  readonly failurePolicy: FailurePolicy;
  /** From submission to the end of the run. */
  readonly timeoutMs: number | undefined;
  /** What the run is given as a whole; for expressions, too. */
  readonly input: Payload;
  /** The expression for what the run comes to; empty for none. */
  readonly output: string;
  /** The key of the task whose result is what the run comes to; empty for none. */
  readonly outputTask: string;
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
  /** Whether it runs once its join is met: an expression, empty for yes. */
  readonly when: string;
  /** What its input is, in the place of `input`: an expression, empty for none. */
  readonly inputExpression: string;
}

export interface Dependency {
  readonly key: string;
  readonly condition: DependencyCondition;
  /** What else must hold once `condition` does: an expression, empty for nothing. */
  readonly when: string;
  /** The upstream's name for expressions and attempts; empty for its key. */
  readonly alias: string;
  readonly select: Selection;
}

/** The part of a result that attempts are given. */
export interface Selection {
  readonly part:
    | { readonly type: 'ALL' }
    | { readonly type: 'NOTHING' }
    | { readonly type: 'FIELDS'; readonly names: readonly string[] }
    | { readonly type: 'LAST'; readonly count: number };
  /** 0: no limit. */
  readonly maxBytes: number;
  readonly oversize: 'REFUSE' | 'CUT';
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

export const SELECT_ALL: Selection = Object.freeze({
  part: Object.freeze({ type: 'ALL' }),
  maxBytes: 0,
  oversize: 'REFUSE',
});

/** What most edges, tasks and runs say beside the rest: nothing. */
export const PLAIN_EDGE = Object.freeze({ when: '', alias: '', select: SELECT_ALL });
export const PLAIN_TASK = Object.freeze({ when: '', inputExpression: '' });
export const PLAIN_RUN = Object.freeze({
  input: EMPTY_PAYLOAD,
  output: '',
  outputTask: '',
  workflow: undefined,
});

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
