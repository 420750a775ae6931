// What the front doors (gRPC, HTTP, NATS) see of the runtime.

import type { Graph } from '../domain/graph.ts';
import type { Payload } from '../domain/payload.ts';
import type { Result } from '../domain/rejection.ts';
import type { EngineCalls, EngineCallType, SubmitRun, SubmittedRun } from '../engine/inputs.ts';
import type { RunRow, Store } from '../store/port.ts';
import type { Payloads } from './payloads.ts';
import type { RunLife } from './run-life.ts';
import type { Workflows } from './workflows.ts';

export interface Orchestrator {
  /**
   * Passes a call on to the namespace's engine and answers once what the answer tells is durable.
   * Loads the namespace at its first use. Answers with the rejections COMMIT_FAILED, NOT_SERVING and
   * LIMIT_REACHED where the engine could not; never throws for these. Rejects for a defect.
   */
  call<K extends EngineCallType>(
    namespace: string,
    type: K,
    input: EngineCalls[K]['input'],
  ): Promise<EngineCalls[K]['reply']>;
  /**
   * As the call SubmitRun, with a graph that is asked for only if no earlier answer and no existing run
   * is the answer: what it is made from may be gone by then.
   */
  submitPrepared(
    namespace: string,
    input: Omit<SubmitRun, 'graph'>,
    prepare: () => Promise<Result<Graph>>,
  ): Promise<Result<SubmittedRun>>;
  /** Changes what is kept under the names of workflows; answers as `call` does. */
  readonly workflows: Workflows;
  /** What becomes of runs that are final; answers as `call` does. */
  readonly runLife: RunLife;
  /** Payloads that are stored apart; answers as `call` does. */
  readonly payloads: Payloads;
  /**
   * Every event after a revision, nothing missed, nothing twice. Ends after a watched run's last
   * event, or when `signal` is aborted. The first page says where the stream begins and may be
   * empty; on a quiet stream an empty page comes every 15 s as a sign of life. It counts as a watcher
   * from the moment it is granted until it is read to its end, or `signal` is aborted. It ends early,
   * without a word, when the engine behind it is gone: whether a run is over, the store says.
   */
  watch(namespace: string, query: WatchQuery, signal: AbortSignal): Promise<Result<AsyncIterable<WatchPage>>>;
  /**
   * Waits for the end of a run that is under way here, and tells it without a look at the store. Undefined
   * where it cannot: the run is not known to be under way, its engine is gone, the time is over, or
   * `signal` is aborted. It counts as a watcher.
   */
  waitForEnd(
    namespace: string,
    runId: string,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<Result<RunEnd | undefined>>;
  /** Reads of what is durable. */
  readonly queries: StoreQueries;
  /**
   * Whether an executor that takes work offers the capability at this moment; undefined while the
   * namespace is not loaded. Waits for nothing.
   */
  offers(namespace: string, capability: string): boolean | undefined;
  /** False while starting and stopping. */
  serving(): boolean;
  /**
   * The namespaces whose latest commit failed: their calls are answered with COMMIT_FAILED or
   * NOT_SERVING. Each is loaded anew and goes on by itself once the store takes commits again.
   */
  failingNamespaces(): readonly string[];
}

/** A run as its last event left it. */
export interface RunEnd {
  readonly row: RunRow;
  readonly input: Payload;
  /** Undefined where it asks for none, or did not complete. */
  readonly output: Payload | undefined;
}

export type StoreQueries = Pick<
  Store,
  | 'getRun'
  | 'getRunRecord'
  | 'listRuns'
  | 'getTask'
  | 'listTasks'
  | 'readTaskEvents'
  | 'readEvents'
  | 'getWorkflow'
  | 'listWorkflows'
  | 'listWorkflowVersions'
  | 'latestRevision'
>;

export interface WatchQuery {
  /** Only this run; undefined for the whole namespace. */
  readonly runId: string | undefined;
  /** Undefined: all there are for a run, only new ones for a namespace. */
  readonly afterRevision: number | undefined;
}

export interface WatchPage {
  /** Binary forms of tutti.v1.Event, by revision. */
  readonly events: readonly Uint8Array[];
  /** Everything that matches up to here has been given. */
  readonly revision: number;
}
