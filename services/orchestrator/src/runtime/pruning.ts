// When are the answers that were kept for repeats deleted, the runs whose time is over, and the payloads that
// nothing uses?
//
// Every few minutes, all that are old enough: in small portions, so that commits come in between.

import type { Store } from '../store/port.ts';
import type { ExpiredRun } from '../store/port-run-life.ts';
import type { Clock } from './ports.ts';

export interface Pruning {
  stop(): void;
}

export interface PruningOptions {
  readonly store: Pick<Store, 'pruneRequests' | 'prunePayloads' | 'findExpiredRuns' | 'sweepDeletedRuns'>;
  readonly clock: Clock;
  /** How long answers are kept. */
  readonly retentionMs: number;
  /** How long payloads are kept after they were used, if nothing refers to them. */
  readonly payloadGraceMs: number;
  /** How long final runs are kept where their namespace says nothing; undefined: for ever. */
  readonly runRetentionMs: number | undefined;
  /** Deletes a run whose time is over; false if it stays for now. */
  readonly expire: (run: ExpiredRun) => Promise<boolean>;
  readonly warn: (message: string, error: unknown) => void;
}

export const PRUNE_INTERVAL_MS = 600_000;
export const PRUNE_PORTION = 5_000;
/** Each is a transaction. */
export const EXPIRE_PORTION = 100;
/** Each may be tens of megabytes. */
export const PRUNE_PAYLOADS_PORTION = 16;
/** Of one kind in one round: ten million answers, so that the other kinds have their turn, too. */
const MAX_PORTIONS = 2_000;
/** Until a round goes on that left something: whoever makes more than that in ten minutes must not fill the disk. */
export const RESUME_MS = 1_000;

export function startPruning(options: PruningOptions): Pruning {
  const { store, clock, retentionMs, payloadGraceMs, runRetentionMs, warn } = options;
  let stopped = false;
  let revoke = plan(PRUNE_INTERVAL_MS);

  function plan(delayMs: number): () => void {
    return clock.after(delayMs, () => {
      void round().then((isMore) => {
        if (!stopped) revoke = plan(isMore ? RESUME_MS : PRUNE_INTERVAL_MS);
      });
    });
  }

  /** Whether it left something for want of portions. */
  async function round(): Promise<boolean> {
    let isMore = false;
    const attempt = async (prune: () => Promise<boolean>, failed: string) => {
      try {
        if (await prune()) isMore = true;
      } catch (error) {
        warn(failed, error);
      }
    };
    await attempt(pruneAnswers, 'old answers could not be pruned');
    await attempt(expireRuns, 'runs whose time is over could not be deleted');
    await attempt(prunePayloads, 'unused payloads could not be pruned');
    return isMore;
  }

  function pruneAnswers(): Promise<boolean> {
    const olderThanMs = clock.nowMs() - retentionMs;
    return inPortions(PRUNE_PORTION, (limit) => store.pruneRequests(olderThanMs, limit));
  }

  /** What they leave behind is swept afterwards, and what other calls have deleted. */
  async function expireRuns(): Promise<boolean> {
    const nowMs = clock.nowMs();
    const isMore = await inPortions(EXPIRE_PORTION, async (limit) => {
      const expired = await store.findExpiredRuns(nowMs, runRetentionMs, limit);
      let gone = 0;
      for (const run of expired) if (await options.expire(run)) gone += 1;
      // Those that stay would be found again and again: the next round tries them.
      return gone === 0 ? 0 : expired.length;
    });
    return (await inPortions(PRUNE_PORTION, (limit) => store.sweepDeletedRuns(limit))) || isMore;
  }

  function prunePayloads(): Promise<boolean> {
    const usedBeforeMs = clock.nowMs() - payloadGraceMs;
    return inPortions(PRUNE_PAYLOADS_PORTION, (limit) => store.prunePayloads(usedBeforeMs, limit));
  }

  /** Whether more may be left. */
  async function inPortions(size: number, prune: (limit: number) => Promise<number>): Promise<boolean> {
    for (let portion = 0; portion < MAX_PORTIONS && !stopped; portion += 1) {
      const pruned = await prune(size);
      if (pruned < size) return false;
      await new Promise<void>((resolve) => clock.soon(resolve));
    }
    return true;
  }

  return {
    stop() {
      stopped = true;
      revoke();
    },
  };
}
