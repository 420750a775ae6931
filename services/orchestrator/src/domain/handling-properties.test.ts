// D.4, D.5, D.9: what holds for every run whose tasks deal with their own failures, whatever executors do.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { apply, submitRun } from './apply.ts';
import type { RunCommand } from './commands.ts';
import { isUndo } from './compensation.ts';
import { nextDueAtMs } from './due.ts';
import type { RunEvent } from './events.ts';
import { evolve } from './evolve.ts';
import { expectSameRun, json, undoBy } from './handling-fixture.ts';
import { type RunSubmittedEvent, startRun } from './initial.ts';
import { specOf, taskOf } from './lookup.ts';
import {
  type ErrorRule,
  type Guardrail,
  PLAIN_FLOW,
  PLAIN_HANDLING,
  type RunSpec,
  type TaskSpec,
} from './spec.ts';
import type { RunState } from './state.ts';
import { isFinalRun, isFinalTask } from './states.ts';
import { graphOf, spec, task } from './test-support.ts';

test('every run ends, within its bounds, undone in reverse order, and replays to the same', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(runSpecs(), fc.array(fc.nat({ max: 0xffff }), { maxLength: 60 }), (runSpec, choices) => {
      const { run, events: first } = submitRun('run-1', graphOf(runSpec), '', 0, 1);
      const events: RunEvent[] = [...first];
      playOut(run, choices, events);
      checkAttempts(run);
      checkUndone(run, events);
      for (const { change } of events)
        seen.add('reason' in change ? `${change.type} ${change.reason}` : change.type);
      const replica = startRun(events[0] as RunSubmittedEvent);
      for (const event of events.slice(1)) evolve(replica, event);
      expectSameRun(replica, run);
    }),
    { numRuns: 300, seed: 11 },
  );
  // That says something: such runs reach what is to be tried.
  for (const name of [
    'TaskValidating',
    'TaskFailed ERROR_RULE',
    'RunCompensating',
    'TaskCancelled OWNER_ENDED',
  ])
    expect([...seen]).toContain(name);
});

function playOut(run: RunState, choices: readonly number[], events: RunEvent[]): void {
  let nowMs = 0;
  const send = (command: RunCommand): void => {
    const result = apply(run, command, nowMs, run.lastRevision + 1);
    if (result.ok) events.push(...result.value);
    expect(undosUnderWay(run)).toBeLessThanOrEqual(1);
  };
  const startAll = () => {
    for (let index = 0; index < run.tasks.length; index++)
      send({ type: 'StartAttempt', task: index, executorId: 'e', leaseToken: `l${run.lastRevision}` });
  };
  for (const choice of choices) {
    if (isFinalRun(run.phase)) return;
    startAll();
    send(commandFor((choice >>> 4) % run.tasks.length, choice & 15));
    nowMs = passMs(run, nowMs, send);
  }
  for (let round = 0; round < 100 && !isFinalRun(run.phase); round++) {
    startAll();
    for (let index = 0; index < run.tasks.length; index++) {
      send({ type: 'CompleteAttempt', task: index, result: json({ ok: true }), usage: undefined });
    }
    nowMs = passMs(run, nowMs, send);
  }
  expect(isFinalRun(run.phase), JSON.stringify(run.counts)).toBe(true);
  expect(run.tasks.every(({ state }) => isFinalTask(state))).toBe(true);
}

function passMs(run: RunState, nowMs: number, send: (command: RunCommand) => void): number {
  const moments = run.tasks
    .map((_, index) => nextDueAtMs(run, index, 0))
    .filter((atMs) => atMs !== undefined);
  const next = Math.max(nowMs, Math.min(...moments, nowMs + 5));
  run.tasks.forEach((_, index) => {
    send({ type: 'RetryTask', task: index });
    send({ type: 'ExpireAttempt', task: index });
    send({ type: 'ExpireGrace', task: index });
  });
  return next;
}

function commandFor(index: number, kind: number): RunCommand {
  const failure = { message: '', details: undefined };
  const rest = { final: kind === 4, retryAfterMs: undefined, usage: { tokens: 1 } };
  switch (kind) {
    case 0:
    case 1:
    case 2:
      return { type: 'FailAttempt', task: index, error: { code: `E${kind}`, ...failure }, ...rest };
    case 3:
      return { type: 'LoseAttempt', task: index, code: 'EXECUTOR_LOST', message: '' };
    case 4:
      return { type: 'FailAttempt', task: index, error: { code: 'FATAL', ...failure }, ...rest };
    case 5:
      return { type: 'CancelTask', task: index, subtree: false };
    case 6:
      return index === 0 ? { type: 'CancelRun', message: '' } : { type: 'ExpireRun' };
    case 7:
    case 8:
      return { type: 'CompleteAttempt', task: index, result: json({ ok: false }), usage: { tokens: 2 } };
    case 9:
      return { type: 'CompleteAttempt', task: index, result: json('odd'), usage: { tokens: 2 } };
    default:
      return {
        type: 'CompleteAttempt',
        task: index,
        result: json({ ok: true, result: { ok: true } }),
        usage: undefined,
      };
  }
}

