// D.5: what a result must pass, and what becomes of one that does not.

import { describe, expect, test } from 'vitest';
import { compileGraph } from './compile.ts';
import { nextDueAtMs } from './due.ts';
import { breakDown, expectReplay, finish, handled, json, lastOf, textOf } from './handling-fixture.ts';
import type { Guardrail } from './spec.ts';
import { play, spec, type TaskSketch } from './test-support.ts';
import { createToyCompiler } from './toy-expressions.ts';

const check = (text: string, message = ''): Guardrail => ({ check: { type: 'EXPRESSION', text }, message });
const schema = (text: string): Guardrail => ({ check: { type: 'SCHEMA', schema: text }, message: '' });
const ask = (capability: string, message = ''): Guardrail => ({
  check: { type: 'CAPABILITY', capability },
  message,
});
const again: TaskSketch = { retry: { maxAttempts: 2, initialDelayMs: 0 } };
const guarded = (guardrails: readonly Guardrail[], sketch = again) =>
  play([handled('a', { guardrails }, sketch)]);

describe('D.5: a check by expression', () => {
  test('true lets the result pass', () => {
    expect(finish(guarded([check('result.n == 1')]), 'a', { n: 1 })[0]).toBe('a COMPLETED');
  });

  test('false refuses it: a failed attempt, and the next one is told why and what was refused', () => {
    const run = guarded([check('result.n == 1')]);

    expect(finish(run, 'a', { n: 2 })).toEqual(['a RETRYING at 0 ms after FAILED', 'a READY']);
    expect(run.at('a').more?.feedback).toMatchObject({
      reason: 'the check `result.n == 1` is false',
      from: '',
      iteration: 0,
    });
    expect(textOf(run.at('a').more?.feedback?.refusedResult)).toBe('{"n":2}');
    expect(run.at('a').attempts[0]).toMatchObject({ state: 'FAILED', error: { code: 'RESULT_REFUSED' } });
    expect(finish(run, 'a', { n: 1 })[0]).toBe('a COMPLETED');
    expectReplay(run);
  });

  test.each([
    ['a text is the reason', check('result.why'), { why: 'too long' }, 'too long'],
    ['the message stands for any reason', check('false', 'be brief'), {}, 'be brief'],
    ['neither is a refusal', check('3'), {}, 'the check `3` gave neither true, false nor a reason'],
    [
      'an exception is a refusal',
      check('result.none'),
      {},
      'the check `result.none` could not be evaluated: no such key: none',
    ],
  ])('%s', (_, rail, result, reason) => {
    const run = guarded([rail]);
    finish(run, 'a', result);

    expect(run.at('a').attempts[0]?.error).toMatchObject({ code: 'RESULT_REFUSED', message: reason });
  });

  test('refused by every attempt: the task fails with the last refusal', () => {
    const run = guarded([check('false')]);
    finish(run, 'a', 1);

    expect(finish(run, 'a', 2)[0]).toBe('a FAILED ATTEMPTS_EXHAUSTED');
    expect(run.at('a').error?.code).toBe('RESULT_REFUSED');
  });

  test('rules by code are about refusals, too', () => {
    const errorRules = [
      { codes: ['RESULT_REFUSED'], action: { type: 'COMPLETE', result: json('default') } },
    ] as const;
    const run = play([handled('a', { guardrails: [check('false')], errorRules })]);

    expect(finish(run, 'a', 1)[0]).toBe('a COMPLETED');
    expect(textOf(run.at('a').result)).toBe('"default"');
  });

  test("the fallback's result is checked as any other", () => {
    const run = play([handled('a', { guardrails: [check('result != "bad"')], fallback: 'other' })]);
    breakDown(run, 'a');

    expect(finish(run, 'a', 'bad')[0]).toBe('a FAILED ATTEMPTS_EXHAUSTED');
    expect(run.at('a').error?.code).toBe('BROKEN');
    expect(run.at('a').attempts[1]?.error?.code).toBe('RESULT_REFUSED');
  });
});

