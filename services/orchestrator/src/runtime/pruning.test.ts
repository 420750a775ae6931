import { describe, expect, it } from 'vitest';
import type { ExpiredRun } from '../store/port-run-life.ts';
import type { Clock } from './ports.ts';
import { EXPIRE_PORTION, PRUNE_INTERVAL_MS, PRUNE_PORTION, RESUME_MS, startPruning } from './pruning.ts';

const RETENTION_MS = 86_400_000;
const GRACE_MS = 3_600_000;

/** Time passes when it is told to. */
function handClock() {
  let nowMs = 1_000_000_000;
  let due: { readonly atMs: number; readonly callback: () => void } | undefined;
  const clock: Clock = {
    nowMs: () => nowMs,
    soon: (callback) => void setImmediate(callback),
    after(delayMs, callback) {
      due = { atMs: nowMs + delayMs, callback };
      return () => {
        due = undefined;
      };
    },
  };
  return {
    clock,
    due: () => due?.atMs,
    async pass(ms: number) {
      nowMs += ms;
      if (due === undefined || due.atMs > nowMs) return;
      const { callback } = due;
      due = undefined;
      callback();
      // A round ends with the plan for the next one.
      for (let turn = 0; turn < 10_000 && due === undefined; turn += 1) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

function storeOf(rows: number) {
  const store = {
    rows,
    limits: [] as number[],
    olderThan: [] as number[],
    pruneRequests: async (olderThanMs: number, limit: number) => {
      const pruned = Math.min(limit, store.rows);
      store.rows -= pruned;
      store.limits.push(limit);
      store.olderThan.push(olderThanMs);
      return pruned;
    },
    payloads: [] as number[],
    /** Those that were last used then, and that nothing refers to. */
    prunePayloads: async (usedBeforeMs: number, limit: number) => {
      const unused = store.payloads.filter((usedAtMs) => usedAtMs < usedBeforeMs).slice(0, limit);
      store.payloads = store.payloads.filter((usedAtMs) => !unused.includes(usedAtMs));
      return unused.length;
    },
    expired: [] as ExpiredRun[],
    findExpiredRuns: async (_nowMs: number, _defaultMs: number | undefined, limit: number) =>
      store.expired.slice(0, limit),
    deletedRows: 0,
    sweepDeletedRuns: async (limit: number) => {
      const swept = Math.min(limit, store.deletedRows);
      store.deletedRows -= swept;
      return swept;
    },
  };
  return store;
}

const RUNS = { runRetentionMs: undefined, expire: async () => true };

describe('old answers', () => {
  it('are all gone after one round, however many, in portions', async () => {
    const time = handClock();
    const store = storeOf(123_456);
    const warn = () => {};
    startPruning({
      store,
      clock: time.clock,
      retentionMs: RETENTION_MS,
      payloadGraceMs: GRACE_MS,
      ...RUNS,
      warn,
    });
    await time.pass(PRUNE_INTERVAL_MS - 1);
    expect(store.limits).toEqual([]);
    await time.pass(1);
    expect(store.rows).toBe(0);
    expect(store.limits).toEqual(Array(25).fill(PRUNE_PORTION));
    expect(new Set(store.olderThan)).toEqual(new Set([time.clock.nowMs() - RETENTION_MS]));
  });

  it('that are more than a round takes are gone soon, and then the long interval is kept again', async () => {
    const time = handClock();
    const store = storeOf(2_000 * PRUNE_PORTION + 1);
    const options = { retentionMs: RETENTION_MS, payloadGraceMs: GRACE_MS, ...RUNS, warn: () => {} };
    startPruning({ store, clock: time.clock, ...options });
    await time.pass(PRUNE_INTERVAL_MS);
    expect([store.rows, time.due()]).toEqual([1, time.clock.nowMs() + RESUME_MS]);
    await time.pass(RESUME_MS);
    expect([store.rows, time.due()]).toEqual([0, time.clock.nowMs() + PRUNE_INTERVAL_MS]);
  });

  it('are tried again in the next round if the store fails', async () => {
    const time = handClock();
    const store = storeOf(1);
    const { pruneRequests } = store;
    const warnings: string[] = [];
    store.pruneRequests = async () => {
      throw new Error('the disk is gone');
    };
    const warn = (message: string) => void warnings.push(message);
    startPruning({
      store,
      clock: time.clock,
      retentionMs: RETENTION_MS,
      payloadGraceMs: GRACE_MS,
      ...RUNS,
      warn,
    });
    await time.pass(PRUNE_INTERVAL_MS);
    expect({ warnings, rows: store.rows }).toEqual({
      warnings: ['old answers could not be pruned'],
      rows: 1,
    });
    store.pruneRequests = pruneRequests;
    await time.pass(PRUNE_INTERVAL_MS);
    expect(store.rows).toBe(0);
  });

  it('are left alone once stopped', async () => {
    const time = handClock();
    const store = storeOf(1);
    startPruning({
      store,
      clock: time.clock,
      retentionMs: RETENTION_MS,
      payloadGraceMs: GRACE_MS,
      ...RUNS,
      warn: () => {},
    }).stop();
    expect(time.due()).toBeUndefined();
  });
});

describe('B.4: payloads that nothing refers to', () => {
  it('are gone once they were not used for the grace, however many, also where answers cannot be pruned', async () => {
    const time = handClock();
    const store = storeOf(0);
    store.pruneRequests = async () => {
      throw new Error('the disk is gone');
    };
    const young = time.clock.nowMs() + PRUNE_INTERVAL_MS - GRACE_MS;
    store.payloads = [young, ...Array.from({ length: 50 }, (_, index) => young - 1 - index)];
    const options = { retentionMs: RETENTION_MS, payloadGraceMs: GRACE_MS, ...RUNS, warn: () => {} };
    startPruning({ store, clock: time.clock, ...options });
    await time.pass(PRUNE_INTERVAL_MS);
    expect(store.payloads).toEqual([young]);
  });
});

describe('F.6: runs whose time is over', () => {
  it('are all deleted in one round, in portions, and what they leave behind is swept', async () => {
    const time = handClock();
    const store = storeOf(0);
    store.deletedRows = PRUNE_PORTION + 1;
    store.expired = Array.from({ length: EXPIRE_PORTION + 1 }, (_, run) => ({
      namespace: 'default',
      run,
      runId: `r${run}`,
      endedBeforeMs: 1,
    }));
    const expire = async ({ run }: ExpiredRun) => {
      store.expired = store.expired.filter((one) => one.run !== run);
      return true;
    };
    startPruning({
      store,
      clock: time.clock,
      retentionMs: RETENTION_MS,
      payloadGraceMs: GRACE_MS,
      runRetentionMs: 5_000,
      expire,
      warn: () => {},
    });
    await time.pass(PRUNE_INTERVAL_MS);

    expect([store.expired, store.deletedRows]).toEqual([[], 0]);
  });

  it('are tried once a round where they cannot go, so that other work is not held up', async () => {
    const time = handClock();
    const store = storeOf(0);
    store.expired = Array.from({ length: EXPIRE_PORTION }, (_, run) => ({
      namespace: 'default',
      run,
      runId: `r${run}`,
      endedBeforeMs: 1,
    }));
    let tried = 0;
    const expire = async () => {
      tried += 1;
      return false;
    };
    const options = { retentionMs: RETENTION_MS, payloadGraceMs: GRACE_MS, runRetentionMs: 5_000 };
    startPruning({ store, clock: time.clock, ...options, expire, warn: () => {} });
    await time.pass(PRUNE_INTERVAL_MS);
    expect(tried).toBe(EXPIRE_PORTION);
    await time.pass(PRUNE_INTERVAL_MS);
    expect(tried).toBe(2 * EXPIRE_PORTION);
  });
});
