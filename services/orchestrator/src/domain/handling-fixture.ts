// For tests of what a task makes of failures and results: tasks with a handling, and what came of them.

import { expect } from 'vitest';
import type { Change } from './events.ts';
import { evolve } from './evolve.ts';
import { type RunSubmittedEvent, startRun } from './initial.ts';
import type { Payload } from './payload.ts';
import { type Compensation, DEFAULT_RETRY, type Handling, NO_TIMEOUTS, PLAIN_HANDLING } from './spec.ts';
import type { RunState } from './state.ts';
import { type Scenario, type TaskSketch, task } from './test-support.ts';

export function handled(key: string, handling: Partial<Handling>, sketch: TaskSketch = {}) {
  return task(key, { ...sketch, handling: { ...PLAIN_HANDLING, ...handling } });
}

export function undoBy(capability: string, how: Partial<Compensation> = {}): Compensation {
  return { capability, inputExpression: '', retry: DEFAULT_RETRY, timeouts: NO_TIMEOUTS, ...how };
}

export const json = (value: unknown): Payload => ({
  bytes: new TextEncoder().encode(JSON.stringify(value)),
  contentType: '',
});

export const textOf = (payload: Payload | undefined) => payload && new TextDecoder().decode(payload.bytes);

export function finish(scenario: Scenario, key: string, result: unknown = null): readonly string[] {
  scenario.start(key);
  return scenario.complete(key, json(result));
}

export function breakDown(scenario: Scenario, key: string, code = 'BROKEN', how = {}): readonly string[] {
  scenario.start(key);
  return scenario.fail(key, code, how);
}

export function lastOf<T extends Change['type']>(scenario: Scenario, type: T) {
  const found = scenario.events.findLast(({ change }) => change.type === type);
  if (found === undefined) throw new Error(`there was no ${type}`);
  return found.change as Extract<Change, { type: T }>;
}

/** The events alone add up to the same run. */
export function expectReplay(scenario: Scenario): void {
  const replica = startRun(scenario.events[0] as RunSubmittedEvent);
  for (const event of scenario.events.slice(1)) evolve(replica, event);
  expectSameRun(replica, scenario.run);
}

/** But for what is no state of its own: the graph, and functions. */
export function expectSameRun(one: RunState, other: RunState): void {
  const stateOf = (run: RunState) => ({ ...run, graph: undefined, line: undefined });
  expect(stateOf(one)).toEqual(stateOf(other));
}
