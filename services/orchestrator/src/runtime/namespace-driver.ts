// Drives the engine of one namespace: takes inputs in, commits what comes of them, and releases the
// effects once they are durable.
//
//  D1  At most one commit is under way. What happens meanwhile gathers for the next (group commit).
//  D2  Nothing is released before the commit that contains its cause is durable (promise 3).
//  D3  Effects are released in the order in which the engine gave them.
//  D4  If a commit fails, or a step has a defect, the engine is not the truth any more: it is dropped.
//      The commit under way has its fate first, and its effects if it is durable; every call that is
//      unanswered then is answered with COMMIT_FAILED, and the namespace is loaded anew: unless it has
//      another owner now. Taking it back would only make the other one lose it in turn.
//  D5  Every call is answered exactly once.

import type { ExpressionCompiler } from '../domain/expression.ts';
import { type Rejection, reject } from '../domain/rejection.ts';
import type { SchemaChecker } from '../domain/schema.ts';
import type { RunState } from '../domain/state.ts';
import type { Census } from '../engine/census.ts';
import type { EngineGauges } from '../engine/gauges.ts';
import type { EngineCalls, EngineCallType, EngineInput } from '../engine/inputs.ts';
import type { EngineOptions } from '../engine/options.ts';
import type { EngineOutput } from '../engine/outputs.ts';
import { type Store, StoreError } from '../store/port.ts';
import { type PreparedCommit, prepareCommit } from './commit-batch.ts';
import type { EventHub } from './event-hub.ts';
import { createLoading } from './loading.ts';
import type { Clock, CommitObserver, CommitReport, Delivery, ExecutorTransport } from './ports.ts';
import { type Answer, claimedEpoch, loadSession, type Session } from './session.ts';
import { createStallWatch } from './stall-watch.ts';
import { createTicker } from './ticker.ts';

export interface NamespaceDriver {
  readonly namespace: string;
  call<K extends EngineCallType>(type: K, input: EngineCalls[K]['input']): Promise<EngineCalls[K]['reply']>;
  /** Resolves after the first attempt at loading, whatever came of it. */
  readonly attempted: Promise<void>;
  /** The hub of the present load; a new load has a new one and closes the old. */
  hub(): EventHub | undefined;
  /** Waits for it to be loaded; false if it cannot be for now, is stopped, or `signal` is aborted. */
  loaded(signal?: AbortSignal): Promise<boolean>;
  /** Of its executors; undefined while it is not loaded. */
  census(): Census | undefined;
  /** The run, if it is known not to be final. What it holds may not be durable yet. */
  activeRun(runId: string): RunState | undefined;
  gauges(): EngineGauges | undefined;
  /** READY tasks that an executor is there for. */
  startableTasks(): number;
  /** Attempts begun since the latest load. */
  startedTasks(): number;
  /** How long the commit under way has been so; 0 for none. */
  commitDelayMs(): number;
  /** The same, or how long the latest took, if that was longer and not long ago. */
  recentCommitMs(): number;
  /** Under which the owner writes; undefined for a namespace without events, or while it is not loaded. */
  epoch(): Promise<number | undefined>;
  /** Whether an executor that takes work offers the capability; undefined while that is not known. */
  offers(capability: string): boolean | undefined;
  /**
   * The latest commit failed. True until one succeeds; or, where there is nothing to commit, until the
   * store has taken the claim of the new load, and nothing has failed for a while after that.
   */
  failing(): boolean;
  /** Nothing runs, nobody is connected, nobody waits: it can be stopped, and made again at its next use. */
  idle(): boolean;
  /** Finishes the commit under way and what waits for it; later calls are answered with NOT_SERVING. */
  stop(): Promise<void>;
}

export interface DriverDependencies {
  readonly namespace: string;
  readonly store: Store;
  readonly expressions: ExpressionCompiler;
  readonly schemas: SchemaChecker;
  readonly clock: Clock;
  readonly transport: ExecutorTransport;
  readonly observer: CommitObserver;
  readonly engineOptions: EngineOptions;
  readonly commitFinished: (report: CommitReport) => void;
  /** Another owner has claimed the namespace: this one takes no more calls, and is to be stopped. */
  readonly fenced: (error: StoreError) => void;
  /** Told at each load: from here on no session of an executor is known that is not begun anew. */
  readonly namespaceLoaded?: (namespace: string) => void;
  readonly warn: (message: string, error: unknown) => void;
}