describe('D.5: a check by schema', () => {
  test('what breaks it is refused with the place', () => {
    const run = guarded([schema('number')]);
    finish(run, 'a', 'text');

    expect(run.at('a').attempts[0]?.error?.message).toBe('result must be number');
    expect(finish(run, 'a', 3)[0]).toBe('a COMPLETED');
  });

  test('one that is none is refused at submission, with its place', () => {
    const refused = compileGraph(
      spec([handled('a', { guardrails: [check('true'), schema('none')] })]),
      createToyCompiler(),
      {
        problemOf: () => 'it is none',
        violationOf: () => undefined,
      },
    );

    expect(refused).toMatchObject({
      ok: false,
      rejection: { code: 'INVALID_FIELD', field: 'tasks[0].guardrails[1].schema' },
    });
  });
});

test('D.5, B.4: what is stored apart cannot be checked: refused, and said so', () => {
  for (const rail of [check('true'), schema('object'), ask('judge')]) {
    const run = guarded([rail]);
    run.start('a');
    const ref = { sha256: 'f'.repeat(64), sizeBytes: 300_000 };
    run.complete('a', { bytes: new Uint8Array(0), contentType: '', ref });

    expect(run.at('a').attempts[0]?.error?.message).toMatch(/300000 bytes and is stored apart/);
  }
});

