// Puts the runtime together: the drivers of all namespaces, behind one face.

import type { ExpressionCompiler } from '../domain/expression.ts';
import { accept, type Rejection, type Result, reject } from '../domain/rejection.ts';
import type { SchemaChecker } from '../domain/schema.ts';
import type { EngineGauges } from '../engine/gauges.ts';
import type { EngineCalls, EngineCallType } from '../engine/inputs.ts';
import type { EngineOptions } from '../engine/options.ts';
import { runNotFound } from '../engine/requests.ts';
import { type Store, StoreError } from '../store/port.ts';
import { createExecutorBound, DEFAULT_EXECUTOR_LIMITS, type ExecutorLimits } from './executor-bound.ts';
import { createNamespaceDriver, type NamespaceDriver, notLoaded, notServing } from './namespace-driver.ts';
import { createNamespaces, type Refused, storeIsFull, tooMany } from './namespaces.ts';
import type { Orchestrator, RunEnd, WatchPage, WatchQuery } from './orchestrator.ts';
import { referencesOfCall } from './payload-references.ts';
import {
  type CheckedPayloads,
  createPayloads,
  DEFAULT_PAYLOAD_LIMITS,
  type PayloadLimits,
} from './payloads.ts';
import type { Clock, CommitObserver, CommitReport, ExecutorTransport } from './ports.ts';
import { type Pruning, startPruning } from './pruning.ts';
import { createRepeatGuard, type RepeatGuard } from './repeat-guard.ts';
import { createReruns, type Reruns } from './reruns.ts';
import { within } from './run-ends.ts';
import { createRunLife } from './run-life.ts';
import { runRowOf } from './run-rows.ts';
import { watchEvents } from './watch.ts';
import { createWorkflows } from './workflows.ts';

export interface OrchestratorDependencies {
  readonly store: Store;
  readonly expressions: ExpressionCompiler;
  readonly schemas: SchemaChecker;
  readonly clock: Clock;
  readonly transport: ExecutorTransport;
  readonly observer: CommitObserver;
  readonly engine: Omit<EngineOptions, 'namespace'>;
  readonly limits: RuntimeLimits;
  readonly commitFinished: (report: CommitReport) => void;
  /** Told at each load of a namespace: from here on no session of an executor is known that is not begun anew. */
  readonly namespaceLoaded?: (namespace: string) => void;
  readonly warn: (message: string, error: unknown) => void;
}

export interface RuntimeLimits extends PayloadLimits, ExecutorLimits {
  readonly maxNamespaces: number;
  /** Of clients, in one namespace: calls that are unanswered, and watches that are not granted yet. */
  readonly maxPendingCalls: number;
  readonly maxWatchers: number;
  /** How long the answers to requests are kept for repeats. */
  readonly requestRetentionMs: number;
  /** How long final runs are kept in namespaces that have not said so; undefined: for ever. */
  readonly runRetentionMs: number | undefined;
}

export const DEFAULT_RUNTIME_LIMITS: RuntimeLimits = {
  maxNamespaces: 1_000,
  maxPendingCalls: 50_000,
  maxWatchers: 10_000,
  requestRetentionMs: 24 * 3_600_000,
  runRetentionMs: undefined,
  ...DEFAULT_EXECUTOR_LIMITS,
  ...DEFAULT_PAYLOAD_LIMITS,
};

export interface RunningOrchestrator extends Orchestrator {
  /** Loads every namespace with runs that are not final, as far as it can; calls are taken from here on. */
  start(): Promise<void>;
  /** Takes no more calls, finishes commits, ends watchers. */
  stop(): Promise<void>;
  /**
   * Resolves once another process has claimed a namespace that is served here. From then on no calls are
   * taken: what this one holds of any namespace may be outdated.
   */
  readonly replaced: Promise<Error>;
  gauges(): readonly EngineGauges[];
  watcherCount(): number;
  /** READY tasks that an executor is there for, in all namespaces. */
  startableTasks(): number;
  /** Attempts begun, in all namespaces, each since it was loaded. */
  startedTasks(): number;
  /** Of the commit that is under way longest; 0 for none. */
  commitDelayMs(): number;
  /** The same, or of the longest that ended just now. */
  recentCommitMs(): number;
}