/** How long a namespace that was loaded anew counts as failing, unless it commits. */
const RECOVERED_AFTER_MS = 30_000;

const RECENT_MS = 500;

/** The caller bounds the calls that are unanswered at once. */
export function createNamespaceDriver(dependencies: DriverDependencies): NamespaceDriver {
  const { namespace, store, clock, transport, observer, expressions, schemas } = dependencies;
  const stallWatch = createStallWatch(clock);
  const ticker = createTicker(clock, () => step({ type: 'Tick' }));
  const loading = createLoading({
    clock,
    load: () =>
      loadSession(store, dependencies.engineOptions, clock, expressions, schemas, commitFailed).catch(
        refused,
      ),
    loaded(fresh) {
      session = fresh;
      loadedAtMs = clock.nowMs();
      stallWatch.reset();
      planFlush();
      dependencies.namespaceLoaded?.(namespace);
    },
    warn: (error) => dependencies.warn(`namespace ${namespace} could not be loaded, trying again`, error),
  });
  let session: Session | undefined;
  let loadedAtMs = 0;
  let commitFailed = false;
  let lastCallId = 0;
  let stopping = false;
  let flushPlanned = false;
  let committing: Promise<void> | undefined;
  let commitBeganMs = 0;
  let latestCommitMs = 0;
  let load = loading.begin();

  async function call<K extends EngineCallType>(
    type: K,
    input: EngineCalls[K]['input'],
  ): Promise<EngineCalls[K]['reply']> {
    // Again after each wait: who waited before may have tripped over a defect just now.
    while (session === undefined || stopping) {
      if (stopping) return { ok: false, rejection: notServing() };
      if (!(await loading.wait()) && !stopping) return { ok: false, rejection: notLoaded(namespace) };
    }
    const { pending } = session;
    const callId = ++lastCallId;
    return new Promise((resolve) => {
      pending.set(callId, resolve as Answer);
      step({ type, callId, input } as EngineInput);
    });
  }

  function step(input: EngineInput): void {
    if (session === undefined) return;
    const { engine } = session;
    const nowMs = clock.nowMs();
    try {
      const stalledMs = stallWatch.noticeMs(nowMs);
      if (stalledMs > 0) engine.step({ type: 'Stalled', stalledMs }, nowMs);
      engine.step(input, nowMs);
    } catch (error) {
      // A defect: half of a step may have happened, so memory can no longer be trusted.
      drop(session, error);
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
    if (session === undefined || committing !== undefined) return;
    let output: EngineOutput | undefined;
    let prepared: PreparedCommit | undefined;
    try {
      output = session.engine.flush(clock.nowMs());
      if (output !== undefined && (output.events.length > 0 || output.requests.length > 0)) {
        prepared = prepareCommit(namespace, output, clock.nowMs());
      }
    } catch (error) {
      drop(session, error);
      return;
    }
    if (output === undefined) ticker.arm(session.engine.nextDueAtMs());
    else if (prepared === undefined) releaseNow(session, output);
    else committing = commit(session, output, prepared);
  }

  function releaseNow(from: Session, output: EngineOutput): void {
    release(from, output, []);
    planFlush();
  }

  async function commit(from: Session, output: EngineOutput, prepared: PreparedCommit): Promise<void> {
    const startedAtMs = performance.now();
    commitBeganMs = startedAtMs;
    const failure = await write(from, prepared);
    latestCommitMs = performance.now() - startedAtMs;
    dependencies.commitFinished({
      namespace,
      events: prepared.batch.events.length,
      bytes: prepared.payloadBytes,
      durationMs: latestCommitMs,
      ok: failure === undefined,
    });
    committing = undefined;
    commitFailed = failure !== undefined;
    if (failure === undefined) release(from, output, prepared.committed);
    if (session !== from) return;
    if (failure !== undefined) {
      drop(from, failure);
      return;
    }
    loading.succeeded();
    flush();
  }

  function commitDelayMs(): number {
    return committing === undefined ? 0 : performance.now() - commitBeganMs;
  }

  async function write(from: Session, { batch }: PreparedCommit): Promise<unknown> {
    try {
      const epoch = from.epoch ?? (await claimedEpoch(store, namespace, from));
      await store.commit({ ...batch, epoch });
      return undefined;
    } catch (error) {
      return error ?? new Error('the store failed without a reason');
    }
  }

  /** D2, D3. The hub comes first, so that who is answered can watch from the revision told. */
  function release(from: Session, output: EngineOutput, committed: PreparedCommit['committed']): void {
    if (committed.length > 0) {
      from.hub.published(committed);
      observer.committed(namespace, committed);
    }
    const deliveries: Delivery[] = [];
    for (const effect of output.effects) {
      if (effect.type === 'Reply') answer(from, effect.callId, effect.reply);
      else deliveries.push(effect);
    }
    if (deliveries.length > 0) transport.deliver(namespace, deliveries);
  }

  function answer(from: Session, callId: number, reply: EngineCalls[EngineCallType]['reply']): void {
    const resolve = from.pending.get(callId);
    from.pending.delete(callId);
    resolve?.(reply);
  }

  function refused(error: unknown): never {
    if (isFenced(error)) giveUp(error);
    throw error;
  }

  /** D4. */
  function drop(from: Session, error: unknown): void {
    session = undefined;
    from.hub.close();
    ticker.disarm();
    if (isFenced(error)) {
      dependencies.warn(`namespace ${namespace} has another owner now`, error);
      giveUp(error);
      load = settle(from);
      return;
    }
    loading.failed();
    const message = `namespace ${namespace} is loaded anew, since its last batch was not committed`;
    dependencies.warn(message, error);
    load = settle(from).then(() => loading.begin());
  }

  function giveUp(error: StoreError): void {
    loading.stop();
    dependencies.fenced(error);
  }

  /** Whoever repeats a call asks the store first: what is under way must have ended by then. */
  async function settle(from: Session): Promise<void> {
    await committing;
    rejectPending(from, unavailable('the commit failed'));
  }

  function rejectPending(from: Session, rejection: Rejection): void {
    const answers = [...from.pending.values()];
    from.pending.clear();
    for (const resolve of answers) resolve({ ok: false, rejection });
  }

  return {
    namespace,
    call,
    attempted: loading.attempted,
    hub: () => session?.hub,
    async loaded(signal) {
      while (session === undefined) if (!(await loading.wait(signal))) return false;
      return !stopping;
    },
    async epoch() {
      if (session === undefined && !stopping) await loading.wait();
      return stopping ? undefined : session?.epoch;
    },
    activeRun: (runId) => session?.engine.activeRun(runId),
    gauges: () => session?.engine.gauges(),
    census: () => session?.engine.census,
    startedTasks: () => session?.engine.startedTasks() ?? 0,
    startableTasks: () => session?.engine.startableTasks() ?? 0,
    commitDelayMs,
    recentCommitMs() {
      const isRecent = performance.now() - commitBeganMs < RECENT_MS + latestCommitMs;
      return Math.max(commitDelayMs(), isRecent ? latestCommitMs : 0);
    },
    offers: (capability) => session?.engine.offers(capability),
    failing() {
      const recovered = session?.epoch !== undefined && clock.nowMs() - loadedAtMs >= RECOVERED_AFTER_MS;
      return commitFailed && !recovered;
    },
    idle() {
      if (session === undefined || committing !== undefined) return false;
      const { activeRuns, executors } = session.engine.gauges();
      return activeRuns + executors + session.hub.watchers + session.pending.size === 0;
    },
    async stop() {
      stopping = true;
      loading.stop();
      await load;
      flush();
      while (committing !== undefined) await committing;
      // If that failed, its calls are being answered.
      await load;
      ticker.disarm();
      stallWatch.stop();
      if (session === undefined) return;
      rejectPending(session, notServing());
      session.hub.close();
      session = undefined;
    },
  };
}

function isFenced(error: unknown): error is StoreError {
  return error instanceof StoreError && error.code === 'FENCED';
}

export function notServing(): Rejection {
  return reject('NOT_SERVING', 'the orchestrator is starting or stopping: try again in a moment').rejection;
}

export function notLoaded(namespace: string): Rejection {
  const message = `namespace ${namespace} cannot be loaded for now, the log of the orchestrator says why: try again in a moment`;
  return reject('NOT_SERVING', message, { namespace }).rejection;
}

function unavailable(what: string): Rejection {
  const message = `${what}; whether it took effect is unknown: repeat the call with the same request id`;
  return reject('COMMIT_FAILED', message).rejection;
}