function undosUnderWay(run: RunState): number {
  const isOpen = (state: string) => state === 'READY' || state === 'RUNNING' || state === 'RETRYING';
  return run.tasks.filter(({ state }, index) => isOpen(state) && isUndo(specOf(run, index))).length;
}

/** D.1, D.4: as many as the policy allows, one more for the fallback, and those that were lost. */
function checkAttempts(run: RunState): void {
  run.tasks.forEach((status, index) => {
    const { retry, handling } = specOf(run, index);
    const lost = status.attempts.filter(({ state }) => state === 'LOST').length;
    expect(lost).toBeLessThanOrEqual(retry.maxLostAttempts + 1);
    expect(status.attempts.length - lost).toBeLessThanOrEqual(
      retry.maxAttempts + (handling.fallback === '' ? 0 : 1),
    );
    for (const { state, endedAtMs } of status.attempts) {
      expect(state).not.toBe('RUNNING');
      expect(endedAtMs).toBeDefined();
    }
  });
}

/** D.9: everything that had completed and can be undone is, once, the last first; only if the run did not complete. */
function checkUndone(run: RunState, events: readonly RunEvent[]): void {
  const undone = events.flatMap(({ change }) =>
    change.type === 'TasksAdded' && change.specs.some(isUndo) ? [change.owner ?? -1] : [],
  );
  const wanted = run.tasks
    .map((status, index) => ({ status, index }))
    .filter(({ status, index }) => status.state === 'COMPLETED' && specOf(run, index).handling.compensation)
    .filter(({ index }) => specOf(run, index).flow === PLAIN_FLOW)
    .sort((one, other) => other.status.endedRevision - one.status.endedRevision)
    .map(({ index }) => index);
  expect(undone).toEqual(run.phase === 'COMPLETED' ? [] : wanted);
  if (run.verdict !== undefined) expect(run.phase).toBe(run.verdict.outcome);
  for (const owner of undone) expect(taskOf(run, owner).state).toBe('COMPLETED');
}

function runSpecs(): fc.Arbitrary<RunSpec> {
  return fc
    .record({
      tasks: fc.array(sketches(), { minLength: 1, maxLength: 5 }),
      failurePolicy: fc.constantFrom('CONTINUE' as const, 'CANCEL' as const),
      maxParallel: fc.constantFrom(0, 0, 1),
      timeoutMs: fc.constantFrom(undefined, undefined, 40),
    })
    .map(({ tasks, ...rest }) => spec(tasks.map(toTask), rest));
}

type Sketch = ReturnType<typeof sketches> extends fc.Arbitrary<infer S> ? S : never;

function sketches() {
  const action: fc.Arbitrary<ErrorRule['action']> = fc.constantFrom(
    { type: 'RETRY', delayMs: 3 },
    { type: 'FAIL' },
    { type: 'COMPLETE', result: json({ ok: true }) },
  );
  const check: fc.Arbitrary<Guardrail['check']> = fc.constantFrom(
    { type: 'EXPRESSION', text: 'result.ok' },
    { type: 'SCHEMA', schema: 'object' },
    { type: 'CAPABILITY', capability: 'judge' },
  );
  return fc.record({
    upstream: fc.option(fc.nat({ max: 9 }), { nil: undefined }),
    mark: fc.constantFrom('', '?', '!'),
    codes: fc.constantFrom(['E0'], ['E*'], ['FATAL'], ['RESULT_REFUSED'], []),
    action: fc.option(action, { nil: undefined }),
    fallback: fc.constantFrom('', '', 'other'),
    checks: fc.array(check, { maxLength: 2 }),
    isUndone: fc.boolean(),
    maxAttempts: fc.integer({ min: 1, max: 3 }),
    maxLostAttempts: fc.nat({ max: 2 }),
    attemptMs: fc.constantFrom(undefined, undefined, 10),
    cancelGraceMs: fc.constantFrom(0, 5),
    items: fc.constantFrom(0, 0, 0, 2),
  });
}

function toTask(sketch: Sketch, place: number): TaskSpec {
  const { upstream, mark, codes, action, fallback, checks, isUndone, items, ...more } = sketch;
  const { maxAttempts, maxLostAttempts, attemptMs, cancelGraceMs } = more;
  const foreach = {
    items: Array.from({ length: items }, (_, index) => json(index)),
    itemsExpression: '',
    maxParallel: 0,
    toleratedFailures: 0,
    toleratedShare: 0,
    siblings: 'STOP',
  } as const;
  return task(`t${place}`, {
    after: place === 0 || upstream === undefined ? [] : [`t${upstream % place}${mark}`],
    retry: { maxAttempts, maxLostAttempts, initialDelayMs: 2 },
    timeouts: { attemptMs },
    cancelGraceMs,
    ...(items === 0 ? {} : { flow: { ...PLAIN_FLOW, foreach } }),
    handling: {
      ...PLAIN_HANDLING,
      errorRules: action === undefined ? [] : [{ codes, action }],
      fallback,
      guardrails: checks.map((check) => ({ check, message: '' })),
      compensation: isUndone ? undoBy('undo') : undefined,
    },
  });
}
