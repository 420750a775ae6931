import { beforeEach, describe, expect, it } from 'vitest';
import { createLoading } from './loading.ts';
import type { Clock } from './ports.ts';

let delaysMs: number[];
let pending: (() => void) | undefined;
let outcomes: ('FAIL' | 'WORK')[];
let loaded: number;

const clock: Clock = {
  nowMs: () => 0,
  soon: (callback) => void setImmediate(callback),
  after(delayMs, callback) {
    delaysMs.push(delayMs);
    pending = callback;
    return () => {
      pending = undefined;
    };
  },
};

function create() {
  return createLoading({
    clock,
    load: async () => {
      if (outcomes.shift() === 'FAIL') throw new Error('the store is broken');
    },
    loaded: () => {
      loaded += 1;
    },
    warn: () => {},
  });
}

/** Ends the pause under way, and lets what follows happen. */
async function goOn(): Promise<void> {
  const callback = pending;
  pending = undefined;
  callback?.();
  await new Promise((resolve) => setImmediate(resolve));
}

beforeEach(() => {
  delaysMs = [];
  pending = undefined;
  outcomes = [];
  loaded = 0;
});

describe('loading', () => {
  it('is tried again after growing pauses, and who waited goes on when it has worked', async () => {
    outcomes = ['FAIL', 'FAIL', 'FAIL', 'WORK'];
    const loading = create();
    const begun = loading.begin();
    const waiting = loading.wait();
    await loading.attempted;
    expect(loaded).toBe(0);
    for (let round = 0; round < 3; round += 1) await goOn();
    await begun;
    expect(await waiting).toBe(true);
    expect({ loaded, delaysMs }).toEqual({ loaded: 1, delaysMs: [100, 500, 2_000] });
  });

  it('that goes on failing refuses who waits, and then who comes, at once, until it has worked', async () => {
    outcomes = Array(7).fill('FAIL');
    const loading = create();
    const begun = loading.begin();
    const waiting = loading.wait();
    await loading.attempted;
    for (let round = 0; round < 4; round += 1) await goOn();
    expect(await waiting).toBe(false);
    expect(await loading.wait()).toBe(false);
    for (let round = 0; round < 3; round += 1) await goOn();
    await begun;
    expect(loaded).toBe(1);
    expect(delaysMs).toEqual([100, 500, 2_000, 5_000, 5_000, 5_000, 5_000]);
    loading.succeeded();
    const later = loading.wait();
    await loading.begin();
    expect(await later).toBe(true);
  });

  it('ends when it is stopped, whoever waits, also in a pause', async () => {
    outcomes = ['FAIL'];
    const loading = create();
    const begun = loading.begin();
    await loading.attempted;
    const waiting = loading.wait();
    loading.stop();
    await begun;
    expect(await waiting).toBe(false);
    expect({ loaded, pending }).toEqual({ loaded: 0, pending: undefined });
  });

  it('is waited for no longer than its waiter lives', async () => {
    const waiter = new AbortController();
    const loading = create();
    const waiting = loading.wait(waiter.signal);
    waiter.abort();
    expect(await waiting).toBe(false);
    expect(await loading.wait(waiter.signal)).toBe(false);
  });
});
