// D.4: what a task makes of its failures, by their code, and the fallback in the end.

import { describe, expect, test } from 'vitest';
import { compileGraph } from './compile.ts';
import { breakDown, expectReplay, finish, handled, json, lastOf, textOf } from './handling-fixture.ts';
import { capabilityOf } from './lookup.ts';
import { BY_CAPABILITY, type ErrorRule, PLAIN_FLOW } from './spec.ts';
import { play, spec } from './test-support.ts';
import { createToyCompiler } from './toy-expressions.ts';

const RETRY: ErrorRule['action'] = { type: 'RETRY', delayMs: undefined };
const FAIL: ErrorRule['action'] = { type: 'FAIL' };
const FALL_BACK: ErrorRule['action'] = { type: 'FALL_BACK' };
const complete = (value: unknown): ErrorRule['action'] => ({ type: 'COMPLETE', result: json(value) });
const rule = (codes: readonly string[], action: ErrorRule['action']): ErrorRule => ({ codes, action });

describe('D.4: rules by error code', () => {
  test('the first match wins; a trailing * stands for any ending, no code for any', () => {
    const errorRules = [
      rule(['HTTP_404'], complete('gone')),
      rule(['HTTP_4*'], FAIL),
      rule([], complete('whatever')),
    ];
    const endOf = (code: string) => {
      const run = play([handled('a', { errorRules })]);
      return [breakDown(run, 'a', code)[0], textOf(run.at('a').result)];
    };

    expect(endOf('HTTP_404')).toEqual(['a COMPLETED', '"gone"']);
    expect(endOf('HTTP_403')).toEqual(['a FAILED ERROR_RULE', undefined]);
    expect(endOf('HTTP_500')).toEqual(['a COMPLETED', '"whatever"']);
  });

  test('RETRY has a delay of its own, within the attempts that there are, also for codes never retried', () => {
    const errorRules = [rule(['BUSY'], { type: 'RETRY', delayMs: 70 })];
    const run = play([
      handled('a', { errorRules }, { retry: { maxAttempts: 2, nonRetryableCodes: ['BUSY'] } }),
    ]);

    expect(breakDown(run, 'a', 'BUSY')).toEqual(['a RETRYING at 70 ms after FAILED']);
    run.passMs(70);
    run.steps({ type: 'RetryTask', task: 0 });
    expect(breakDown(run, 'a', 'BUSY')[0]).toBe('a FAILED ATTEMPTS_EXHAUSTED');
    expect(run.at('a').attempts).toHaveLength(2);
  });

  test('RETRY without a delay takes that of the executor, else that of the policy', () => {
    const errorRules = [rule(['BUSY'], RETRY)];
    const retry = { maxAttempts: 3, initialDelayMs: 5 };
    const delayOf = (how: { retryAfterMs?: number }) =>
      breakDown(play([handled('a', { errorRules }, { retry })]), 'a', 'BUSY', how);

    expect(delayOf({ retryAfterMs: 9 })).toEqual(['a RETRYING at 9 ms after FAILED']);
    expect(delayOf({})).toEqual(['a RETRYING at 5 ms after FAILED']);
  });

  test('a rule comes before what the executor says: a final error is retried, or completed', () => {
    const errorRules = [rule(['FLAKY'], RETRY), rule(['EMPTY'], complete([]))];
    const run = () => play([handled('a', { errorRules }, { retry: { maxAttempts: 2, initialDelayMs: 1 } })]);

    expect(breakDown(run(), 'a', 'FLAKY', { final: true })).toEqual(['a RETRYING at 1 ms after FAILED']);
    expect(breakDown(run(), 'a', 'EMPTY', { final: true })[0]).toBe('a COMPLETED');
    expect(breakDown(run(), 'a', 'OTHER', { final: true })[0]).toBe('a FAILED ERROR_NOT_RETRYABLE');
  });

  test('FAIL ends the task though attempts are left', () => {
    const run = play([handled('a', { errorRules: [rule(['DENIED'], FAIL)] }, { retry: { maxAttempts: 5 } })]);

    expect(breakDown(run, 'a', 'DENIED')).toEqual(['a FAILED ERROR_RULE', 'run FAILED TASK_FAILED by a']);
    expect(run.at('a').error?.code).toBe('DENIED');
  });

  test('COMPLETE: the attempt keeps its error, dependants go on, no guardrail is asked', () => {
    const never = { check: { type: 'EXPRESSION', text: 'false' }, message: '' } as const;
    const errorRules = [rule(['NONE'], complete(0))];
    const run = play([handled('a', { errorRules, guardrails: [never] }), handled('b', {}, { after: ['a'] })]);

    expect(breakDown(run, 'a', 'NONE')).toEqual(['a COMPLETED', 'b READY']);
    expect(run.at('a').attempts[0]).toMatchObject({ state: 'FAILED', error: { code: 'NONE' } });
    expect(run.at('a').error).toBeUndefined();
    expectReplay(run);
  });

  test('a timeout is a failure with the code TIMEOUT; a lost attempt did not fail', () => {
    const errorRules = [rule([], complete('late'))];
    const run = play([handled('a', { errorRules }, { timeouts: { attemptMs: 10 } })]);
    run.start('a');

    expect(run.lose('a')).toEqual(['a RETRYING at 0 ms after LOST', 'a READY']);
    run.start('a');
    run.passMs(10);
    expect(run.steps({ type: 'ExpireAttempt', task: 0 })[0]).toBe('a COMPLETED');
    expect(run.at('a').attempts.map(({ state }) => state)).toEqual(['LOST', 'TIMED_OUT']);
  });

  test("the orchestrator's own work has errors, too", () => {
    const errorRules = [rule(['EXPRESSION_FAILED'], complete('none'))];
    const work = { type: 'EXPRESSION', text: 'boom' } as const;
    const run = play([handled('a', { errorRules }, { work, capability: '' })]);

    expect(run.at('a')).toMatchObject({ state: 'COMPLETED', attempts: [{ state: 'FAILED' }] });
  });

  test('of a foreach, they are for the items', () => {
    const errorRules = [rule(['SKIP_ME'], complete(null))];
    const foreach = {
      items: [json(1), json(2)],
      itemsExpression: '',
      maxParallel: 0,
      toleratedFailures: 0,
      toleratedShare: 0,
      siblings: 'CONTINUE',
    } as const;
    const run = play([handled('a', { errorRules, fallback: 'other' }, { flow: { ...PLAIN_FLOW, foreach } })]);

    breakDown(run, 'a#0', 'SKIP_ME');
    breakDown(run, 'a#1', 'BROKEN');
    expect(capabilityOf(run.run, run.index('a#1'))).toBe('other');
    expect(breakDown(run, 'a#1', 'WORSE')).toContain('a FAILED ATTEMPTS_EXHAUSTED');
    expect(run.at('a').attempts).toHaveLength(1);
  });
});

