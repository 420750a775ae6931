// Drives the engine of one namespace: takes inputs in, commits what comes of them, and releases the
// effects once they are durable.
//
//  D1  At most one commit is under way. What happens meanwhile gathers for the next (group commit).
//  D2  Nothing is released before the commit that contains its cause is durable (promise 3).
//  D3  Effects are released in the order in which the engine gave them.
//  D4  If a commit fails, the engine is ahead of the truth: it is dropped, every unanswered call is
//      answered with COMMIT_FAILED, and the namespace is loaded anew.
//  D5  Every call is answered exactly once.

import { type Rejection, reject } from '../domain/rejection.ts';
import { createEngine, type Engine } from '../engine/engine.ts';
import type { EngineGauges } from '../engine/gauges.ts';
import type { EngineCalls, EngineCallType, EngineInput } from '../engine/inputs.ts';
import type { EngineOptions } from '../engine/options.ts';
import type { EngineOutput } from '../engine/outputs.ts';
import { type Store, StoreError } from '../store/port.ts';
import { type PreparedCommit, prepareCommit } from './commit-batch.ts';
import { createEventHub, type EventHub } from './event-hub.ts';
import { loadActiveRuns } from './load.ts';
import type { Clock, CommitObserver, CommitReport, Delivery, ExecutorTransport } from './ports.ts';
import { createStallWatch } from './stall-watch.ts';

export interface NamespaceDriver {
  readonly namespace: string;
  call<K extends EngineCallType>(type: K, input: EngineCalls[K]['input']): Promise<EngineCalls[K]['reply']>;
  /** Resolves when the engine is loaded. */
  loaded(): Promise<void>;
  /** The hub of the present load; a new load has a new one and closes the old. */
  hub(): EventHub | undefined;
  gauges(): EngineGauges | undefined;
  /** Nothing runs, nobody is connected, nobody waits: it can be stopped, and made again at its next use. */
  idle(): boolean;
  /** Finishes the commit under way and what waits for it; later calls are answered with NOT_SERVING. */
  stop(): Promise<void>;
}

export interface DriverDependencies {
  readonly namespace: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly transport: ExecutorTransport;
  readonly observer: CommitObserver;
  readonly engineOptions: EngineOptions;
  /** Calls unanswered at once; beyond it LIMIT_REACHED. */
  readonly maxPendingCalls: number;
  readonly commitFinished: (report: CommitReport) => void;
  readonly warn: (message: string, error: unknown) => void;
}

const RELOAD_DELAYS_MS = [0, 100, 500, 2_000, 5_000];

type Answer = (reply: EngineCalls[EngineCallType]['reply']) => void;

