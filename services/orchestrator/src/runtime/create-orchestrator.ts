// Puts the runtime together: one driver per namespace, made at its first use, behind one face.

import { accept, type Rejection, type Result, reject } from '../domain/rejection.ts';
import type { EngineGauges } from '../engine/gauges.ts';
import type { EngineCalls, EngineCallType } from '../engine/inputs.ts';
import type { EngineOptions } from '../engine/options.ts';
import { runNotFound } from '../engine/requests.ts';
import type { Store } from '../store/port.ts';
import { createNamespaceDriver, type NamespaceDriver, notServing } from './namespace-driver.ts';
import type { Orchestrator, WatchPage, WatchQuery } from './orchestrator.ts';
import type { Clock, CommitObserver, CommitReport, ExecutorTransport } from './ports.ts';
import { type Pruning, startPruning } from './pruning.ts';
import { createRepeatGuard } from './repeat-guard.ts';
import { watchEvents } from './watch.ts';

export interface OrchestratorDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly transport: ExecutorTransport;
  readonly observer: CommitObserver;
  readonly engine: Omit<EngineOptions, 'namespace'>;
  readonly limits: RuntimeLimits;
  readonly commitFinished: (report: CommitReport) => void;
  readonly warn: (message: string, error: unknown) => void;
}

export interface RuntimeLimits {
  readonly maxNamespaces: number;
  readonly maxPendingCalls: number;
  readonly maxWatchers: number;
  /** How long the answers to requests are kept for repeats. */
  readonly requestRetentionMs: number;
}

export const DEFAULT_RUNTIME_LIMITS: RuntimeLimits = {
  maxNamespaces: 1_000,
  maxPendingCalls: 50_000,
  maxWatchers: 10_000,
  requestRetentionMs: 24 * 3_600_000,
};

export interface RunningOrchestrator extends Orchestrator {
  /** Loads every namespace with runs that are not final; calls are taken from here on. */
  start(): Promise<void>;
  /** Takes no more calls, finishes commits, ends watchers. */
  stop(): Promise<void>;
  gauges(): readonly EngineGauges[];
  watcherCount(): number;
}

export function createOrchestrator(dependencies: OrchestratorDependencies): RunningOrchestrator {
  const { store, clock, limits } = dependencies;
  const drivers = new Map<string, NamespaceDriver>();
  const guard = createRepeatGuard(store, clock);
  let serving = false;
  let pruning: Pruning | undefined;

  function driverOf(namespace: string): Result<NamespaceDriver> {
    const existing = drivers.get(namespace);
    if (existing !== undefined) return accept(existing);
    if (drivers.size >= limits.maxNamespaces && !stopAnIdleOne()) {
      return limitReached('namespaces', limits.maxNamespaces);
    }
    const driver = createNamespaceDriver({
      namespace,
      store,
      clock,
      transport: dependencies.transport,
      observer: dependencies.observer,
      engineOptions: { ...dependencies.engine, namespace },
      maxPendingCalls: limits.maxPendingCalls,
      commitFinished: dependencies.commitFinished,
      warn: dependencies.warn,
    });
    drivers.set(namespace, driver);
    return accept(driver);
  }

  /** Makes room: names that were used once, or made up, must not lock others out. */
  function stopAnIdleOne(): boolean {
    for (const [namespace, driver] of drivers) {
      if (!driver.idle()) continue;
      drivers.delete(namespace);
      void driver.stop();
      return true;
    }
    return false;
  }

  async function call<K extends EngineCallType>(
    namespace: string,
    type: K,
    input: EngineCalls[K]['input'],
  ): Promise<EngineCalls[K]['reply']> {
    if (!serving) return { ok: false, rejection: notServing() };
    const found = driverOf(namespace);
    if (!found.ok) return found;
    const driver = found.value;
    try {
      switch (type) {
        case 'SubmitRun':
          return await guard.submitRun(driver, input as EngineCalls['SubmitRun']['input']);
        case 'ClaimRequest':
          return await guard.claimRequest(driver, input as EngineCalls['ClaimRequest']['input']);
        case 'CancelRun':
          return await guard.cancelRun(driver, input as EngineCalls['CancelRun']['input']);
        case 'CancelTask':
          return await guard.cancelTask(driver, input as EngineCalls['CancelTask']['input']);
        default:
          return await driver.call(type, input);
      }
    } catch (error) {
      dependencies.warn(`a look-up for ${type} failed`, error);
      return { ok: false, rejection: lookupFailed() };
    }
  }

  async function watch(
    namespace: string,
    query: WatchQuery,
    signal: AbortSignal,
  ): Promise<Result<AsyncIterable<WatchPage>>> {
    if (!serving) return { ok: false, rejection: notServing() };
    if (watcherCount() >= limits.maxWatchers) return limitReached('watchers', limits.maxWatchers);
    const found = driverOf(namespace);
    if (!found.ok) return found;
    await found.value.loaded();
    const hub = found.value.hub();
    if (hub === undefined) return { ok: false, rejection: notServing() };
    const run = query.runId === undefined ? undefined : await store.getRun(namespace, query.runId);
    if (query.runId !== undefined && run === undefined) return runNotFound(namespace, query.runId);
    const after = query.afterRevision ?? (run === undefined ? hub.revision : 0);
    if (after > hub.revision) return revisionInFuture(after, hub.revision);
    return accept(watchEvents({ store, hub, clock, namespace }, run, after, signal));
  }

  function watcherCount(): number {
    let count = 0;
    for (const driver of drivers.values()) count += driver.hub()?.watchers ?? 0;
    return count;
  }

  return {
    call,
    watch,
    queries: store,
    serving: () => serving,
    gauges: () => [...drivers.values()].flatMap((driver) => driver.gauges() ?? []),
    watcherCount,
    async start() {
      for (const namespace of await store.activeNamespaces()) {
        const driver = driverOf(namespace);
        if (driver.ok) await driver.value.loaded();
      }
      serving = true;
      pruning = startPruning({
        store,
        clock,
        retentionMs: limits.requestRetentionMs,
        warn: dependencies.warn,
      });
    },
    async stop() {
      serving = false;
      pruning?.stop();
      await Promise.all([...drivers.values()].map((driver) => driver.stop()));
    },
  };
}

function limitReached(
  resource: string,
  limit: number,
): { readonly ok: false; readonly rejection: Rejection } {
  const message = `the orchestrator serves ${limit} ${resource} already: try again later, or raise the limit`;
  return reject('LIMIT_REACHED', message, { resource, limit: String(limit) });
}

function lookupFailed(): Rejection {
  return reject('NOT_SERVING', 'the store did not answer: try again in a moment').rejection;
}

function revisionInFuture(
  revision: number,
  latest: number,
): { readonly ok: false; readonly rejection: Rejection } {
  return reject(
    'REVISION_IN_FUTURE',
    `revision ${revision} is beyond the latest, ${latest}: resume from a revision that was seen`,
    { revision: String(revision), latest: String(latest) },
    'after_revision',
  );
}
