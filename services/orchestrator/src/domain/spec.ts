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
  readonly mode: ExecutionMode;
  /** How many tasks may be READY, RUNNING or RETRYING at once; 0: no limit. */
  readonly maxParallel: number;
  /** With the mode MANAGED. Its task is one of `tasks`. */
  readonly manager: Manager | undefined;
  readonly startAtMs: number | undefined;
  /** From the submission on. */
  readonly startDelayMs: number;
  /** What its tasks may start as runs of their own, by name. */
  readonly childSpecs: Readonly<Record<string, RunSpec>>;
  /** What the input of a child run must match: JSON Schema, as JSON text; empty for anything. */
  readonly inputSchema: string;
}

/** GRAPH: as soon as the dependencies allow. SEQUENTIAL: each task depends on the one before it, too. */
export type ExecutionMode = 'GRAPH' | 'SEQUENTIAL' | 'MANAGED';

export interface Manager {
  /** Of its own task. */
  readonly key: string;
  readonly capability: string;
  readonly maxRounds: number;
  readonly timeouts: Timeouts;
}

/** The task that started a run. */
export interface RunParent {
  readonly runId: string;
  readonly taskKey: string;
  /** Counted from 1. */
  readonly attempt: number;
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
  /** Empty where the orchestrator does the work itself. */
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
  readonly work: Work;
  readonly flow: Flow;
  readonly handling: Handling;
}

/** What is done. All but CAPABILITY is done by the orchestrator itself. */
export type Work =
  | { readonly type: 'CAPABILITY' }
  | { readonly type: 'EXPRESSION'; readonly text: string }
  | { readonly type: 'SIGNAL'; readonly name: string }
  /** Exactly one is set. */
  | { readonly type: 'TIMER'; readonly delayMs: number | undefined; readonly atMs: number | undefined }
  | {
      readonly type: 'CHILD_RUN';
      /** The name of one of RunSpec.childSpecs. */
      readonly spec: string;
      /** As a client asked for it; the door puts what it says into `childSpecs`. */
      readonly workflow: RunOrigin | undefined;
    }
  | {
      readonly type: 'LINK';
      readonly runId: string;
      readonly taskKey: string;
      /** Of that task; the door looks it up. */
      readonly result: Payload;
    };

/** How often and when it is done, and how long that takes. */
export interface Flow {
  readonly foreach: Foreach | undefined;
  readonly repeat: Repeat | undefined;
  readonly sendBack: readonly SendBack[];
  readonly startAtMs: number | undefined;
  /** From the moment on at which its dependencies allow it. */
  readonly startDelayMs: number;
  /** How long it probably takes, all of its attempts and items together; 0: nobody has said. */
  readonly expectedMs: number;
}

export interface Foreach {
  /** Of each item; unused with an expression. */
  readonly items: readonly Payload[];
  /** Empty: `items` holds. */
  readonly itemsExpression: string;
  /** 0: no limit of the user's. */
  readonly maxParallel: number;
  readonly toleratedFailures: number;
  /** 0 to 1. */
  readonly toleratedShare: number;
  readonly siblings: 'CONTINUE' | 'STOP';
}

export interface Repeat {
  /** Empty: only the limit ends it. */
  readonly until: string;
  readonly maxIterations: number;
  readonly delayMs: number;
  /** Empty: the result is the next input. */
  readonly nextInput: string;
}

export interface SendBack {
  /** The key of the earlier task. */
  readonly to: string;
  readonly when: string;
  /** Empty: no reason is given. */
  readonly reason: string;
  readonly maxIterations: number;
}

/** What is made of failures and of results that do not please. */
export interface Handling {
  readonly errorRules: readonly ErrorRule[];
  /** A capability; empty for none. */
  readonly fallback: string;
  readonly guardrails: readonly Guardrail[];
  readonly compensation: Compensation | undefined;
}

export interface ErrorRule {
  /** A trailing `*` stands for any ending. Empty: any code. */
  readonly codes: readonly string[];
  readonly action:
    | { readonly type: 'RETRY'; readonly delayMs: number | undefined }
    | { readonly type: 'FAIL' }
    | { readonly type: 'FALL_BACK' }
    | { readonly type: 'COMPLETE'; readonly result: Payload };
}

export interface Guardrail {
  readonly check:
    | { readonly type: 'EXPRESSION'; readonly text: string }
    /** JSON Schema, as JSON text. */
    | { readonly type: 'SCHEMA'; readonly schema: string }
    | { readonly type: 'CAPABILITY'; readonly capability: string };
  /** The reason to give; empty: the check's own. */
  readonly message: string;
}

export interface Compensation {
  readonly capability: string;
  /** Empty: the task's result. */
  readonly inputExpression: string;
  readonly retry: RetryPolicy;
  readonly timeouts: Timeouts;
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
export const BY_CAPABILITY: Work = Object.freeze({ type: 'CAPABILITY' });
export const PLAIN_FLOW: Flow = Object.freeze({
  foreach: undefined,
  repeat: undefined,
  sendBack: Object.freeze([]),
  startAtMs: undefined,
  startDelayMs: 0,
  expectedMs: 0,
});
export const PLAIN_HANDLING: Handling = Object.freeze({
  errorRules: Object.freeze([]),
  fallback: '',
  guardrails: Object.freeze([]),
  compensation: undefined,
});
export const PLAIN_TASK = Object.freeze({
  when: '',
  inputExpression: '',
  work: BY_CAPABILITY,
  flow: PLAIN_FLOW,
  handling: PLAIN_HANDLING,
});
export const PLAIN_RUN = Object.freeze({
  input: EMPTY_PAYLOAD,
  output: '',
  outputTask: '',
  workflow: undefined,
  mode: 'GRAPH',
  maxParallel: 0,
  manager: undefined,
  startAtMs: undefined,
  startDelayMs: 0,
  childSpecs: Object.freeze({}),
  inputSchema: '',
});

export const DEFAULT_MAX_REPEATS = 100;
export const DEFAULT_MAX_SEND_BACKS = 10;
export const DEFAULT_MAX_ROUNDS = 1_000;

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
