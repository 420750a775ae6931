// A seed says everything: what it leads to can be seen again, anywhere, and be cut down.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Observation } from './invariants/observation.ts';
import { drawPlan, type Plan } from './scenario/plan.ts';
import { keepOnly, selectionOf } from './scenario/selection.ts';
import { shrink } from './shrink.ts';
import { simulate } from './simulate.ts';
import { traceLine } from './trace.ts';
import { createCoverage } from './world/coverage.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const SEEDS = [80, 131, 244, 3964, 6189];

async function traceOf(plan: Plan): Promise<string> {
  const lines: string[] = [];
  await simulate(plan, createCoverage(), (observation: Observation) => lines.push(traceLine(observation)));
  return lines.join('\n');
}

describe('the same seed', () => {
  it.each(SEEDS)('%i gives the same trace, byte for byte, whatever ran before', async (seed) => {
    const first = await traceOf(drawPlan(seed));
    await traceOf(drawPlan(seed + 1));
    expect(await traceOf(drawPlan(seed))).toBe(first);
    expect(first.split('\n').length).toBeGreaterThan(50);
  });

  it('gives it in a process of its own, too', async () => {
    const [seed = 0] = SEEDS;
    const arguments_ = [MAIN, '--seed', String(seed), '--trace'];
    const { stdout } = await promisify(execFile)(process.execPath, arguments_, { maxBuffer: 1 << 28 });
    expect(stdout.startsWith(`${await traceOf(drawPlan(seed))}\nseed ${seed} with `)).toBe(true);
  });

  it('differs from another one', async () => {
    expect(await traceOf(drawPlan(2))).not.toBe(await traceOf(drawPlan(1)));
  });
});

describe('a part of a plan', () => {
  const plan = drawPlan(80);

  it('is named by what is kept, runs with how many tasks are left', () => {
    const part = keepOnly(plan, 'r1:2,e0,f0');
    expect(selectionOf(part)).toBe('r1:2,e0,f0');
    expect(keepOnly(plan, selectionOf(plan))).toEqual(plan);
    expect(part.actions).toEqual([]);
  });

  it('is refused where the plan has no such thing, with what it has', () => {
    expect(() => keepOnly(plan, 'r0,x9')).toThrow(/plans no "x9": it has r0, /);
    expect(() => keepOnly(plan, 'r0:0')).toThrow(/"r0:0" leaves no task/);
  });

  it('is the smallest that still breaks it', async () => {
    const needed = ['r1', 'f0'];
    const breaks = async (less: Plan) => {
      const ids = selectionOf(less)
        .split(',')
        .map((part) => part.split(':')[0]);
      return (
        needed.every((id) => ids.includes(id)) && (less.runs.find(({ id }) => id === 'r1')?.cut ?? 0) > 2
      );
    };
    expect(selectionOf(await shrink(plan, breaks))).toBe('r1:3,f0');
  });
});
