// C.4: one task for each item, in a window, with results in order.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { submitRun } from './apply.ts';
import { compileGraph } from './compile.ts';
import { nextDueAtMs } from './due.ts';
import { evolve } from './evolve.ts';
import type { ExpressionCompiler, Json } from './expression.ts';
import { type RunSubmittedEvent, startRun } from './initial.ts';
import { taskOf } from './lookup.ts';
import type { Payload } from './payload.ts';
import { type Foreach, PLAIN_FLOW, PLAIN_HANDLING } from './spec.ts';
import { play, type Scenario, spec, type TaskSketch, takeTurns, task } from './test-support.ts';
import { createToyCompiler } from './toy-expressions.ts';

const json = (value: unknown): Payload => ({
  bytes: new TextEncoder().encode(JSON.stringify(value)),
  contentType: '',
});
const text = (payload: Payload | undefined) => payload && new TextDecoder().decode(payload.bytes);

function each(items: readonly unknown[], how: Partial<Foreach> = {}, rest: TaskSketch = {}) {
  const foreach: Foreach = {
    items: items.map(json),
    itemsExpression: '',
    maxParallel: 0,
    toleratedFailures: 0,
    toleratedShare: 0,
    siblings: 'CONTINUE',
    ...how,
  };
  return task('each', { ...rest, flow: { ...PLAIN_FLOW, foreach } });
}

function finish(scenario: Scenario, key: string, result: unknown) {
  scenario.start(key);
  return scenario.complete(key, json(result));
}