export function createNamespaceDriver(dependencies: DriverDependencies): NamespaceDriver {
  const { namespace, store, clock, transport, observer } = dependencies;
  const stallWatch = createStallWatch(clock);
  const pending = new Map<number, Answer>();
  /** Calls that came while the engine is being loaded. */
  const waiters = new Set<(loaded: boolean) => void>();
  let lastCallId = 0;
  let engine: Engine | undefined;
  let hub: EventHub | undefined;
  let epoch = 0;
  let failures = 0;
  let stopping = false;
  let flushPlanned = false;
  let committing: Promise<void> | undefined;
  let revokeTick: (() => void) | undefined;
  let tickAtMs = Number.POSITIVE_INFINITY;
  let loading = load();

  async function load(): Promise<void> {
    while (!stopping) {
      try {
        await pause(RELOAD_DELAYS_MS[Math.min(failures, RELOAD_DELAYS_MS.length - 1)] ?? 0);
        const claim = await store.claim(namespace);
        const runs = await loadActiveRuns(store, namespace);
        epoch = claim.epoch;
        engine = createEngine(dependencies.engineOptions, claim.latestRevision, runs, clock.nowMs());
        hub = createEventHub(claim.latestRevision);
        stallWatch.reset();
        answerWaiters(true);
        planFlush();
        return;
      } catch (error) {
        failures += 1;
        dependencies.warn(`namespace ${namespace} could not be loaded, trying again`, error);
        if (failures >= RELOAD_DELAYS_MS.length) answerWaiters(false);
      }
    }
    answerWaiters(false);
  }

  /** Bounded by the attempts at loading: a store that stays broken answers, it does not hang. */
  function isLoaded(): Promise<boolean> {
    return new Promise((resolve) => waiters.add(resolve));
  }

  function answerWaiters(loaded: boolean): void {
    const answers = [...waiters];
    waiters.clear();
    for (const resolve of answers) resolve(loaded);
  }

  function pause(delayMs: number): Promise<void> {
    if (delayMs === 0) return Promise.resolve();
    return new Promise((resolve) => void clock.after(delayMs, resolve));
  }

  async function call<K extends EngineCallType>(
    type: K,
    input: EngineCalls[K]['input'],
  ): Promise<EngineCalls[K]['reply']> {
    if (stopping) return { ok: false, rejection: notServing() };
    if (pending.size + waiters.size >= dependencies.maxPendingCalls) {
      return { ok: false, rejection: tooManyCalls(dependencies.maxPendingCalls) };
    }
    if (engine === undefined && !(await isLoaded())) return { ok: false, rejection: notServing() };
    const callId = ++lastCallId;
    return new Promise((resolve) => {
      pending.set(callId, resolve as Answer);
      step({ type, callId, input } as EngineInput);
    });
  }

  function step(input: EngineInput): void {
    if (engine === undefined) return;
    const nowMs = clock.nowMs();
    try {
      const stalledMs = stallWatch.noticeMs(nowMs);
      if (stalledMs > 0) engine.step({ type: 'Stalled', stalledMs }, nowMs);
      engine.step(input, nowMs);
    } catch (error) {
      // A defect: half of a step may have happened, so memory can no longer be trusted.
      dropEngine(error);
      return;
    }
    planFlush();
  }

  function planFlush(): void {
    if (flushPlanned || committing !== undefined) return;
    flushPlanned = true;
    clock.soon(() => {
      flushPlanned = false;
      flush();
    });
  }

  function flush(): void {
    if (engine === undefined || committing !== undefined) return;
    let output: EngineOutput | undefined;
    let prepared: PreparedCommit | undefined;
    try {
      output = engine.flush(clock.nowMs());
      if (output !== undefined && (output.events.length > 0 || output.requests.length > 0)) {
        prepared = prepareCommit(namespace, epoch, output, clock.nowMs());
      }
    } catch (error) {
      dropEngine(error);
      return;
    }
    if (output === undefined) armTick();
    else if (prepared === undefined) releaseNow(output);
    else committing = commit(output, prepared);
  }

  function releaseNow(output: EngineOutput): void {
    release(output, []);
    planFlush();
  }

  async function commit(output: EngineOutput, prepared: PreparedCommit): Promise<void> {
    const startedAtMs = performance.now();
    const own = engine;
    let failure: unknown;
    try {
      await store.commit(prepared.batch);
    } catch (error) {
      failure = error;
    }
    dependencies.commitFinished({
      namespace,
      events: prepared.batch.events.length,
      bytes: prepared.payloadBytes,
      durationMs: performance.now() - startedAtMs,
      ok: failure === undefined,
    });
    committing = undefined;
    if (engine !== own) {
      planFlush();
      return;
    }
    if (failure !== undefined) {
      dropEngine(failure);
      return;
    }
    failures = 0;
    release(output, prepared.committed);
    flush();
  }

  /** D2, D3. The hub comes first, so that who is answered can watch from the revision told. */
  function release(output: EngineOutput, committed: PreparedCommit['committed']): void {
    if (committed.length > 0) {
      hub?.published(committed);
      observer.committed(namespace, committed);
    }
    const deliveries: Delivery[] = [];
    for (const effect of output.effects) {
      if (effect.type === 'Reply') answer(effect.callId, effect.reply);
      else deliveries.push(effect);
    }
    if (deliveries.length > 0) transport.deliver(namespace, deliveries);
  }

  function answer(callId: number, reply: EngineCalls[EngineCallType]['reply']): void {
    const resolve = pending.get(callId);
    pending.delete(callId);
    resolve?.(reply);
  }

  /** D4. */
  function dropEngine(error: unknown): void {
    engine = undefined;
    hub?.close();
    hub = undefined;
    revokeTick?.();
    tickAtMs = Number.POSITIVE_INFINITY;
    failures += 1;
    const fenced = error instanceof StoreError && error.code === 'FENCED';
    dependencies.warn(
      fenced
        ? `namespace ${namespace} has another owner now`
        : `namespace ${namespace} is loaded anew, since its last batch was not committed`,
      error,
    );
    rejectPending(unavailable('the commit failed'));
    loading = load();
  }

  function rejectPending(rejection: Rejection): void {
    const answers = [...pending.values()];
    pending.clear();
    for (const resolve of answers) resolve({ ok: false, rejection });
  }

  function armTick(): void {
    const dueAtMs = engine?.nextDueAtMs();
    if (dueAtMs === undefined || dueAtMs === tickAtMs) return;
    revokeTick?.();
    tickAtMs = dueAtMs;
    revokeTick = clock.after(dueAtMs - clock.nowMs(), () => {
      tickAtMs = Number.POSITIVE_INFINITY;
      step({ type: 'Tick' });
    });
  }

  return {
    namespace,
    call,
    loaded: () => loading,
    hub: () => hub,
    gauges: () => engine?.gauges(),
    idle() {
      if (engine === undefined || hub === undefined || committing !== undefined) return false;
      const { activeRuns, executors } = engine.gauges();
      return activeRuns + executors + hub.watchers + pending.size + waiters.size === 0;
    },
    async stop() {
      stopping = true;
      await loading;
      flush();
      while (committing !== undefined) await committing;
      revokeTick?.();
      stallWatch.stop();
      rejectPending(notServing());
      hub?.close();
      engine = undefined;
    },
  };
}

export function notServing(): Rejection {
  return reject('NOT_SERVING', 'the orchestrator is starting or stopping: try again in a moment').rejection;
}

function unavailable(what: string): Rejection {
  const message = `${what}; whether it took effect is unknown: repeat the call with the same request id`;
  return reject('COMMIT_FAILED', message).rejection;
}

function tooManyCalls(limit: number): Rejection {
  const message = `${limit} calls are waiting for the disk already: try again later`;
  return reject('LIMIT_REACHED', message, { resource: 'pending_calls', limit: String(limit) }).rejection;
}
