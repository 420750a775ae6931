import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Counts, renderBarLine, renderCounts, renderPlainLine, tally } from './line.ts';

const none: Counts = {
  waiting: 0,
  ready: 0,
  running: 0,
  retrying: 0,
  completed: 0,
  failed: 0,
  cancelled: 0,
  skipped: 0,
};

const anyCounts = fc.record<Counts>({
  waiting: fc.nat(100_000),
  ready: fc.nat(100_000),
  running: fc.nat(100_000),
  retrying: fc.nat(100_000),
  completed: fc.nat(100_000),
  failed: fc.nat(100_000),
  cancelled: fc.nat(100_000),
  skipped: fc.nat(100_000),
});

describe('the progress of a run in one line', () => {
  test('counts every final state as done, not only success', () => {
    expect(tally({ ...none, completed: 1, failed: 1, cancelled: 1, skipped: 1, waiting: 4 })).toEqual({
      total: 8,
      final: 4,
      percent: 50,
    });
  });

  test('says 100 only when all is final', () => {
    expect(tally({ ...none, completed: 99_999, running: 1 }).percent).toBe(99);
    expect(tally({ ...none, completed: 100_000 }).percent).toBe(100);
  });

  test('leaves out states without tasks', () => {
    expect(renderCounts({ ...none, completed: 12, running: 3 })).toBe('12 completed, 3 running');
    expect(renderCounts(none)).toBe('no tasks');
  });

  test('a plain line names the run and all counts', () => {
    expect(renderPlainLine('run-1', { ...none, completed: 7, running: 2, waiting: 11 })).toBe(
      'run-1  35 %  7/20 tasks: 7 completed, 2 running, 11 waiting',
    );
  });

  test('a bar is filled by the share of final tasks', () => {
    expect(renderBarLine({ ...none, completed: 10, running: 2, waiting: 8 }, 120)).toBe(
      `[${'█'.repeat(12)}${'░'.repeat(12)}]  50 %  10/20  10 completed, 2 running, 8 waiting`,
    );
  });

  test('a bar shrinks with the terminal and is left out when there is no room', () => {
    const counts = { ...none, completed: 10, waiting: 10 };
    expect(renderBarLine(counts, 50)).toBe('[████░░░░]  50 %  10/20  10 completed, 10 waiting');
    expect(renderBarLine(counts, 20)).toBe('50 %  10/20  10 com');
  });

  test('a bar is never wider than the terminal, whatever the counts', () => {
    fc.assert(
      fc.property(anyCounts, fc.integer({ min: 1, max: 300 }), (counts, columns) => {
        expect(renderBarLine(counts, columns).length).toBeLessThan(Math.max(columns, 1));
      }),
      { numRuns: 200 },
    );
  });
});