describe('D.5: a check by a capability', () => {
  const asked = (rails = [ask('judge')], sketch = again) => {
    const run = guarded(rails, { ...sketch, input: json('question') });
    run.start('a');
    return { run, events: run.complete('a', json('answer')) };
  };

  test('is a task of its own that is given the input and the result', () => {
    const { run, events } = asked();

    expect(events).toEqual(['a validating 0', 'added a#check1.0 for a']);
    expect([run.at('a').state, run.at('a').reason]).toEqual(['RUNNING', 'VALIDATING']);
    const [added] = lastOf(run, 'TasksAdded').specs;
    expect(added).toMatchObject({ capability: 'judge', parent: 'a', allowFailure: true });
    expect(textOf(added?.input)).toBe('{"input":"question","result":"answer"}');
    expectReplay(run);
  });

  test.each([
    [{ ok: true }, '"answer"'],
    [{ ok: true, result: 'better' }, '"better"'],
    [{ ok: true, result: null }, 'null'],
  ])('%j lets it pass', (answer, result) => {
    const { run } = asked();

    expect(finish(run, 'a#check1.0', answer)).toEqual([
      'a#check1.0 COMPLETED',
      'a COMPLETED',
      'run COMPLETED',
    ]);
    expect(textOf(run.at('a').result)).toBe(result);
    expectReplay(run);
  });

  test.each([
    [{ ok: false, reason: 'rude' }, 'rude'],
    [{ ok: false }, 'refused'],
    ['fine', 'the check gave no answer of the form {"ok": true}'],
    [{ ok: 'yes' }, 'the check gave no answer of the form {"ok": true}'],
  ])('%j refuses it', (answer, reason) => {
    const { run } = asked();

    expect(finish(run, 'a#check1.0', answer).slice(1)).toEqual([
      'a RETRYING at 0 ms after FAILED',
      'a READY',
    ]);
    expect(run.at('a').more?.feedback?.reason).toBe(reason);
    expect(textOf(run.at('a').more?.feedback?.refusedResult)).toBe('"answer"');
    run.start('a');
    expect(run.complete('a', json('other'))).toEqual(['a validating 0', 'added a#check2.0 for a']);
    expect(finish(run, 'a#check2.0', { ok: true })[1]).toBe('a COMPLETED');
    expectReplay(run);
  });

  test('one that fails, or is cancelled, refuses it', () => {
    const failed = asked().run;
    breakDown(failed, 'a#check1.0', 'NO_MODEL');
    expect(failed.at('a').more?.feedback?.reason).toBe(
      'the check did not complete: NO_MODEL: NO_MODEL happened',
    );

    const cancelled = asked().run;
    cancelled.cancel('a#check1.0');
    expect(cancelled.at('a').more?.feedback?.reason).toBe('the check did not complete: CANCEL_REQUESTED');
    expect(cancelled.at('a').state).toBe('READY');
  });

  test('several are asked in their order, each about what the one before left', () => {
    const { run } = asked([ask('first'), check('result == "better"'), ask('second')]);

    expect(finish(run, 'a#check1.0', { ok: true, result: 'better' })).toEqual([
      'a#check1.0 COMPLETED',
      'a validating 2',
      'added a#check1.2 for a',
    ]);
    expect(textOf(lastOf(run, 'TasksAdded').specs[0]?.input)).toBe('{"input":"question","result":"better"}');
    expect(finish(run, 'a#check1.2', { ok: true })[1]).toBe('a COMPLETED');
    expect(textOf(run.at('a').result)).toBe('"better"');
    expectReplay(run);
  });

  test('D.6: the attempt timeout goes on meanwhile: the check is cancelled, the usage kept', () => {
    const run = guarded([ask('judge')], { ...again, timeouts: { attemptMs: 10 } });
    run.start('a');
    run.steps({ type: 'CompleteAttempt', task: 0, result: json(1), usage: { tokens: 5 } });
    run.passMs(10);

    expect(run.steps({ type: 'ExpireAttempt', task: 0 })).toEqual([
      'a RETRYING at 10 ms after TIMED_OUT',
      'a#check1.0 CANCELLED OWNER_ENDED',
      'a READY',
    ]);
    expect(run.at('a').attempts[0]).toMatchObject({ state: 'TIMED_OUT', usage: { tokens: 5 } });
    expectReplay(run);
  });

  test('D.8: cancelled meanwhile, it ends at once; the check is told, result and usage are kept', () => {
    const run = guarded([ask('judge')], again);
    run.start('a');
    run.steps({ type: 'CompleteAttempt', task: 0, result: json('half'), usage: { tokens: 5 } });
    run.start('a#check1.0');

    expect(run.cancel('a')).toEqual([
      'a CANCELLED CANCEL_REQUESTED',
      'a#check1.0 told to stop OWNER_ENDED within 10000 ms',
    ]);
    expect(textOf(run.at('a').attempts[0]?.partialResult)).toBe('"half"');
    expect(run.at('a').attempts[0]?.usage).toEqual({ tokens: 5 });
    expect(run.complete('a#check1.0', json({ ok: true }))).toEqual([
      'a#check1.0 CANCELLED OWNER_ENDED',
      'run CANCELLED TASK_CANCELLED',
    ]);
    expectReplay(run);
  });

  test('D.8: so does the whole run', () => {
    const { run } = asked();

    expect(run.cancelRun()).toEqual([
      'run CANCELLING CANCEL_REQUESTED',
      'a CANCELLED RUN_ENDING',
      'a#check1.0 CANCELLED RUN_ENDING',
      'run CANCELLED CANCEL_REQUESTED',
    ]);
  });

  test("the orchestrator's own work is checked, too, and done once", () => {
    const work = { type: 'TIMER', delayMs: 5, atMs: undefined } as const;
    const run = guarded([ask('judge')], { ...again, work, capability: '' });
    run.passMs(5);
    expect(run.steps({ type: 'FireTimer', task: 0 })).toEqual(['a validating 0', 'added a#check1.0 for a']);

    expect(run.steps({ type: 'FireTimer', task: 0 })).toEqual([]);
    expect(nextDueAtMs(run.run, 0, 0)).toBeUndefined();
    expect(run.complete('a')).toEqual([]);
    expect(finish(run, 'a#check1.0', { ok: true })[1]).toBe('a COMPLETED');
  });

  test('D.8: a check that runs is told to stop, once', () => {
    const { run } = asked();
    run.start('a#check1.0');

    expect(run.cancelRun()).toEqual([
      'run CANCELLING CANCEL_REQUESTED',
      'a CANCELLED RUN_ENDING',
      'a#check1.0 told to stop RUN_ENDING within 10000 ms',
    ]);
    expect(run.complete('a#check1.0')).toContain('run CANCELLED CANCEL_REQUESTED');
    expectReplay(run);
  });

  test('C.6: a run at its limit of tasks still checks results', () => {
    const run = play([handled('a', { guardrails: [ask('judge')] })], { maxParallel: 1 });
    finish(run, 'a', 1);

    expect(finish(run, 'a#check1.0', { ok: true })).toContain('run COMPLETED');
  });

  test('an input and a result that are too large together are refused, and it says so', () => {
    const run = guarded([ask('judge')], { ...again, input: json('i'.repeat(200_000)) });
    finish(run, 'a', 'r'.repeat(200_000));

    expect(run.at('a').attempts[0]?.error?.message).toContain('together exceed');
  });
});
