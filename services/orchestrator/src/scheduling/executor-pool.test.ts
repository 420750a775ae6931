import { describe, expect, it } from 'vitest';
import { createExecutorPool, occupy, type PoolMember } from './executor-pool.ts';

function member(executorId: string, slots: number, limits: Record<string, number> = { work: 0 }): PoolMember {
  const capabilities = Object.entries(limits).map(
    ([name, maxConcurrency]) => [name, { name, version: '', maxConcurrency, used: 0 }] as const,
  );
  return { executorId, slots, accepting: true, used: 0, capabilities: new Map(capabilities) };
}

describe('the executor pool', () => {
  it('chooses the most free slots, equals by id', () => {
    const pool = createExecutorPool<PoolMember>();
    const a = member('a', 2);
    const b = member('b', 3);
    const other = member('c', 9, { other: 0 });
    for (const one of [b, a, other]) pool.add(one);
    const chosen = Array.from({ length: 6 }, () => {
      const best = pool.choose('work');
      if (best !== undefined) occupy(best, 'work', 1);
      return best?.executorId;
    });
    expect(chosen).toEqual(['b', 'a', 'b', 'a', 'b', undefined]);
    occupy(a, 'work', -1);
    expect(pool.choose('work')).toBe(a);
    expect(pool.choose('nothing')).toBeUndefined();
    expect([pool.offers('work'), pool.offers('nothing')]).toEqual([true, false]);
  });

  it('keeps the limit that a member has for a capability', () => {
    const pool = createExecutorPool<PoolMember>();
    const limited = member('a', 9, { work: 1, other: 0 });
    pool.add(limited);
    occupy(limited, 'work', 1);
    expect(pool.choose('work')).toBeUndefined();
    expect(pool.choose('other')).toBe(limited);
  });

  it('passes over who does not accept, and forgets who is gone', () => {
    const pool = createExecutorPool<PoolMember>();
    const draining = member('a', 9);
    const gone = member('b', 1);
    pool.add(draining);
    pool.add(gone);
    draining.accepting = false;
    expect(pool.choose('work')).toBe(gone);
    expect(pool.offers('work')).toBe(true);
    pool.remove(gone);
    expect(pool.choose('work')).toBeUndefined();
    expect(pool.offers('work')).toBe(false);
  });
});