describe('D.4: the fallback', () => {
  const twice = { maxAttempts: 2, initialDelayMs: 0 };

  test('is tried at once after the last attempt, by the other capability, and may complete the task', () => {
    const run = play([handled('a', { fallback: 'other' }, { retry: twice })]);
    breakDown(run, 'a', 'FIRST');
    expect(capabilityOf(run.run, 0)).toBe('test');

    expect(breakDown(run, 'a', 'SECOND')).toEqual(['a RETRYING at 0 ms after FAILED', 'a READY']);
    expect([run.at('a').reason, capabilityOf(run.run, 0)]).toEqual(['FALLBACK', 'other']);
    expect(lastOf(run, 'TaskRetrying').fallback).toBe(true);
    expect(finish(run, 'a', 'by other means')[0]).toBe('a COMPLETED');
    expectReplay(run);
  });

  test('if it fails too, the error before it remains the reason, and each attempt keeps its own', () => {
    const run = play([handled('a', { fallback: 'other' }, { retry: twice })]);
    breakDown(run, 'a', 'FIRST');
    breakDown(run, 'a', 'SECOND');

    expect(breakDown(run, 'a', 'THIRD')[0]).toBe('a FAILED ATTEMPTS_EXHAUSTED');
    expect(run.at('a').error?.code).toBe('SECOND');
    expect(run.at('a').attempts.map(({ error }) => error?.code)).toEqual(['FIRST', 'SECOND', 'THIRD']);
    expectReplay(run);
  });

  test('is tried at once by a rule, or where no attempt would help; once', () => {
    const errorRules = [rule(['NO_MODEL'], FALL_BACK)];
    const ends = (code: string, how = {}) => {
      const run = play([
        handled('a', { fallback: 'other', errorRules }, { retry: { ...twice, maxAttempts: 9 } }),
      ]);
      breakDown(run, 'a', code, how);
      return [run.at('a').reason, breakDown(run, 'a', 'NO_MODEL')[0]];
    };

    expect(ends('NO_MODEL')).toEqual(['FALLBACK', 'a FAILED ATTEMPTS_EXHAUSTED']);
    expect(ends('BROKEN', { final: true })).toEqual(['FALLBACK', 'a FAILED ATTEMPTS_EXHAUSTED']);
  });

  test('lost with its executor, it is tried again, within the bound of lost attempts', () => {
    const run = play([handled('a', { fallback: 'other' }, { retry: { maxLostAttempts: 1 } })]);
    breakDown(run, 'a', 'FIRST');
    run.start('a');

    expect(run.lose('a')).toEqual(['a RETRYING at 0 ms after LOST', 'a READY']);
    expect([run.at('a').reason, capabilityOf(run.run, 0)]).toEqual(['FALLBACK', 'other']);
    run.start('a');
    expect(run.lose('a')[0]).toBe('a FAILED ATTEMPTS_EXHAUSTED');
    expect(run.at('a').error?.code).toBe('FIRST');
    expectReplay(run);
  });

  test('is tried, too, once too many attempts were lost', () => {
    const run = play([handled('a', { fallback: 'other' }, { retry: { maxLostAttempts: 0 } })]);
    run.start('a');
    run.lose('a');

    expect(run.at('a').reason).toBe('FALLBACK');
    expect(finish(run, 'a')[0]).toBe('a COMPLETED');
  });

  test('the whole timeout ends it, and a cancellation', () => {
    const run = play([handled('a', { fallback: 'other' }, { timeouts: { wholeMs: 10 } })]);
    breakDown(run, 'a');
    run.start('a');
    run.passMs(10);
    expect(run.steps({ type: 'ExpireTask', task: 0 })[0]).toBe('a FAILED TASK_TIMEOUT');

    const other = play([handled('a', { fallback: 'other' })]);
    breakDown(other, 'a');
    expect(other.cancel('a')[0]).toBe('a CANCELLED CANCEL_REQUESTED');
  });

  test('a rule that falls back needs one: refused at submission', () => {
    const refused = compileGraph(
      spec([handled('a', { errorRules: [rule([], FALL_BACK)] }, { work: BY_CAPABILITY })]),
      createToyCompiler(),
    );

    expect(refused).toMatchObject({ ok: false, rejection: { code: 'INVALID_FIELD' } });
    if (!refused.ok) expect(refused.rejection.message).toContain('names no fallback');
  });
});