describe('C.4: a foreach', () => {
  test('makes one task for each item, and gives their results in order', () => {
    const scenario = play([each(['a', 'b', 'c'])]);

    expect(text(scenario.run.graph.spec.tasks[2]?.input)).toBe('"b"');
    expect(scenario.at('each')).toMatchObject({ state: 'RUNNING', reason: 'AWAITING_ITEMS' });
    finish(scenario, 'each#2', 3);
    finish(scenario, 'each#0', 1);
    expect(finish(scenario, 'each#1', 2)).toEqual(['each#1 COMPLETED', 'each COMPLETED', 'run COMPLETED']);
    expect(text(scenario.at('each').result)).toBe('[1,2,3]');
  });

  test('of an empty list completes with an empty list', () => {
    const scenario = play([each([])]);

    expect(scenario.run.phase).toBe('COMPLETED');
    expect(text(scenario.at('each').result)).toBe('[]');
  });

  test('has no more under way than allowed, one after the other with 1', () => {
    const scenario = play([each([1, 2, 3], { maxParallel: 1 })]);

    expect(scenario.run.tasks).toHaveLength(2);
    expect(finish(scenario, 'each#0', 'x')).toEqual(['each#0 COMPLETED', 'added each#1 for each']);
    expect(finish(scenario, 'each#1', 'y')).toEqual(['each#1 COMPLETED', 'added each#2 for each']);
    finish(scenario, 'each#2', 'z');
    expect(text(scenario.at('each').result)).toBe('["x","y","z"]');
  });

  test('makes a window of a long list, not all of it', () => {
    const scenario = play([each(Array.from({ length: 2_500 }, (_, index) => index))]);

    expect(scenario.run.tasks).toHaveLength(1_001);
    for (let index = 0; index < 500; index++) finish(scenario, `each#${index}`, null);
    expect(scenario.run.tasks).toHaveLength(1_501);
  });

  test('over the result of another task', () => {
    const scenario = play([
      task('list'),
      {
        ...each([], { itemsExpression: 'results.list' }),
        dependencies: task('x', { after: ['list'] }).dependencies,
      },
    ]);
    scenario.start('list');

    expect(scenario.complete('list', json(['p', 'q'])).slice(-2)).toEqual([
      'each expanded to 2',
      'added each#0, each#1 for each',
    ]);
  });

  test('over what is no list fails, and says so', () => {
    const scenario = play([each([], { itemsExpression: '"text"' })]);

    expect(scenario.at('each')).toMatchObject({ state: 'FAILED', error: { code: 'EXPRESSION_FAILED' } });
  });

  test('tolerates failures by number, with null in their place', () => {
    const scenario = play([each([1, 2], { toleratedFailures: 1 })]);
    scenario.start('each#0');
    scenario.fail('each#0');
    finish(scenario, 'each#1', 'ok');

    expect(text(scenario.at('each').result)).toBe('[null,"ok"]');
    expect(scenario.run.phase).toBe('COMPLETED');
  });

  test('tolerates failures by share', () => {
    const scenario = play([each([1, 2, 3, 4], { toleratedShare: 0.5 })]);
    for (const key of ['each#0', 'each#1']) {
      scenario.start(key);
      scenario.fail(key);
    }
    finish(scenario, 'each#2', 1);
    finish(scenario, 'each#3', 1);

    expect(scenario.run.phase).toBe('COMPLETED');
  });

  test('lets siblings go on after a failure, then fails and names the first', () => {
    const scenario = play([each([1, 2, 3])]);
    scenario.start('each#1');
    scenario.fail('each#1');
    expect(scenario.at('each').state).toBe('RUNNING');
    finish(scenario, 'each#0', 1);

    expect(finish(scenario, 'each#2', 1)).toEqual([
      'each#2 COMPLETED',
      'each FAILED ATTEMPTS_EXHAUSTED',
      'run FAILED TASK_FAILED by each',
    ]);
    expect(scenario.at('each').error?.message).toContain(
      '1 of 3 items did not complete; the first was item 1',
    );
  });

  test('stops siblings after a failure where it is asked to', () => {
    const scenario = play([each([1, 2, 3, 4], { siblings: 'STOP', maxParallel: 3 })]);
    scenario.start('each#0');

    expect(scenario.fail('each#0')).toEqual([
      'each#0 FAILED ATTEMPTS_EXHAUSTED',
      'each#1 CANCELLED OWNER_ENDED',
      'each#2 CANCELLED OWNER_ENDED',
      'each FAILED ATTEMPTS_EXHAUSTED',
      'run FAILED TASK_FAILED by each',
    ]);
  });

  test('ends when the last of its siblings was stopped while its result was being checked', () => {
    const check = { type: 'CAPABILITY', capability: 'judge' } as const;
    const handling = { ...PLAIN_HANDLING, guardrails: [{ check, message: '' }] };
    const scenario = play([each([1, 2], { siblings: 'STOP' }, { handling })]);
    finish(scenario, 'each#0', 'checked still');
    scenario.start('each#1');

    expect(scenario.fail('each#1')).toEqual([
      'each#1 FAILED ATTEMPTS_EXHAUSTED',
      'each#0 CANCELLED OWNER_ENDED',
      'each#0#check1.0 CANCELLED OWNER_ENDED',
      'each FAILED ATTEMPTS_EXHAUSTED',
      'run FAILED TASK_FAILED by each',
    ]);
  });

  test('that is tried again keeps what had completed', () => {
    const scenario = play([each(['a', 'b'], {}, { retry: { maxAttempts: 2, initialDelayMs: 0 } })]);
    // The items have the same policy: each fails twice before the list does.
    finish(scenario, 'each#0', 'first');
    scenario.start('each#1');
    scenario.fail('each#1');
    scenario.start('each#1');

    expect(scenario.fail('each#1').slice(-2)).toEqual(['each expanded to 2', 'added each@2#1 for each']);
    finish(scenario, 'each@2#1', 'second');
    expect(text(scenario.at('each').result)).toBe('["first","second"]');
  });

  test('makes each item once, also where many of them end in one step', () => {
    const toy = createToyCompiler();
    let evaluations = 0;
    const counting: ExpressionCompiler = {
      compile(text, names) {
        const compiled = toy.compile(text, names);
        if (!compiled.ok) return compiled;
        const evaluate = (values: Readonly<Record<string, Json>>) => {
          evaluations++;
          return compiled.expression.evaluate(values);
        };
        return { ok: true, expression: { ...compiled.expression, evaluate } };
      },
    };
    const items = Array.from({ length: 3_000 }, (_, index) => index);
    const work = { type: 'EXPRESSION', text: 'item' } as const;
    const graph = compileGraph(spec([each(items, {}, { work, inputExpression: 'item' })]), counting);
    if (!graph.ok) throw new Error(graph.rejection.message);
    const { run, events } = submitRun('run-1', graph.value, '', 0, 1);
    takeTurns(run, 0, events.length + 1);

    expect(run.phase).toBe('COMPLETED');
    expect(evaluations).toBe(2 * items.length);
  });

  test('B.3: shows its items, whatever expression they have, what it depends on', () => {
    const after = task('x', { after: ['factor'] }).dependencies;
    const work = { type: 'EXPRESSION', text: 'results.factor' } as const;
    const guardrails = [
      { check: { type: 'EXPRESSION', text: 'result == 3' }, message: '' },
      { check: { type: 'EXPRESSION', text: 'states.factor == "COMPLETED"' }, message: '' },
    ] as const;
    const handling = { ...PLAIN_HANDLING, guardrails };
    const scenario = play([task('factor'), { ...each([1, 2], {}, { work, handling }), dependencies: after }]);
    finish(scenario, 'factor', 3);

    expect(scenario.at('each#0').error).toBeUndefined();
    expect(text(scenario.at('each').result)).toBe('[3,3]');
  });

  test('B.3: tells its items the iteration, by each of their expressions', () => {
    const work = { type: 'EXPRESSION', text: 'iteration' } as const;
    const foreach = each([1, 2], {}, { work });
    const repeat = { until: 'iteration == 2', maxIterations: 5, delayMs: 0, nextInput: '' };
    const scenario = play([{ ...foreach, flow: { ...foreach.flow, repeat } }]);
    expect(text(scenario.at('each').result)).toBe('[2,2]');

    const again = play([each([1], {}, { inputExpression: 'iteration' })]);
    expect(text(again.run.graph.spec.tasks[1]?.input)).toBe('1');
  });

  test('C.1: an item without an input says of itself why, and never takes another', () => {
    const scenario = play([
      each([{ name: 'Ada' }, 'x'], { toleratedFailures: 1 }, { inputExpression: 'item.name' }),
    ]);
    expect(scenario.at('each#1').error?.message).toContain('no such key: name');

    const lenient = play([each([1, 'x'], { toleratedFailures: 1 }, { inputExpression: 'boom' })]);
    expect(text(lenient.run.graph.spec.tasks[2]?.input)).toBe('"x"');
    expect(lenient.at('each#1')).toMatchObject({ state: 'FAILED', reason: 'EXPRESSION_FAILED' });
  });

  test('D.6: gives each item the time of an attempt, and takes as long as they need', () => {
    const timeouts = { attemptMs: 30, heartbeatMs: 20, wholeMs: 100 };
    const scenario = play([each([1, 2], { maxParallel: 1 }, { timeouts })]);
    scenario.start('each#0');

    expect(nextDueAtMs(scenario.run, scenario.index('each'), 0)).toBe(100);
    expect(nextDueAtMs(scenario.run, scenario.index('each#0'), 0)).toBe(20);
    scenario.passMs(50);
    const task = scenario.index('each');
    expect(scenario.steps({ type: 'ExpireAttempt', task })).toEqual([]);
    expect(scenario.steps({ type: 'ExpireSilentAttempt', task, deafMs: 0 })).toEqual([]);
  });

  test('that is cancelled cancels its items', () => {
    const scenario = play([each([1, 2])]);
    scenario.start('each#0');

    expect(scenario.cancel('each')).toEqual([
      'each CANCELLED CANCEL_REQUESTED',
      'each#0 told to stop OWNER_ENDED within 10000 ms',
      'each#1 CANCELLED OWNER_ENDED',
    ]);
  });

  test('ends, in order and within its limits, whatever its items do', () => {
    fc.assert(
      fc.property(
        fc.record({
          count: fc.nat({ max: 12 }),
          maxParallel: fc.nat({ max: 4 }),
          toleratedFailures: fc.nat({ max: 3 }),
          siblings: fc.constantFrom('CONTINUE' as const, 'STOP' as const),
          maxAttempts: fc.integer({ min: 1, max: 2 }),
          moves: fc.array(fc.nat({ max: 1_000 }), { maxLength: 60 }),
        }),
        ({ count, maxParallel, toleratedFailures, siblings, maxAttempts, moves }) => {
          const items = Array.from({ length: count }, (_, index) => index);
          const retry = { maxAttempts, initialDelayMs: 0 };
          const scenario = play([each(items, { maxParallel, toleratedFailures, siblings }, { retry })]);
          const { run } = scenario;
          const isOver = () => ['COMPLETED', 'FAILED', 'CANCELLED'].includes(run.phase);
          const open = () =>
            run.tasks.flatMap(({ state }, index) =>
              index > 0 && state !== 'COMPLETED' && state !== 'FAILED' && state !== 'CANCELLED'
                ? [index]
                : [],
            );
          for (let round = 0; round < 200 && !isOver(); round++) {
            const candidates = open();
            if (maxParallel > 0) expect(candidates.length).toBeLessThanOrEqual(maxParallel);
            const move = moves[round % Math.max(1, moves.length)] ?? 0;
            const index = candidates[move % candidates.length] as number;
            const { key } = run.graph.spec.tasks[index] as { key: string };
            if (taskOf(run, index).state === 'READY') scenario.start(key);
            if (move % 5 === 4) scenario.fail(key);
            else scenario.complete(key, json(Number(key.slice(key.lastIndexOf('#') + 1))));
          }
          expect(isOver()).toBe(true);
          const replica = startRun(scenario.events[0] as RunSubmittedEvent);
          for (const event of scenario.events.slice(1)) evolve(replica, event);
          expect(replica.tasks).toEqual(run.tasks);
          if (run.phase !== 'COMPLETED') return;
          const list = JSON.parse(text(scenario.at('each').result) ?? '');
          expect(list.every((value: unknown, at: number) => value === null || value === at)).toBe(true);
          expect(list.filter((value: unknown) => value === null).length).toBeLessThanOrEqual(
            toleratedFailures,
          );
        },
      ),
      { numRuns: 300 },
    );
  });
});
