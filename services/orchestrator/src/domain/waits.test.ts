// C.6 and C.7: signals, timers, start times, and no more at once than a run allows.

import { describe, expect, test } from 'vitest';
import { dueCommand, nextDueAtMs, nextRunDueAtMs } from './due.ts';
import type { Payload } from './payload.ts';
import { PLAIN_FLOW, type Timeouts } from './spec.ts';
import { play, type Scenario, task } from './test-support.ts';

const json = (value: unknown): Payload => ({
  bytes: new TextEncoder().encode(JSON.stringify(value)),
  contentType: '',
});
const text = (payload: Payload | undefined) => payload && new TextDecoder().decode(payload.bytes);
const signal = (scenario: Scenario, name: string, value: unknown) =>
  scenario.steps({ type: 'SignalRun', name, payload: json(value) });
const approval = (key: string, rest = {}) =>
  task(key, { capability: '', work: { type: 'SIGNAL', name: 'approve' }, ...rest });

describe('C.7: a task that waits for a signal', () => {
  test('completes with what the signal brings', () => {
    const scenario = play([approval('ok'), task('ship', { after: ['ok'] })]);
    expect(scenario.at('ok')).toMatchObject({ state: 'RUNNING', reason: 'AWAITING_SIGNAL' });

    expect(signal(scenario, 'approve', { approved: true })).toEqual([
      'run signalled approve',
      'ok took the signal approve',
      'ok COMPLETED',
      'ship READY',
    ]);
    expect(text(scenario.at('ok').result)).toBe('{"approved":true}');
    expect(scenario.run.signals.size).toBe(0);
  });

  test('finds the signal that came before it', () => {
    const scenario = play([task('first'), approval('ok', { after: ['first'] })]);
    expect(signal(scenario, 'approve', 1)).toEqual(['run signalled approve']);
    scenario.start('first');

    expect(scenario.complete('first').slice(-3)).toEqual([
      'ok took the signal approve',
      'ok COMPLETED',
      'run COMPLETED',
    ]);
  });

  test('shares a name with others: each signal ends one wait, the longest first', () => {
    const scenario = play([approval('a'), approval('b')]);

    expect(signal(scenario, 'approve', 1)).toContain('a COMPLETED');
    expect(signal(scenario, 'approve', 2)).toContain('b COMPLETED');
  });

  test('is not woken by another name', () => {
    const scenario = play([approval('a')]);

    expect(signal(scenario, 'other', 1)).toEqual(['run signalled other']);
    expect(scenario.at('a').state).toBe('RUNNING');
  });

  test('waits no longer than its attempt may take', () => {
    const scenario = play([approval('a', { timeouts: { attemptMs: 50 } })]);
    scenario.passMs(50);

    expect(scenario.steps({ type: 'ExpireAttempt', task: 0 })[0]).toBe('a FAILED ATTEMPTS_EXHAUSTED');
  });

  test('in a run that is over gets none', () => {
    const scenario = play([task('a')]);
    scenario.cancelRun();

    expect(scenario.send({ type: 'SignalRun', name: 'x', payload: json(1) })).toMatchObject({
      ok: false,
      rejection: { code: 'ALREADY_FINAL' },
    });
  });

  test('is found among many that wait for others, and takes none that an earlier attempt has left', () => {
    const others = Array.from({ length: 50 }, (_, index) => approval(`o${index}`));
    const mine = approval('mine', { work: { type: 'SIGNAL', name: 'mine' } });
    const scenario = play([...others, mine]);

    expect(signal(scenario, 'mine', 1)).toContain('mine COMPLETED');
    scenario.cancel('o0');
    expect(signal(scenario, 'approve', 1)).toContain('o1 COMPLETED');
  });

  test('is given its signal even where as many as may be are kept', () => {
    const scenario = play([task('b'), approval('a')]);
    for (let count = 0; count < 1_000; count++) signal(scenario, 'x', count);

    expect(signal(scenario, 'approve', 1)).toContain('a COMPLETED');
  });

  test('is one of a bounded number: beyond it, signals are refused', () => {
    const scenario = play([task('a')]);
    for (let count = 0; count < 1_000; count++) signal(scenario, 'x', count);

    expect(scenario.send({ type: 'SignalRun', name: 'x', payload: json(1) })).toMatchObject({
      ok: false,
      rejection: { code: 'LIMIT_REACHED', metadata: { resource: 'signals', limit: '1000' } },
    });
  });
});

