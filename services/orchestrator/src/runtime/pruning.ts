// When are the answers that were kept for repeats deleted?
//
// Every few minutes, all that are old enough: in small portions, so that commits come in between.

import type { Store } from '../store/port.ts';
import type { Clock } from './ports.ts';

export interface Pruning {
  stop(): void;
}

export interface PruningOptions {
  readonly store: Pick<Store, 'pruneRequests'>;
  readonly clock: Clock;
  /** How long answers are kept. */
  readonly retentionMs: number;
  readonly warn: (message: string, error: unknown) => void;
}

export const PRUNE_INTERVAL_MS = 600_000;
export const PRUNE_PORTION = 5_000;
/** Of one round: ten million answers in all, those of 16,000 calls in each second of it. */
const MAX_PORTIONS = 2_000;

export function startPruning({ store, clock, retentionMs, warn }: PruningOptions): Pruning {
  let stopped = false;
  let revoke = plan();

  function plan(): () => void {
    return clock.after(PRUNE_INTERVAL_MS, () => {
      prune()
        .catch((error: unknown) => warn('old answers could not be pruned', error))
        .finally(() => {
          if (!stopped) revoke = plan();
        });
    });
  }

  async function prune(): Promise<void> {
    const olderThanMs = clock.nowMs() - retentionMs;
    for (let portion = 0; portion < MAX_PORTIONS && !stopped; portion += 1) {
      const pruned = await store.pruneRequests(olderThanMs, PRUNE_PORTION);
      if (pruned < PRUNE_PORTION) return;
      await new Promise<void>((resolve) => clock.soon(resolve));
    }
  }

  return {
    stop() {
      stopped = true;
      revoke();
    },
  };
}
