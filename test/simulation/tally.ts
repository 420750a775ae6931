// What many simulations come to, together.

import type { Coverage } from './world/coverage.ts';

/** Can be sent from one thread to another. */
export interface Tally {
  seeds: number;
  steps: number;
  virtualMs: number;
  readonly faults: Map<string, number>;
  readonly events: Map<string, number>;
  readonly answers: Map<string, number>;
}

export function createTally(): Tally {
  return { seeds: 0, steps: 0, virtualMs: 0, faults: new Map(), events: new Map(), answers: new Map() };
}

export function addCoverage(tally: Tally, coverage: Coverage): void {
  addCounts(tally.faults, coverage.faults);
  addCounts(tally.events, coverage.events);
  addCounts(tally.answers, coverage.answers);
}

export function addTally(tally: Tally, other: Tally): void {
  tally.seeds += other.seeds;
  tally.steps += other.steps;
  tally.virtualMs += other.virtualMs;
  addCounts(tally.faults, other.faults);
  addCounts(tally.events, other.events);
  addCounts(tally.answers, other.answers);
}

export function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

function addCounts(sum: Map<string, number>, counts: ReadonlyMap<string, number>): void {
  for (const [key, count] of counts) sum.set(key, (sum.get(key) ?? 0) + count);
}
