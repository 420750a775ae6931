import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createReadyQueue, hasTurnBefore, type ReadyEntry } from './ready-queue.ts';

interface Entry extends ReadyEntry {
  live: boolean;
}

const entry = (priority: number, readyRevision: number, task = 0): Entry => ({
  priority,
  readyRevision,
  wayAhead: 0,
  task,
  live: true,
});

describe('a ready queue', () => {
  it('gives lower priority numbers first, and equals as they became ready (E.1)', () => {
    const queue = createReadyQueue<Entry>(({ live }) => live);
    [3, 0, 2, 1, 2].forEach((priority, index) => {
      queue.push(entry(priority, index));
    });
    const taken = Array.from({ length: 5 }, () => queue.take());
    expect(taken.map((one) => [one?.priority, one?.readyRevision])).toEqual([
      [0, 1],
      [1, 3],
      [2, 2],
      [2, 4],
      [3, 0],
    ]);
    expect(queue.take()).toBeUndefined();
  });

  it('agrees with a sorted list under any pushes, takes and departures', () => {
    const operation = fc.oneof(
      fc.record({ type: fc.constant('push' as const), priority: fc.nat(10) }),
      fc.record({ type: fc.constant('take' as const), priority: fc.constant(0) }),
      fc.record({ type: fc.constant('leave' as const), priority: fc.nat(1_000) }),
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 300 }), (operations) => {
        const queue = createReadyQueue<Entry>(({ live }) => live);
        let model: Entry[] = [];
        operations.forEach(({ type, priority }, revision) => {
          if (type === 'push') {
            const pushed = entry(priority, revision);
            queue.push(pushed);
            model.push(pushed);
            model.sort((a, b) => (hasTurnBefore(a, b) ? -1 : 1));
          } else if (type === 'take') {
            expect(queue.peek()).toBe(model[0]);
            expect(queue.take()).toBe(model[0]);
            model = model.slice(1);
          } else if (model.length > 0) {
            const [left] = model.splice(priority % model.length, 1);
            (left as Entry).live = false;
            queue.discount();
          }
          expect(queue.size).toBe(model.length);
        });
      }),
    );
  });

  it('asks for the way ahead among those of one event alone, and then for the order of submission', () => {
    const of = (readyRevision: number, wayAhead: number, task: number) => ({
      ...entry(2, readyRevision, task),
      wayAhead,
    });
    const sorted = [of(1, 0, 5), of(2, 9, 3), of(2, 4, 1), of(2, 4, 2), of(3, 99, 0)];
    const shuffled = fc.shuffledSubarray(sorted, { minLength: sorted.length });
    fc.assert(
      fc.property(shuffled, (entries) => {
        const queue = createReadyQueue<Entry>(({ live }) => live);
        queue.readmit(entries);
        expect(entries.map(() => queue.take())).toEqual(sorted);
      }),
    );
    expect(hasTurnBefore({ ...of(9, 0, 0), priority: 1 }, of(1, 99, 0))).toBe(true);
  });

  it('does not keep what has left for ever', () => {
    const queue = createReadyQueue<Entry>(({ live }) => live);
    const kept = entry(10, 0);
    queue.push(kept);
    for (let revision = 1; revision <= 5_000; revision += 1) {
      const left = entry(5, revision);
      queue.push(left);
      left.live = false;
      queue.discount();
    }
    expect(queue.size).toBe(1);
    expect(queue.take()).toBe(kept);
  });
});
