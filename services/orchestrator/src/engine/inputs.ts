// What goes into an engine. Every call is answered by exactly one Reply effect with its `callId`,
// released once what caused it is durable.

import type { Feedback, Progress, RerunScope, TaskError, Usage } from '../domain/events.ts';
import type { Graph } from '../domain/graph.ts';
import type { Payload } from '../domain/payload.ts';
import type { Result } from '../domain/rejection.ts';
import type { Dependency, TaskSpec } from '../domain/spec.ts';
import type { RunState } from '../domain/state.ts';
import type { ExecutorCapability } from '../scheduling/executor-pool.ts';

export type { ExecutorCapability };

/** The calls of clients and executors: what each takes, and what it is answered. */
export interface EngineCalls {
  SubmitRun: { input: SubmitRun; reply: Result<SubmittedRun> };
  ClaimRequest: { input: ClaimRequest; reply: Result<true> };
  CancelRun: { input: CancelRun; reply: Result<CancelledTasks> };
  CancelTask: { input: CancelTask; reply: Result<CancelledTasks> };
  SignalRun: { input: SignalRun; reply: Result<SignalledRun> };
  AddTasks: { input: AddTasks; reply: Result<AddedTasks> };
  ChangeDependencies: { input: ChangeDependencies; reply: Result<true> };
  PauseRun: { input: PauseRun; reply: Result<true> };
  ResumeRun: { input: ResumeRun; reply: Result<true> };
  RerunRun: { input: RerunRun; reply: Result<RestartedRun> };
  ListExecutors: { input: ListExecutors; reply: Result<readonly ExecutorSnapshot[]> };
  RegisterExecutor: { input: RegisterExecutor; reply: Result<Registration> };
  Heartbeat: { input: Heartbeat; reply: Result<HeartbeatAck> };
  Report: { input: ReportAttempts; reply: Result<readonly ReportStatus[]> };
}

export type EngineCallType = keyof EngineCalls;

export type EngineInput =
  | {
      [K in EngineCallType]: {
        readonly type: K;
        readonly callId: number;
        readonly input: EngineCalls[K]['input'];
      };
    }[EngineCallType]
  /** Time has passed; nothing else happened. */
  | { readonly type: 'Tick' }
  /** The process stood still for a while, so that heartbeats could not be heard: leases live that much longer. */
  | { readonly type: 'Stalled'; readonly stalledMs: number };

export interface SubmitRun {
  /** Chosen by the client, or minted. */
  readonly runId: string;
  /** True if it was chosen: then the runtime first looks whether the store knows it. */
  readonly chosen: boolean;
  /** What to answer when an active run has this id. */
  readonly onConflict: 'FAIL' | 'USE_EXISTING';
  readonly graph: Graph;
  /** W3C Trace Context under which the run is traced. */
  readonly traceparent: string;
  readonly request: RequestKey | undefined;
}

/** Makes a call that changes state safe to repeat. */
export interface RequestKey {
  readonly requestId: string;
  /** A digest of the call's content: the same id with another digest is refused. */
  readonly fingerprint: string;
}

/** Takes a request id for a call of many parts, each of which is answered on its own. */
export interface ClaimRequest {
  readonly request: RequestKey;
}

export interface SubmittedRun {
  readonly runId: string;
  readonly revision: number;
  readonly existed: boolean;
}

export interface CancelRun {
  readonly runId: string;
  readonly message: string;
  readonly request: RequestKey | undefined;
}

export interface AddTasks {
  /** Who says so: the lease must be one of theirs. */
  readonly by:
    | { readonly type: 'RUN'; readonly runId: string }
    | { readonly type: 'EXECUTOR'; readonly executorId: string; readonly session: string };
  /** Of an attempt that is under way. */
  readonly leaseToken: string;
  readonly tasks: readonly TaskSpec[];
  readonly request: RequestKey | undefined;
}

export interface AddedTasks {
  /** Of those that were not there yet. */
  readonly addedCount: number;
}

export interface ChangeDependencies {
  readonly runId: string;
  readonly taskKey: string;
  readonly add: readonly Dependency[];
  /** Keys. */
  readonly remove: readonly string[];
  readonly request: RequestKey | undefined;
}

export interface PauseRun {
  readonly runId: string;
  readonly message: string;
  readonly request: RequestKey | undefined;
}

export interface ResumeRun {
  readonly runId: string;
  readonly request: RequestKey | undefined;
}

export interface RerunRun {
  readonly runId: string;
  readonly scope: RerunScope;
  /** With the scope FROM, and only then. */
  readonly taskKey: string;
  /** The run as its durable events add up, since the engine knows no final runs; the engine's from here on. */
  readonly run: RunState | undefined;
  readonly request: RequestKey | undefined;
}

