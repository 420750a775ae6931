// Which attempts does the executor hold, and what becomes of them?
//
// Held: from the assignment until the report is answered or the lease is lost. Invariants:
// 1. A lease token is started at most once, also if its assignment comes again after its end.
// 2. Handlers that run, those included that ignore an abort, never exceed slots + margin; an
//    assignment beyond that is not started and comes again with a heartbeat's answer.
// 3. An attempt that is dropped or out of grace is forgotten at once: nothing is reported for it.

import type {
  Assignment,
  Cancellation,
  HeldAttempt,
  Report,
} from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import { StateReason } from '@tutti/proto/tutti/v1/state_reason_pb.ts';
import { durationToMs } from '../durations.ts';
import { payloadSizeBytes } from '../payloads.ts';
import type { Additions } from './additions.ts';
import { createAttempt, type RunningAttempt } from './attempt.ts';
import { createNews } from './news.ts';
import type { Settings } from './options.ts';
import { releasedReport } from './outcome.ts';
import type { StoredPayloads } from './payload-door.ts';
import { MAX_IN_FLIGHT } from './reporter.ts';
import type { AbortReason } from './types.ts';

/** The table of held attempts. */
export interface Attempts {
  readonly heldCount: number;
  /** Handlers that have not returned, forgotten ones included. */
  readonly runningCount: number;
  tokens(): string[];
  start(assignment: Assignment): void;
  cancel(cancellation: Cancellation): void;
  /** The lease is lost: stop and forget. */
  drop(leaseToken: string): void;
  /** The report was answered: forget. */
  settle(leaseToken: string): void;
  /** Aborts what still runs and reports it as released. Starts nothing from then on. */
  releaseAll(): void;
  /**
   * What to say in a heartbeat: every token, and as much news as fits into `limitBytes` with them.
   * The rest counts as news still.
   */
  say(limitBytes: number): HeldAttempt[];
  /** A heartbeat was not answered: its news are to be said again. */
  unsay(said: readonly HeldAttempt[]): void;
  /** Resolves when nothing is held, or when the signal is aborted. */
  whenEmpty(signal: AbortSignal): Promise<void>;
}

/** What the table needs from the rest of the executor. */
export interface AttemptsDeps {
  readonly settings: Settings;
  readonly maxPayloadBytes: () => number;
  readonly payloads: StoredPayloads;
  readonly additions: Additions;
  readonly report: (report: Report, traceparent: string) => void;
  /** A report that is no longer wanted. */
  readonly withdraw: (leaseToken: string) => void;
  /** Something was said that should not wait for the next regular heartbeat. */
  readonly onNews: () => void;
}

interface Held {
  /** Undefined once the handler has returned. */
  running: RunningAttempt | undefined;
  /** The checkpoint that went with the latest heartbeat, which may still be on its way, or be lost. */
  saidCheckpoint: HeldAttempt['checkpoint'];
  graceTimer: NodeJS.Timeout | undefined;
}

const MARGIN = 8;
const REFUSAL_PAUSE_MS = 10_000;
const REMEMBERED_TOKENS = 20_000;

