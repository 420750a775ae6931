import { describe, expect, test } from 'vitest';
import type { Load, Measured } from '../peers/peer.ts';
import { createPace, PART_SECONDS } from './pace.ts';

const load = { kind: 'flat-single', tasks: 200_000 } as const;

function contestant(tasksPerSecond: number, most = Number.POSITIVE_INFINITY) {
  const loads: Load[] = [];
  const pace = createPace(async (asked): Promise<Measured> => {
    loads.push(asked);
    const tasks = Math.min(most, 'tasks' in asked ? asked.tasks : asked.runs);
    return { seconds: tasks / tasksPerSecond, runs: tasks, tasks };
  });
  return { pace, loads };
}

describe('of a contestant that is quick enough', () => {
  test('all is asked, also if its first runs are slower', async () => {
    const { pace } = contestant(200_000 / (4 * PART_SECONDS));
    await pace.warmUp({ ...load, tasks: 5_000 });
    expect(pace.cut(load)).toEqual(load);
  });
});

describe('of a slow one', () => {
  test('no more is asked than it does in the time of a part', async () => {
    const { pace } = contestant(500);
    await pace.warmUp({ ...load, tasks: 5_000 });
    expect(pace.cut(load)).toEqual({ ...load, tasks: 500 * PART_SECONDS });
  });

  test('a warm-up is cut, too, once a small part of it has shown how slow it is', async () => {
    const { pace, loads } = contestant(100);
    await pace.warmUp({ ...load, tasks: 5_000 });
    expect(loads).toEqual([
      { ...load, tasks: 500 },
      { ...load, tasks: 500 },
    ]);
  });

  test('at least ten times as many runs are asked as are at work at once', async () => {
    const { pace } = contestant(1);
    const many = { kind: 'three-step', runs: 10_000, atOnce: 200 } as const;
    await pace.warmUp({ ...many, runs: 1_000 });
    expect(pace.cut(many)).toEqual({ ...many, runs: 2_000 });
  });

  test('its rate is that of what it did, also where it did less than it was asked for', async () => {
    const { pace } = contestant(500, 100);
    await pace.warmUp({ ...load, tasks: 5_000 });
    expect(pace.cut(load)).toEqual({ ...load, tasks: 500 * PART_SECONDS });
  });
});

test('chains, fans and open loops are as they are', async () => {
  const { pace } = contestant(1);
  const chain = { kind: 'chain', runs: 20, steps: 400, fibo: 10 } as const;
  await pace.warmUp(chain);
  expect(pace.cut(chain)).toBe(chain);
});
