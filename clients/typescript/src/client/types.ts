// What does somebody who submits runs see?

import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { ChannelCredentials } from '@grpc/grpc-js';
import type { Event } from '@tutti/proto/tutti/v1/event_pb.ts';
import type { Executor } from '@tutti/proto/tutti/v1/executor_service_pb.ts';
import type { GraphFormat } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import type { PayloadForm } from '@tutti/proto/tutti/v1/payload_pb.ts';
import type { Run, RunSpec, RunState } from '@tutti/proto/tutti/v1/run_pb.ts';
import type { Task, TaskState } from '@tutti/proto/tutti/v1/task_pb.ts';
import type { JsonValue } from '../json.ts';
import type { PayloadInput } from '../payloads.ts';
import type { CallOptions, RetryOptions } from './caller.ts';
import type { TuttiError } from './errors.ts';
import type {
  DependencyChange,
  RerunInput,
  RerunOutcome,
  RunControl,
  RunControlOptions,
} from './run-control.ts';
import type { RunKeeping } from './run-keeping.ts';
import type { RunInput, TaskInput } from './spec.ts';
import type { FetchOptions } from './stored-payloads.ts';
import type { WatchOptions } from './watch.ts';
import type { WorkflowName, WorkflowsClient } from './workflows.ts';

/** How a client is set up. */
export interface ClientOptions {
  /** Host and port of the gRPC front door. Default: TUTTI_ADDRESS, else `127.0.0.1:7420`. */
  readonly address?: string;
  /** Default: TUTTI_NAMESPACE, else `default`. */
  readonly namespace?: string;
  /** For TLS: `credentials` of @grpc/grpc-js. Default: plain text. */
  readonly credentials?: ChannelCredentials;
  /** For a call with all of its repeats. Default 30,000. */
  readonly timeoutMs?: number;
  /** How calls that answer UNAVAILABLE are repeated; all of them bear it. */
  readonly retry?: Partial<RetryOptions>;
}

/** A name of RunState, for example `RUNNING`. */
export type RunStateName = Exclude<keyof typeof RunState, 'UNSPECIFIED'>;
/** A name of TaskState, for example `READY`. */
export type TaskStateName = Exclude<keyof typeof TaskState, 'UNSPECIFIED'>;
/** A name of GraphFormat, for example `DOT`. */
export type GraphFormatName = Exclude<keyof typeof GraphFormat, 'UNSPECIFIED'>;

/** What can be said of a submission. */
export interface SubmitOptions extends CallOptions {
  /** Default: one of the orchestrator's. Starting the same run twice runs it once. */
  readonly runId?: string;
  /** What to do if the run exists: refuse (default), or answer with the existing one. */
  readonly onConflict?: 'FAIL' | 'USE_EXISTING';
  /** A repeat with the same id gets the first answer. Default: a new UUID. */
  readonly requestId?: string;
}

/** A run that is a copy of a workflow. */
export interface WorkflowRun {
  readonly workflow: WorkflowName;
  /** Must match the workflow's schema. Default: the input of the template, else none. */
  readonly input?: PayloadInput;
}

/** One run of many. */
export interface Submission {
  readonly spec: RunInput | TaskInput | RunSpec | WorkflowRun;
  readonly runId?: string;
  readonly onConflict?: 'FAIL' | 'USE_EXISTING';
}

/** What became of one run of many. */
export type SubmitOutcome =
  | { readonly ok: true; readonly run: RunHandle }
  | { readonly ok: false; readonly error: TuttiError };

/** How long to wait. */
export interface WaitOptions {
  /** Default: until the run is final. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** How long without any answer before it throws what was wrong. Default 60 s. */
  readonly giveUpAfterMs?: number;
}

/** How a wait ended. */
export interface WaitOutcome {
  /** False: the time was over first. */
  readonly finished: boolean;
  /** True only if the run is COMPLETED. */
  readonly succeeded: boolean;
  readonly run: Run;
}

/** What can be said of a submission that is waited for: how long, as for `wait`; the rest, as for `submit`. */
export interface ExecuteOptions extends Omit<SubmitOptions, 'timeoutMs' | 'signal'>, WaitOptions {}

/** How a run that was submitted stands when the wait is over. */
export interface ExecuteOutcome extends WaitOutcome {
  /** For its results, and for all else that can be done with it. */
  readonly handle: RunHandle;
}

/** What a signal did. */
export interface SignalOutcome {
  /** The task whose wait it ended; empty if none waits for it yet. */
  readonly taskKey: string;
}

/** How much a cancellation did. */
export interface CancelOutcome {
  /** How many tasks it ended at once. */
  readonly cancelledCount: number;
  /** How many running tasks were told to stop. */
  readonly cancellingCount: number;
}

/** What can be said of a cancellation. */
export interface CancelOptions extends CallOptions {
  /** Why, for people (runs only). */
  readonly message?: string;
  readonly requestId?: string;
}

/** Which runs to list. */
export interface ListRunsOptions extends CallOptions {
  /** Default: any. */
  readonly states?: readonly RunStateName[];
  /** Only runs that have all of these. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly submittedAfter?: Date;
  readonly submittedBefore?: Date;
  /** How many to fetch at once: 1 to 1,000. Default 100. */
  readonly pageSize?: number;
}