describe('C.7: a timer', () => {
  test('gives what it was given, when its time has come', () => {
    const work = { type: 'TIMER', delayMs: 100, atMs: undefined } as const;
    const scenario = play([task('wait', { capability: '', work, input: json('x') })]);
    expect(scenario.steps({ type: 'FireTimer', task: 0 })).toEqual([]);
    scenario.passMs(100);

    expect(scenario.steps({ type: 'FireTimer', task: 0 })).toEqual(['wait COMPLETED', 'run COMPLETED']);
    expect(text(scenario.at('wait').result)).toBe('"x"');
  });
});

describe('C.7: a timer and its timeouts', () => {
  const timer = (delayMs: number, timeouts: Partial<Timeouts>) =>
    play([task('t', { capability: '', work: { type: 'TIMER', delayMs, atMs: undefined }, timeouts })]);

  test('whichever comes first counts, also where both are past', () => {
    const early = timer(10, { attemptMs: 20 });
    early.passMs(100);
    expect(dueCommand(early.run, 0, 0, 100)).toEqual({ type: 'FireTimer', task: 0 });

    const late = timer(30, { attemptMs: 20 });
    late.passMs(100);
    expect(dueCommand(late.run, 0, 0, 100)).toEqual({ type: 'ExpireAttempt', task: 0 });
    expect(late.steps({ type: 'FireTimer', task: 0 })).toEqual([]);
  });

  test('of a moment that is past, or of no time, is done at once', () => {
    expect(timer(0, {}).run.phase).toBe('COMPLETED');
  });
});

describe('C.7: a start time', () => {
  test('holds a task whose dependencies are met', () => {
    const flow = { ...PLAIN_FLOW, startAtMs: 70, startDelayMs: 100 };
    const scenario = play([task('a'), task('b', { after: ['a'], flow })]);
    scenario.start('a');
    scenario.passMs(20);

    expect(scenario.complete('a')).toEqual(['a COMPLETED', 'b held START_TIME_AHEAD until 120 ms']);
    scenario.passMs(99);
    expect(scenario.steps({ type: 'BeginTask', task: 1 })).toEqual([]);
    scenario.passMs(1);
    expect(scenario.steps({ type: 'BeginTask', task: 1 })).toEqual(['b READY']);
  });

  test('of the run holds every task', () => {
    const scenario = play([task('a'), task('b')], { startDelayMs: 10 });
    expect(scenario.states()).toBe('a WAITING, b WAITING');
    scenario.passMs(10);

    expect(scenario.steps({ type: 'BeginRun' })).toEqual(['a READY', 'b READY']);
  });

  test('of the run is one moment for all that wait for it', () => {
    const later = { ...PLAIN_FLOW, startDelayMs: 20 };
    const scenario = play([task('a'), task('b'), task('c', { flow: later })], { startDelayMs: 10 });

    expect(nextRunDueAtMs(scenario.run)).toBe(10);
    expect([0, 1, 2].map((index) => nextDueAtMs(scenario.run, index, 0))).toEqual([undefined, undefined, 20]);
    scenario.passMs(10);
    expect(scenario.steps({ type: 'BeginRun' })).toEqual(['a READY', 'b READY']);
    expect(nextRunDueAtMs(scenario.run)).toBeUndefined();
    expect(scenario.steps({ type: 'BeginRun' })).toEqual([]);
  });

  test('is not waited for by what is cancelled, or not to be done at all', () => {
    const scenario = play([task('a'), task('b', { when: 'false' })], { startAtMs: 10 });

    expect(scenario.states()).toBe('a WAITING, b SKIPPED');
    expect(scenario.cancel('a')).toEqual(['a CANCELLED CANCEL_REQUESTED', 'run CANCELLED TASK_CANCELLED']);
    expect(scenario.run.held.size).toBe(0);
  });

  test('that is past holds nothing', () => {
    const scenario = play([task('a', { flow: { ...PLAIN_FLOW, startAtMs: 0 } })], { startAtMs: 0 });

    expect(scenario.states()).toBe('a READY');
  });
});

describe('C.6: a run with a limit', () => {
  test('has no more under way than that, the most urgent first', () => {
    const scenario = play([task('a'), task('b'), task('c'), task('d', { priority: 0 })], { maxParallel: 2 });
    expect(scenario.states()).toBe('a READY, b WAITING, c WAITING, d READY');
    scenario.start('d');

    expect(scenario.complete('d')).toEqual(['d COMPLETED', 'b READY']);
    scenario.start('a');
    expect(scenario.fail('a')).toEqual(['a FAILED ATTEMPTS_EXHAUSTED', 'c READY']);
  });

  test('is not held up by one that is cancelled in the line, or skipped before', () => {
    const scenario = play([task('a'), task('b'), task('c', { when: 'false' }), task('d')], {
      maxParallel: 1,
    });
    scenario.cancel('b');
    scenario.start('a');

    expect(scenario.complete('a')).toEqual(['a COMPLETED', 'd READY']);
  });
});
