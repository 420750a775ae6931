// D.9: what had completed is undone in a run that is not to complete, the last first.

import { describe, expect, test } from 'vitest';
import {
  breakDown,
  expectReplay,
  finish,
  handled,
  json,
  lastOf,
  textOf,
  undoBy,
} from './handling-fixture.ts';
import { PLAIN_FLOW } from './spec.ts';
import { play, type TaskSketch } from './test-support.ts';

const undone = (key: string, after: readonly string[] = [], sketch: TaskSketch = {}) =>
  handled(key, { compensation: undoBy(`undo.${key}`) }, { ...sketch, after });

describe('D.9: compensation', () => {
  test('one after the other, the last completed first; then the run ends as it was to', () => {
    const run = play([undone('a'), undone('b'), handled('c', {}, { after: ['a', 'b'] })]);
    finish(run, 'b', 'of b');
    finish(run, 'a', 'of a');

    expect(breakDown(run, 'c')).toEqual([
      'c FAILED ATTEMPTS_EXHAUSTED',
      'run COMPENSATING to be FAILED TASK_FAILED',
      'added a#undo for a',
      'added b#undo for b',
    ]);
    expect(run.states()).toBe('a COMPLETED, b COMPLETED, c FAILED, a#undo READY, b#undo WAITING');
    expect(textOf(run.run.graph.spec.tasks[run.index('a#undo')]?.input)).toBe('"of a"');
    expect(run.run.graph.spec.tasks[run.index('a#undo')]).toMatchObject({
      capability: 'undo.a',
      parent: 'a',
    });
    expect(finish(run, 'a#undo')).toEqual(['a#undo COMPLETED', 'b#undo READY']);
    expect(finish(run, 'b#undo')).toEqual(['b#undo COMPLETED', 'run FAILED TASK_FAILED by c']);
    expect(run.run.message).toBe('');
    expectReplay(run);
  });

  test('a run that completes undoes nothing; neither does one in which nothing completed', () => {
    const good = play([undone('a')]);
    expect(finish(good, 'a')).toEqual(['a COMPLETED', 'run COMPLETED']);

    const bad = play([undone('a')]);
    expect(breakDown(bad, 'a')).toEqual(['a FAILED ATTEMPTS_EXHAUSTED', 'run FAILED TASK_FAILED by a']);
  });

  test('of a cancelled run, once all of it is final; the wish and its message remain', () => {
    const run = play([undone('a'), undone('b')]);
    finish(run, 'a');
    run.start('b');

    run.cancelRun('no longer wanted');
    expect(run.complete('b')).toEqual([
      'b CANCELLED RUN_ENDING',
      'run COMPENSATING to be CANCELLED CANCEL_REQUESTED',
      'added a#undo for a',
    ]);
    expect(finish(run, 'a#undo')).toEqual(['a#undo COMPLETED', 'run CANCELLED CANCEL_REQUESTED']);
    expect(run.run.message).toBe('no longer wanted');
    expectReplay(run);
  });

  test('begins at once, although the clock may be back before the start of the run by then', () => {
    const run = play([undone('a'), handled('b', {})], { startDelayMs: 1_000 });
    run.passMs(1_000);
    run.steps({ type: 'BeginRun' });
    finish(run, 'a');
    run.passMs(-900);

    expect(breakDown(run, 'b').slice(2)).toEqual(['added a#undo for a', 'a#undo READY']);
    expect(finish(run, 'a#undo')).toEqual(['a#undo COMPLETED', 'run FAILED TASK_FAILED by b']);
    expectReplay(run);
  });

  test('one that fails does not stop the others, nor change the end; it is named', () => {
    const run = play([undone('a'), undone('b', ['a']), handled('c', {}, { after: ['b'] })]);
    finish(run, 'a');
    finish(run, 'b');
    breakDown(run, 'c');

    expect(breakDown(run, 'b#undo')).toEqual(['b#undo FAILED ATTEMPTS_EXHAUSTED', 'a#undo READY']);
    expect(finish(run, 'a#undo')).toEqual(['a#undo COMPLETED', 'run FAILED TASK_FAILED by c']);
    expect(run.run.message).toBe('1 of 2 compensations did not complete: "b#undo"');
    expect(run.run.counts.FAILED).toBe(2);
    expectReplay(run);
  });

  test('a cancelled run says so beside its own message', () => {
    const run = play([undone('a'), handled('b', {})]);
    finish(run, 'a');
    run.cancelRun('enough');

    expect(breakDown(run, 'a#undo')).toEqual([
      'a#undo FAILED ATTEMPTS_EXHAUSTED',
      'run CANCELLED CANCEL_REQUESTED',
    ]);
    expect(run.run.message).toBe('enough; 1 of 1 compensations did not complete: "a#undo"');
    expectReplay(run);
  });

  test('its input may be computed from the input of the run and the result', () => {
    const by = (inputExpression: string) =>
      handled('a', { compensation: undoBy('undo', { inputExpression }) });
    const run = play([by('result.id'), handled('b', {})], { input: json('of the run') });
    finish(run, 'a', { id: 7 });
    breakDown(run, 'b');
    expect(textOf(run.at('a#undo').computedInput)).toBe('7');

    const broken = play([by('result.none'), handled('b', {})]);
    finish(broken, 'a', { id: 7 });
    expect(breakDown(broken, 'b').slice(2)).toEqual([
      'added a#undo for a',
      'a#undo FAILED EXPRESSION_FAILED',
      'run FAILED TASK_FAILED by b',
    ]);
    expect(broken.at('a#undo').error?.message).toContain('no such key: none');
    expectReplay(broken);
  });

  test('it has a policy of its own', () => {
    const retry = { ...run0.retry, maxAttempts: 2, initialDelayMs: 0 };
    const run = play([handled('a', { compensation: undoBy('undo', { retry }) }), handled('b', {})]);
    finish(run, 'a');
    breakDown(run, 'b');

    expect(breakDown(run, 'a#undo')).toEqual(['a#undo RETRYING at 0 ms after FAILED', 'a#undo READY']);
    expect(finish(run, 'a#undo')[0]).toBe('a#undo COMPLETED');
  });

  test('of a foreach, each item that completed', () => {
    const foreach = {
      items: [json(1), json(2), json(3)],
      itemsExpression: '',
      maxParallel: 0,
      toleratedFailures: 0,
      toleratedShare: 0,
      siblings: 'CONTINUE',
    } as const;
    const run = play([undone('a', [], { flow: { ...PLAIN_FLOW, foreach } })]);
    finish(run, 'a#0');
    finish(run, 'a#2');

    expect(breakDown(run, 'a#1').slice(1)).toEqual([
      'a FAILED ATTEMPTS_EXHAUSTED',
      'run COMPENSATING to be FAILED TASK_FAILED',
      'added a#2#undo for a#2',
      'added a#0#undo for a#0',
    ]);
    finish(run, 'a#2#undo');
    expect(finish(run, 'a#0#undo')).toContain('run FAILED TASK_FAILED by a');
    expectReplay(run);
  });

  test('a task that an error rule completed is undone, too: nobody knows how far it came', () => {
    const errorRules = [{ codes: [], action: { type: 'COMPLETE', result: json(0) } }] as const;
    const run = play([handled('a', { errorRules, compensation: undoBy('undo') }), handled('b', {})]);
    breakDown(run, 'a');

    expect(breakDown(run, 'b')).toContain('added a#undo for a');
  });

  test('D.8: cancelling the run meanwhile changes nothing; a single compensation can be cancelled', () => {
    const run = play([undone('a'), undone('b'), handled('c', {})]);
    finish(run, 'a');
    finish(run, 'b');
    breakDown(run, 'c');

    expect(run.cancelRun()).toEqual([]);
    expect(run.cancel('b#undo')).toEqual(['b#undo CANCELLED CANCEL_REQUESTED', 'a#undo READY']);
    expect(finish(run, 'a#undo')).toEqual(['a#undo COMPLETED', 'run FAILED TASK_FAILED by c']);
  });

  test('D.6: the timeout of the run starts it, and does not cut it short', () => {
    const run = play([undone('a'), handled('b', {})], { timeoutMs: 100 });
    finish(run, 'a');
    run.passMs(100);

    expect(run.steps({ type: 'ExpireRun' }).slice(-2)).toEqual([
      'run COMPENSATING to be FAILED RUN_TIMEOUT',
      'added a#undo for a',
    ]);
    run.passMs(1_000);
    expect(run.steps({ type: 'ExpireRun' })).toEqual([]);
    expect(finish(run, 'a#undo')).toEqual(['a#undo COMPLETED', 'run FAILED RUN_TIMEOUT']);
  });

  test('failure_policy CANCEL: first all is ended, then it is undone', () => {
    const run = play([undone('a'), handled('b', {}), handled('c', {}, { after: ['a'] })], {
      failurePolicy: 'CANCEL',
    });
    finish(run, 'a');

    expect(breakDown(run, 'b')).toEqual([
      'b FAILED ATTEMPTS_EXHAUSTED',
      'run CANCELLING TASK_FAILED',
      'c CANCELLED RUN_ENDING',
      'run COMPENSATING to be FAILED TASK_FAILED',
      'added a#undo for a',
    ]);
  });

  test('a run whose output fails is undone, and keeps the reason beside what was left undone', () => {
    const run = play([undone('a')], { output: 'boom' });

    expect(finish(run, 'a').slice(1)).toEqual([
      'run COMPENSATING to be FAILED EXPRESSION_FAILED',
      'added a#undo for a',
    ]);
    breakDown(run, 'a#undo');
    expect(lastOf(run, 'RunFailed').message).toMatch(/^output: `boom` could .*; 1 of 1 compensations/);
    expect(run.run.message).toBe(lastOf(run, 'RunFailed').message);
    expectReplay(run);
  });

  test('C.6: a run at its limit of tasks is undone all the same', () => {
    const run = play([undone('a'), handled('b', {}, { after: ['a'] })], { maxParallel: 1 });
    finish(run, 'a');
    breakDown(run, 'b');

    expect(finish(run, 'a#undo')).toContain('run FAILED TASK_FAILED by b');
  });
});

const run0 = handled('x', {});
