// Whose request for more work is let in, as things stand now?
//
//  A1  Only what adds work is asked about. What executors say, and what people ask about or stop, always
//      comes in: it is what makes room.
//  A2  Whoever is let in is never thrown out again.
//  A3  It looks at the load a few times a second, and only while it is asked: idle, it costs nothing.

import { type Rejection, reject } from '../domain/rejection.ts';
import {
  type AdmissionLimits,
  type AdmissionResource,
  type Load,
  limitOf,
  NOT_STANDING,
  retryAfterMs,
  stand,
  standsAgainst,
} from './admission-rule.ts';
import type { Clock } from './ports.ts';

export interface Admission {
  /**
   * Asked as early as possible, before the request is read; says nothing of what comes in.
   * @param comesAgain it was refused before, and has waited
   */
  refusal(sizeBytes: number, comesAgain: boolean): Rejection | undefined;
  /** Undefined: refused, see `refusal`. Else what to call once the request is answered, however. */
  enter(sizeBytes: number, tasks: number, comesAgain: boolean): Rejection | (() => void);
  /** For metrics. */
  load(): Load;
}

/** Where the load is read off. */
export interface LoadSources {
  /** READY tasks that an executor is there for. */
  readyTasks(): number;
  /** Tasks that were started, ever; less than before where a namespace was loaded anew. */
  startedTasks(): number;
  /** How long the commit under way has been so; 0 for none. */
  commitDelayMs(): number;
  /** The same, or how long the latest one took, if that was longer. */
  recentCommitMs(): number;
  /** Share of the time since it was asked last in which the process was at work. */
  busyShare(): number;
  /** Of the memory that the process may have; garbage counts until it is collected. */
  memoryShare(): number;
  /** Told with each look at a memory that is full: some of it may be garbage. */
  memoryIsFull(): void;
}

export interface AdmissionDependencies {
  readonly clock: Clock;
  readonly limits: AdmissionLimits;
  readonly sources: LoadSources;
  /** Told of each refusal. */
  readonly refused?: (resource: AdmissionResource) => void;
}

const LOOK_EVERY_MS = 50;
const BUSY_SHARE = 0.95;
const SPARE_SHARE = 0.8;
/** A commit that takes so long has much in it: the disk alone is quicker. */
const BUSY_COMMIT_MS = 50;
const SPARE_COMMIT_MS = 25;
const BUSY_FOR_MS = 250;
const SLOW_FOR_MS = 2_000;
/** Over how long starts are counted. */
const RATE_MS = 500;
/** Over how long admissions and refusals are counted for the hint. */
const COUNT_MS = 1_000;

export function createAdmission(dependencies: AdmissionDependencies): Admission {
  const { clock, limits } = dependencies;
  const look = createLook(dependencies);
  let pendingBytes = 0;
  /** Of requests that are not answered yet: they are on their way to being ready. */
  let pendingTasks = 0;
  let kept: { readonly resource: AdmissionResource; readonly rejection: Rejection } | undefined;
  const counts = createCounts(clock);

  function load(): Load {
    if (look.again()) kept = undefined;
    const seen = look.seen();
    return { ...seen, pendingBytes, pendingTasks, readyTasks: seen.readyTasks + pendingTasks };
  }

  /** The same one until the next look: making thousands would cost more than it is worth. */
  function rejectionFor(resource: AdmissionResource): Rejection {
    if (kept?.resource !== resource) {
      const { admitted, refused } = counts.ofLate();
      const limit = limitOf(resource, load(), limits);
      kept = { resource, rejection: overloaded(resource, limit, retryAfterMs(admitted, refused)) };
    }
    return kept.rejection;
  }

  function refusal(sizeBytes: number, comesAgain: boolean): Rejection | undefined {
    const resource = standsAgainst(load(), sizeBytes, limits, comesAgain);
    if (resource === undefined) return undefined;
    counts.refused();
    dependencies.refused?.(resource);
    return rejectionFor(resource);
  }

  return {
    refusal,
    enter(sizeBytes, tasks, comesAgain) {
      const rejection = refusal(sizeBytes, comesAgain);
      if (rejection !== undefined) return rejection;
      counts.admitted();
      pendingTasks += tasks;
      pendingBytes += sizeBytes;
      return () => {
        pendingTasks -= tasks;
        pendingBytes -= sizeBytes;
      };
    },
    load,
  };
}