/** Which tasks to list. */
export interface ListTasksOptions extends CallOptions {
  /** Default: any. */
  readonly states?: readonly TaskStateName[];
  /** True: with specification, attempts and results. Default false. */
  readonly full?: boolean;
  /** The form of payloads. Default: bytes. */
  readonly payloadForm?: PayloadForm;
  /** How many to fetch at once: 1 to 1,000. Default 100. */
  readonly pageSize?: number;
}

/** A run that was submitted, or is known by its id. */
export interface RunHandle {
  readonly runId: string;
  /** The revision of its first event; undefined for a handle made from an id. */
  readonly revision: bigint | undefined;
  /** True if the run existed before (onConflict USE_EXISTING). */
  readonly existed: boolean;
  wait(options?: WaitOptions): Promise<WaitOutcome>;
  get(options?: CallOptions): Promise<Run>;
  tasks(options?: ListTasksOptions): AsyncGenerator<Task, void, void>;
  /** As Client.graph. */
  graph(format?: GraphFormatName, options?: CallOptions): Promise<string>;
  /**
   * The result of a completed task, parsed; undefined if it has none. Throws
   * TaskNotCompletedError. Default key: `task`, which is that of a task submitted alone.
   */
  result(taskKey?: string, options?: CallOptions): Promise<JsonValue | undefined>;
  cancel(options?: CancelOptions): Promise<CancelOutcome>;
  pause(options?: RunControlOptions & { readonly message?: string }): Promise<void>;
  resume(options?: RunControlOptions): Promise<void>;
  /** As Client.changeDependencies. */
  changeDependencies(taskKey: string, change: DependencyChange, options?: RunControlOptions): Promise<void>;
  /** As Client.rerunRun. */
  rerun(tasks: RerunInput, options?: RunControlOptions): Promise<RerunOutcome>;
  /** From the first event, and to the last; also through re-runs, as long as they are under way. */
  watch(options?: Omit<WatchOptions, 'runId'>): AsyncGenerator<Event, void, void>;
}

/** Submits runs, tells how they stand, ends them. Every method rejects with TuttiError. */
export interface Client extends RunControl, RunKeeping {
  readonly address: string;
  readonly namespace: string;
  /** Resolves when the run is on disk. Throws SpecError for what can be seen before sending. */
  submit(spec: RunInput | TaskInput | RunSpec | WorkflowRun, options?: SubmitOptions): Promise<RunHandle>;
  /**
   * Submits a run and waits for it in one call: the same as `submit` and then `wait`, and sooner. It bears
   * what both of them bear, a restart of the orchestrator too. The run goes on, whatever ends the waiting: who
   * wants to find it again after a failure gives it a `runId`.
   */
  execute(
    spec: RunInput | TaskInput | RunSpec | WorkflowRun,
    options?: ExecuteOptions,
  ): Promise<ExecuteOutcome>;
  /** Up to 10,000 runs with 100,000 tasks in one call; each is accepted or refused on its own. */
  submitMany(
    submissions: readonly Submission[],
    options?: CallOptions & { readonly requestId?: string },
  ): Promise<SubmitOutcome[]>;
  /** Templates to start runs from. */
  readonly workflows: WorkflowsClient;
  /** A handle without a call. */
  run(runId: string): RunHandle;
  /** Also its input and output that are stored apart. */
  getRun(runId: string, options?: FetchOptions): Promise<Run>;
  /** Latest first, page after page. */
  listRuns(options?: ListRunsOptions): AsyncGenerator<Run, void, void>;
  /** In the order of submission, page after page. */
  listTasks(runId: string, options?: ListTasksOptions): AsyncGenerator<Task, void, void>;
  /** In full, also what is stored apart. */
  getTask(runId: string, taskKey: string, options?: FetchOptions): Promise<Task>;
  /**
   * Puts the content in place of payloads that are stored apart, in the message itself: a payload, or what
   * holds some, such as a task of a list or an event. All other methods but lists and `watch` do so themselves.
   */
  fetchPayloads<T>(message: T, options?: FetchOptions): Promise<T>;
  /**
   * The graph of the run with the states of its tasks, as text for Mermaid (default) or Graphviz, or as
   * JSON. Up to 5,000 tasks; larger ones are refused (LIMIT_REACHED).
   */
  graph(runId: string, format?: GraphFormatName, options?: CallOptions): Promise<string>;
  /**
   * Gives a run a signal: it ends the longest wait for that name (TaskSpec.signal), now or later. Approvals
   * are signals with a payload such as `{ approved: true }`.
   */
  signalRun(
    runId: string,
    name: string,
    payload?: PayloadInput,
    options?: CallOptions & { readonly requestId?: string },
  ): Promise<SignalOutcome>;
  cancelRun(runId: string, options?: CancelOptions): Promise<CancelOutcome>;
  /** `subtree`: also every task grouped under it by `parent`. */
  cancelTask(
    runId: string,
    taskKey: string,
    options?: Omit<CancelOptions, 'message'> & { readonly subtree?: boolean },
  ): Promise<CancelOutcome>;
  /** Executors with a live session, by id, page after page. */
  listExecutors(
    options?: CallOptions & { readonly capability?: string; readonly pageSize?: number },
  ): AsyncGenerator<Executor, void, void>;
  /** Every event once, resuming by itself after a break. */
  watch(options?: WatchOptions): AsyncGenerator<Event, void, void>;
  /** Any other method of the orchestrator; UNAVAILABLE is repeated. */
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options?: CallOptions,
  ): Promise<MessageShape<O>>;
  /** Ends the connection; calls in flight, and any later ones, fail with ClientClosedError. */
  close(): void;
}