export interface RestartedRun {
  readonly resetCount: number;
  readonly revision: number;
}

export interface CancelTask {
  readonly runId: string;
  readonly taskKey: string;
  readonly subtree: boolean;
  readonly request: RequestKey | undefined;
}

export interface SignalRun {
  readonly runId: string;
  readonly name: string;
  readonly payload: Payload;
  readonly request: RequestKey | undefined;
}

export interface SignalledRun {
  /** Whose wait it ended; empty if none waits for it yet. */
  readonly taskKey: string;
}

export interface CancelledTasks {
  /** Ended at once. */
  readonly cancelledCount: number;
  /** Running, and told to stop. */
  readonly cancellingCount: number;
}

export interface ListExecutors {
  /** Only executors with this capability; empty for all. */
  readonly capability: string;
}

export interface ExecutorSnapshot {
  readonly executorId: string;
  readonly draining: boolean;
  readonly capabilities: readonly ExecutorCapability[];
  readonly labels: Readonly<Record<string, string>>;
  readonly slots: number;
  readonly running: number;
  readonly registeredAtMs: number;
  readonly heardAtMs: number;
}

export interface RegisterExecutor {
  readonly executorId: string;
  readonly capabilities: readonly ExecutorCapability[];
  readonly labels: Readonly<Record<string, string>>;
  readonly slots: number;
  /** Lease tokens of attempts held from an earlier session. */
  readonly held: readonly string[];
  /** Draining: it finishes what it holds, and is given nothing new. */
  readonly phase: 'ACTIVE' | 'DRAINING';
}

export interface Registration {
  readonly session: string;
  readonly leaseDurationMs: number;
  readonly heartbeatIntervalMs: number;
  readonly kept: readonly string[];
  readonly maxPayloadBytes: number;
}

export interface Heartbeat {
  readonly executorId: string;
  readonly session: string;
  readonly phase: 'ACTIVE' | 'DRAINING' | 'LEAVING';
  readonly attempts: readonly HeldAttempt[];
}

export interface HeldAttempt {
  readonly leaseToken: string;
  readonly progress: Progress | undefined;
  readonly checkpoint: Payload | undefined;
}

export interface HeartbeatAck {
  /** Tokens whose lease has ended. */
  readonly dropped: readonly string[];
  readonly cancellations: readonly Cancellation[];
  /** What the executor should hold but did not name. */
  readonly missing: readonly Assignment[];
}

export interface ReportAttempts {
  readonly executorId: string;
  readonly session: string;
  readonly reports: readonly AttemptReport[];
}

export interface AttemptReport {
  readonly leaseToken: string;
  readonly outcome: AttemptOutcome;
  readonly usage: Usage | undefined;
}

export type AttemptOutcome =
  | { readonly type: 'Completed'; readonly result: Payload }
  | {
      readonly type: 'Failed';
      readonly error: TaskError;
      readonly final: boolean;
      readonly retryAfterMs: number | undefined;
      /** What the attempt left for the next one since the last heartbeat. */
      readonly checkpoint?: Payload | undefined;
    }
  | { readonly type: 'Cancelled'; readonly partialResult: Payload | undefined }
  | { readonly type: 'Released' };

export type ReportStatus = 'RECORDED' | 'STALE' | 'UNKNOWN';

/** The right to one attempt, and all that its executor needs. */
export interface Assignment {
  readonly leaseToken: string;
  readonly runId: string;
  readonly taskKey: string;
  readonly attempt: number;
  readonly capability: string;
  readonly input: Payload;
  readonly dependencies: readonly DependencyResult[];
  readonly timeoutMs: number | undefined;
  readonly heartbeatTimeoutMs: number | undefined;
  readonly checkpoint: Payload | undefined;
  readonly lastError: TaskError | undefined;
  /** What this attempt is to do better than one before. */
  readonly feedback: Feedback | undefined;
  /** Of a repeat, or after send-backs, from 1; 0 without. */
  readonly iteration: number;
  /** Of the run; telemetry makes the span of the attempt under it. */
  readonly traceparent: string;
}

export interface DependencyResult {
  readonly key: string;
  /** The name that its edge gives it; empty for its key. */
  readonly alias: string;
  readonly state: 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'SKIPPED';
  readonly result: Payload | undefined;
  readonly error: TaskError | undefined;
}

export interface Cancellation {
  readonly leaseToken: string;
  readonly reason: 'CANCEL_REQUESTED' | 'RUN_ENDING' | 'ATTEMPT_TIMED_OUT' | 'TASK_TIMEOUT';
  /** Until the lease is withdrawn; 0: it is gone already. */
  readonly graceMs: number;
}