export function createOrchestrator(dependencies: OrchestratorDependencies): RunningOrchestrator {
  const { store, clock, limits, warn } = dependencies;
  const replaced = Promise.withResolvers<Error>();
  const payloads = createPayloads({ store, clock, limits, serving: () => serving, warn });
  const namespaces = createNamespaces({
    createDriver: (namespace) => {
      const engineOptions = { ...dependencies.engine, namespace };
      return withCheckedPayloads(
        createNamespaceDriver({ ...dependencies, namespace, engineOptions, fenced }),
        payloads,
      );
    },
    maxNamespaces: limits.maxNamespaces,
    maxPendingCalls: limits.maxPendingCalls,
  });
  const guard = createRepeatGuard(store, clock);
  const reruns = createReruns({ ...dependencies, guard });
  const life = createRunLife({ ...dependencies, guard, defaultRetentionMs: limits.runRetentionMs });
  const executors = createExecutorBound(limits, () =>
    namespaces.drivers().flatMap((driver) => driver.census() ?? []),
  );
  const ways = waysOfCalls(guard, reruns, executors);
  const keptWorkflows = createWorkflows({ store, clock, guard, checkPayloads: payloads.check, warn });
  let serving = false;
  let isReplaced = false;
  let pruning: Pruning | undefined;

  function fenced(error: Error): void {
    serving = false;
    isReplaced = true;
    replaced.resolve(error);
  }

  async function call<K extends EngineCallType>(
    namespace: string,
    type: K,
    input: EngineCalls[K]['input'],
  ): Promise<EngineCalls[K]['reply']> {
    const by = OF_EXECUTORS.includes(type) ? 'EXECUTOR' : 'CLIENT';
    return withDriver(namespace, type, (driver) => ways[type](driver, input), by);
  }

  /** Answers with a rejection where the store could not be asked, or nobody is served. */
  async function withDriver<R>(
    namespace: string,
    what: string,
    work: (driver: NamespaceDriver) => Promise<R>,
    by: 'CLIENT' | 'EXECUTOR' = 'CLIENT',
  ): Promise<R | Refused> {
    if (!serving) return { ok: false, rejection: notServing() };
    try {
      return await namespaces.use(namespace, work, by);
    } catch (error) {
      // Anything else is a defect, and is to be told as one.
      if (!(error instanceof StoreError)) throw error;
      if (error.code === 'FULL') return storeIsFull();
      warn(`a look-up for ${what} failed`, error);
      return { ok: false, rejection: lookupFailed() };
    }
  }

  async function watch(
    namespace: string,
    query: WatchQuery,
    signal: AbortSignal,
  ): Promise<Result<AsyncIterable<WatchPage>>> {
    if (!serving) return { ok: false, rejection: notServing() };
    return namespaces.use(
      namespace,
      async (driver) => {
        const { runId } = query;
        const run = runId === undefined ? undefined : await store.getRun(namespace, runId);
        if (runId !== undefined && run === undefined) return runNotFound(namespace, runId);
        const latest = query.afterRevision === undefined ? 0 : await store.latestRevision(namespace);
        const hub = (await driver.loaded(signal)) ? driver.hub() : undefined;
        if (hub === undefined) return { ok: false, rejection: serving ? notLoaded(namespace) : notServing() };
        const after = query.afterRevision ?? (run === undefined ? hub.revision : 0);
        // What is durable may be told before it is published here.
        if (after > Math.max(latest, hub.revision)) return revisionInFuture(after, latest);
        // No waiting from here on: the hub may be closed, and the last place be taken, after any.
        if (watcherCount() >= limits.maxWatchers) return tooMany('watchers', limits.maxWatchers);
        return accept(watchEvents({ store, hub, clock, namespace }, run, after, signal));
      },
      'CLIENT',
    );
  }

  async function waitForEnd(
    namespace: string,
    runId: string,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<Result<RunEnd | undefined>> {
    const driver = serving && timeoutMs > 0 ? namespaces.driver(namespace) : undefined;
    const run = driver?.activeRun(runId);
    const hub = driver?.hub();
    if (run === undefined || hub === undefined) return accept(undefined);
    if (watcherCount() >= limits.maxWatchers) return tooMany('watchers', limits.maxWatchers);
    const ended = await within(clock, hub.ends.next(run.firstRevision), timeoutMs, signal);
    if (ended === undefined) return accept(undefined);
    return accept({ row: runRowOf(ended), input: ended.graph.spec.input, output: ended.output });
  }

  function watcherCount(): number {
    return namespaces.drivers().reduce((count, driver) => count + (driver.hub()?.watchers ?? 0), 0);
  }

  return {
    call,
    submitPrepared: (namespace, input, prepare) =>
      withDriver(namespace, 'SubmitRun', (driver) => guard.submitPrepared(driver, input, prepare)),
    workflows: {
      put: (namespace, input) =>
        withDriver(namespace, 'PutWorkflow', (driver) => keptWorkflows.put(driver, input)),
      remove: (namespace, input) =>
        withDriver(namespace, 'DeleteWorkflow', (driver) => keptWorkflows.remove(driver, input)),
    },
    runLife: {
      change: (namespace, input) =>
        withDriver(namespace, input.action, (driver) => life.change(driver, input)),
      setRetention: (namespace, input) =>
        withDriver(namespace, 'SetRetention', (driver) => life.setRetention(driver, input)),
      getRetention: (namespace) =>
        withDriver(namespace, 'GetRetention', (driver) => life.getRetention(driver)),
    },
    payloads: { put: payloads.put, get: payloads.get },
    watch,
    waitForEnd,
    queries: store,
    offers: (namespace, capability) => namespaces.driver(namespace)?.offers(capability),
    serving: () => serving,
    replaced: replaced.promise,
    failingNamespaces: () =>
      namespaces.drivers().flatMap((driver) => (driver.failing() ? [driver.namespace] : [])),
    gauges: () => namespaces.drivers().flatMap((driver) => driver.gauges() ?? []),
    watcherCount,
    startedTasks: () => namespaces.drivers().reduce((sum, driver) => sum + driver.startedTasks(), 0),
    startableTasks: () => namespaces.drivers().reduce((sum, driver) => sum + driver.startableTasks(), 0),
    commitDelayMs: () => Math.max(0, ...namespaces.drivers().map((driver) => driver.commitDelayMs())),
    recentCommitMs: () => Math.max(0, ...namespaces.drivers().map((driver) => driver.recentCommitMs())),
    async start() {
      const active = await store.activeNamespaces();
      if (active.length > limits.maxNamespaces) {
        const most = `more than the limit of ${limits.maxNamespaces}: no other is taken before some are idle`;
        warn(`${active.length} namespaces have runs that are not final, ${most}`, undefined);
      }
      await namespaces.load(active);
      if (isReplaced) return;
      serving = true;
      pruning = startPruning({
        store,
        clock,
        retentionMs: limits.requestRetentionMs,
        payloadGraceMs: limits.payloadGraceMs,
        runRetentionMs: limits.runRetentionMs,
        expire: async (run) => {
          const expired = await withDriver(run.namespace, 'retention', (driver) => life.expire(driver, run));
          return expired === true;
        },
        warn,
      });
    },
    async stop() {
      serving = false;
      pruning?.stop();
      await Promise.all(namespaces.drivers().map((driver) => driver.stop()));
    },
  };
}

/** Calls that no limit of clients' calls keeps out. */
const OF_EXECUTORS: readonly EngineCallType[] = ['RegisterExecutor', 'Heartbeat', 'Report'];

/** What a call refers to is there before the engine sees the call. */
function withCheckedPayloads(driver: NamespaceDriver, payloads: CheckedPayloads): NamespaceDriver {
  return {
    ...driver,
    call(type, input) {
      const references = referencesOfCall(type, input);
      if (references.length === 0) return driver.call(type, input);
      return payloads
        .check(driver.namespace, references)
        .then((rejection) => (rejection === undefined ? driver.call(type, input) : { ok: false, rejection }));
    },
  };
}

type WaysOfCalls = {
  readonly [K in EngineCallType]: (
    driver: NamespaceDriver,
    input: EngineCalls[K]['input'],
  ) => Promise<EngineCalls[K]['reply']>;
};

/** Which calls ask the store for an earlier answer first. */
function waysOfCalls(
  guard: RepeatGuard,
  reruns: Reruns,
  executors: ReturnType<typeof createExecutorBound>,
): WaysOfCalls {
  return {
    SubmitRun: guard.submitRun,
    ClaimRequest: guard.claimRequest,
    CancelRun: guard.cancelRun,
    CancelTask: guard.cancelTask,
    SignalRun: guard.signalRun,
    AddTasks: (driver, input) => guard.once(driver, input.request, () => driver.call('AddTasks', input)),
    ChangeDependencies: guard.changeDependencies,
    PauseRun: guard.pauseRun,
    ResumeRun: guard.resumeRun,
    RerunRun: reruns.rerunRun,
    ListExecutors: (driver, input) => driver.call('ListExecutors', input),
    RegisterExecutor: executors.register,
    Heartbeat: (driver, input) => driver.call('Heartbeat', input),
    Report: (driver, input) => driver.call('Report', input),
  };
}

function lookupFailed(): Rejection {
  return reject('NOT_SERVING', 'the store did not answer: try again in a moment').rejection;
}

function revisionInFuture(revision: number, latest: number): Refused {
  return reject(
    'REVISION_IN_FUTURE',
    `revision ${revision} is beyond the latest, ${latest}: resume from a revision that was seen`,
    { revision: String(revision), latest: String(latest) },
    'after_revision',
  );
}