/** A3. */
function createLook({ clock, limits, sources }: AdmissionDependencies) {
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  let busy = NOT_STANDING;
  let slow = NOT_STANDING;
  let turnMs = 0;
  const starts = createRate();
  let seen = {
    readyTasks: 0,
    startsPerSecond: 0,
    busy: false,
    commitDelayMs: 0,
    slow: false,
    memoryShare: 0,
  };

  function measureTurn(beganAtMs: number): void {
    clock.soon(() => {
      turnMs = clock.nowMs() - beganAtMs;
    });
  }

  return {
    /** True if it has looked anew. */
    again(): boolean {
      const nowMs = clock.nowMs();
      if (nowMs - lookedAtMs < LOOK_EVERY_MS) return false;
      lookedAtMs = nowMs;
      const share = sources.busyShare();
      busy = stand(busy, levelOf(share, sources.recentCommitMs()), nowMs, BUSY_FOR_MS);
      const isSlow = turnMs >= limits.maxLoopDelayMs && share >= BUSY_SHARE;
      slow = stand(slow, isSlow ? 'HIGH' : 'LOW', nowMs, SLOW_FOR_MS);
      seen = {
        readyTasks: sources.readyTasks(),
        startsPerSecond: starts.perSecond(sources.startedTasks(), nowMs),
        busy: busy.holds,
        commitDelayMs: sources.commitDelayMs(),
        slow: slow.holds,
        memoryShare: sources.memoryShare(),
      };
      if (seen.memoryShare >= limits.maxMemoryShare) sources.memoryIsFull();
      measureTurn(nowMs);
      return true;
    },
    seen: () => seen,
  };
}

/** Of a count that rises, smoothed over a few looks. */
function createRate() {
  let before: { readonly count: number; readonly atMs: number } | undefined;
  let perSecond = 0;
  return {
    perSecond(count: number, nowMs: number): number {
      before ??= { count, atMs: nowMs };
      const passedMs = nowMs - before.atMs;
      if (passedMs < RATE_MS) return perSecond;
      const latest = (Math.max(0, count - before.count) * 1_000) / passedMs;
      perSecond = passedMs > 4 * RATE_MS ? latest : (perSecond + latest) / 2;
      before = { count, atMs: nowMs };
      return perSecond;
    },
  };
}

/** The event loop is one half of the pipeline, the store the other: while one is busy, the other may wait. */
function levelOf(loopShare: number, commitMs: number): 'HIGH' | 'BETWEEN' | 'LOW' {
  if (loopShare >= BUSY_SHARE || commitMs >= BUSY_COMMIT_MS) return 'HIGH';
  return loopShare >= SPARE_SHARE || commitMs >= SPARE_COMMIT_MS ? 'BETWEEN' : 'LOW';
}

function createCounts(clock: Clock) {
  let sinceMs = clock.nowMs();
  let before = { admitted: 0, refused: 0 };
  let now = { admitted: 0, refused: 0 };

  function turnOver(): void {
    const passedMs = clock.nowMs() - sinceMs;
    if (passedMs < COUNT_MS) return;
    before = passedMs < 2 * COUNT_MS ? now : { admitted: 0, refused: 0 };
    now = { admitted: 0, refused: 0 };
    sinceMs = clock.nowMs();
  }

  return {
    admitted(): void {
      turnOver();
      now.admitted += 1;
    },
    refused(): void {
      turnOver();
      now.refused += 1;
    },
    ofLate: () => ({
      admitted: before.admitted + now.admitted,
      refused: before.refused + now.refused,
    }),
  };
}

function overloaded(resource: AdmissionResource, most: number, retryMs: number): Rejection {
  const limit = String(most);
  const message = `the orchestrator has as much to do as it can (${WHY[resource](limit)}), and what it has admitted goes first: try again in ${retryMs} ms`;
  return { ...reject('LIMIT_REACHED', message, { resource, limit }).rejection, retryAfterMs: retryMs };
}

const WHY: Readonly<Record<AdmissionResource, (limit: string) => string>> = {
  memory: (limit) => `${limit} % of its memory is in use`,
  pending_bytes: (limit) => `requests of ${limit} bytes wait for their answers`,
  commit_delay: (limit) => `a commit takes more than ${limit} ms`,
  pending_tasks: (limit) => `requests with ${limit} tasks wait for the disk`,
  ready_tasks: (limit) => `${limit} tasks are ready, and it has no time to spare`,
  loop_delay: (limit) => `each turn of its event loop takes more than ${limit} ms`,
};
