import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTimers, type Timer } from './timers.ts';

describe('timers', () => {
  it('fire what is due, in the order of their moments, and equals in the order of setting', () => {
    const timers = createTimers<string>();
    const set = (name: string, dueAtMs: number) => {
      const timer = timers.create(name);
      timers.set(timer, dueAtMs);
      return timer;
    };
    set('late', 30);
    set('early', 10);
    const moved = set('moved', 5);
    set('early-too', 10);
    const cleared = set('cleared', 1);
    timers.set(cleared, undefined);
    timers.set(moved, 20);
    expect(timers.nextDueAtMs()).toBe(10);
    expect(takeAll(timers, 25)).toEqual(['early', 'early-too', 'moved']);
    expect(takeAll(timers, 30)).toEqual(['late']);
    expect(timers.nextDueAtMs()).toBeUndefined();
  });

  it('agree with a sorted list under any sets, resets and clears', () => {
    const operation = fc.record({
      timer: fc.nat(9),
      dueAtMs: fc.option(fc.nat(50), { nil: undefined }),
      now: fc.option(fc.nat(50), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const timers = createTimers<number>();
        const all: Timer<number>[] = Array.from({ length: 10 }, (_, index) => timers.create(index));
        const model = new Map<number, { dueAtMs: number; order: number }>();
        operations.forEach(({ timer, dueAtMs, now }, order) => {
          timers.set(all[timer] as Timer<number>, dueAtMs);
          if (dueAtMs === undefined) model.delete(timer);
          else model.set(timer, { dueAtMs, order });
          if (now === undefined) return;
          const due = [...model].filter(([, entry]) => entry.dueAtMs <= now);
          due.sort(([, a], [, b]) => a.dueAtMs - b.dueAtMs || a.order - b.order);
          const isDue = all.filter((one) => timers.isDue(one, now)).map(({ subject }) => subject);
          expect(isDue).toEqual(due.map(([index]) => index).sort());
          for (const [index] of due) model.delete(index);
          expect(takeAll(timers, now)).toEqual(due.map(([index]) => index));
          expect(timers.size).toBe(model.size);
        });
      }),
    );
  });
});

function takeAll<T>(timers: ReturnType<typeof createTimers<T>>, nowMs: number): T[] {
  const taken: T[] = [];
  for (let timer = timers.takeDue(nowMs); timer !== undefined; timer = timers.takeDue(nowMs)) {
    taken.push(timer.subject);
  }
  return taken;
}