describe('D.1, D.2, D.3: attempts', () => {
  test.each([
    [3, ['x', 'x', 'ok'], 'COMPLETED', 3],
    [6, ['x', 'x', 'x', 'x', 'x', 'x'], 'FAILED', 6],
  ])('of %s at most, with the ends %j: %s after %s calls', (maxAttempts, ends, state, calls) => {
    const run = play([handled('a', {}, { retry: { maxAttempts, initialDelayMs: 0 } })]);
    for (const [number, end] of ends.entries()) {
      if (end === 'ok') finish(run, 'a');
      else breakDown(run, 'a', `E${number + 1}`);
    }

    expect(run.at('a').state).toBe(state);
    expect(run.at('a').attempts).toHaveLength(calls);
    expect(run.at('a').attempts.map(({ error }) => error?.code)).toEqual(
      ends.map((end, number) => (end === 'ok' ? undefined : `E${number + 1}`)),
    );
    if (state === 'FAILED') expect(run.at('a').error?.code).toBe('E6');
  });

  test('what an attempt leaves in its last moment is handed to the next one', () => {
    const run = play([handled('a', {}, { retry: { maxAttempts: 2, initialDelayMs: 0 } })]);
    run.start('a');
    run.steps({
      type: 'FailAttempt',
      task: 0,
      error: { code: 'BROKEN', message: '', details: undefined },
      final: false,
      retryAfterMs: undefined,
      checkpoint: json({ page: 7 }),
      usage: { tokens: 3 },
    });

    expect(textOf(run.at('a').checkpoint)).toBe('{"page":7}');
    expect(run.at('a').attempts[0]?.usage).toEqual({ tokens: 3 });
    expectReplay(run);
  });
});