export function createAttempts(deps: AttemptsDeps): Attempts {
  const { settings } = deps;
  const held = new Map<string, Held>();
  const news = createNews();
  const ended = createRecentSet(REMEMBERED_TOKENS);
  const emptyListeners = new Set<() => void>();
  const maxRunning = settings.slots + MARGIN;
  // Work for the slots that a report freed may come before the report's answer, and that may be lost:
  // each request in flight can hold as many attempts as there are slots, besides those that run.
  const maxHeld = (MAX_IN_FLIGHT + 1) * settings.slots + MARGIN;
  let runningCount = 0;
  let isReleasing = false;
  let refusedCount = 0;
  let refusalToldAtMs = Number.NEGATIVE_INFINITY;

  const forget = (leaseToken: string) => {
    const entry = held.get(leaseToken);
    if (entry === undefined) return;
    clearTimeout(entry.graceTimer);
    held.delete(leaseToken);
    news.forget(leaseToken);
    ended.add(leaseToken);
    if (held.size === 0) for (const listener of [...emptyListeners]) listener();
  };

  // They come by the hundred, so only now and then a word.
  const refuse = () => {
    refusedCount += 1;
    if (performance.now() - refusalToldAtMs < REFUSAL_PAUSE_MS) return;
    refusalToldAtMs = performance.now();
    settings.logger.warn(
      { executorId: settings.id, refusedCount, runningCount, heldCount: held.size },
      'more assignments than there is room for; not started, they come again',
    );
  };

  const finish = (leaseToken: string, report: Report, traceparent: string) => {
    runningCount -= 1;
    const entry = held.get(leaseToken);
    if (entry?.running === undefined) return;
    entry.running = undefined;
    clearTimeout(entry.graceTimer);
    addCheckpoint(report, news.checkpointOf(leaseToken) ?? entry.saidCheckpoint, deps.maxPayloadBytes());
    news.forget(leaseToken);
    deps.report(report, traceparent);
  };

  const end = (leaseToken: string, reason: AbortReason) => {
    held.get(leaseToken)?.running?.abort(reason, 0);
    deps.withdraw(leaseToken);
    forget(leaseToken);
  };

  return {
    get heldCount() {
      return held.size;
    },
    get runningCount() {
      return runningCount;
    },
    tokens: () => [...held.keys()],
    start(assignment) {
      const token = assignment.leaseToken;
      if (held.has(token) || ended.has(token) || isReleasing) return;
      if (runningCount >= maxRunning || held.size >= maxHeld) {
        refuse();
        return;
      }
      const entry: Held = { running: undefined, graceTimer: undefined, saidCheckpoint: undefined };
      held.set(token, entry);
      runningCount += 1;
      entry.running = createAttempt({
        assignment,
        settings,
        maxPayloadBytes: deps.maxPayloadBytes,
        payloads: deps.payloads,
        additions: deps.additions,
        onProgress(progress) {
          if (entry.running === undefined) return;
          news.progress(token, progress);
          deps.onNews();
        },
        onCheckpoint(checkpoint) {
          if (entry.running !== undefined) news.checkpoint(token, checkpoint);
        },
        onEnd: (report, traceparent) => finish(token, report, traceparent),
      });
      entry.running.run();
    },
    cancel(cancellation) {
      const token = cancellation.leaseToken;
      const entry = held.get(token);
      if (entry === undefined) return;
      const reason = abortReason(cancellation.reason);
      const graceMs = durationToMs(cancellation.grace) ?? 0;
      if (graceMs <= 0) return end(token, reason);
      if (entry.running === undefined || entry.graceTimer !== undefined) return;
      entry.graceTimer = setTimeout(() => end(token, reason), Math.min(graceMs, 2 ** 31 - 1));
      entry.running.abort(reason, graceMs);
    },
    drop: (leaseToken) => end(leaseToken, 'LEASE_LOST'),
    settle: forget,
    releaseAll() {
      isReleasing = true;
      for (const [token, entry] of held) {
        const running = entry.running;
        if (running === undefined) continue;
        entry.running = undefined;
        clearTimeout(entry.graceTimer);
        running.abort('EXECUTOR_STOPPING', 0);
        deps.report(releasedReport(token, running.usage), running.traceparent);
      }
    },
    say(limitBytes) {
      const said = news.say(held.keys(), limitBytes);
      for (const { leaseToken, checkpoint } of said) {
        const entry = held.get(leaseToken);
        if (entry !== undefined) entry.saidCheckpoint = checkpoint;
      }
      if (news.isLeft) deps.onNews();
      return said;
    },
    unsay(said) {
      for (const attempt of said) {
        if (held.get(attempt.leaseToken)?.running !== undefined) news.unsay(attempt);
      }
    },
    whenEmpty: (signal) =>
      new Promise((resolve) => {
        if (held.size === 0 || signal.aborted) return resolve();
        const done = () => {
          emptyListeners.delete(done);
          signal.removeEventListener('abort', done);
          resolve();
        };
        emptyListeners.add(done);
        signal.addEventListener('abort', done);
      }),
  };
}

/** What no heartbeat has carried for certain goes with the failure, for the next attempt; if there is room. */
function addCheckpoint({ outcome }: Report, checkpoint: HeldAttempt['checkpoint'], limitBytes: number): void {
  if (outcome.case !== 'failed' || checkpoint === undefined) return;
  const detailsBytes = payloadSizeBytes(outcome.value.error?.details);
  if (payloadSizeBytes(checkpoint) + detailsBytes <= limitBytes) outcome.value.checkpoint = checkpoint;
}

/**
 * At least the last `limit` strings that were added, at most twice as many. In two generations,
 * since removing the oldest entry of a large Set again and again is slow.
 */
function createRecentSet(limit: number): { add(value: string): void; has(value: string): boolean } {
  let young = new Set<string>();
  let old = new Set<string>();
  return {
    add(value) {
      young.add(value);
      if (young.size < limit) return;
      old = young;
      young = new Set();
    },
    has: (value) => young.has(value) || old.has(value),
  };
}

function abortReason(reason: StateReason): AbortReason {
  if (reason === StateReason.RUN_ENDING) return 'RUN_ENDING';
  if (reason === StateReason.ATTEMPT_TIMED_OUT || reason === StateReason.TASK_TIMEOUT) {
    return 'TIMED_OUT';
  }
  return 'CANCEL_REQUESTED';
}
