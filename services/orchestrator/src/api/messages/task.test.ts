// BEHAVIOURS D.2: every attempt keeps its own error, timing, executor and usage.

import { expect, test } from 'vitest';
import type { Change } from '../../domain/events.ts';
import type { EventRecord, TaskRow } from '../../store/port.ts';
import { encodeEvent } from '../../wire/events.ts';
import { encodeTaskSpec } from '../../wire/stored-spec.ts';
import { GRAPH, RUN_ID } from '../../wire/wire-fixture.ts';
import { toBasicTask, toFullTask } from './task.ts';

const spec = encodeTaskSpec(GRAPH.spec.tasks[0]!);
const row = (fields: Partial<TaskRow>): TaskRow => ({
  run: 1,
  task: 0,
  key: 'a',
  spec,
  state: 'READY',
  reason: 'NONE',
  attemptCount: 0,
  firstReadyAtMs: 1_000,
  dependencies: undefined,
  startedAtMs: undefined,
  endedAtMs: undefined,
  ...fields,
});
const json = (value: unknown) => ({
  bytes: new TextEncoder().encode(JSON.stringify(value)),
  contentType: '',
});

function records(...changes: Change[]): EventRecord[] {
  return changes.map((change, index) => {
    const event = { revision: index + 2, atMs: 1_000 * (index + 2), change };
    const payload = encodeEvent({ runId: RUN_ID, graph: GRAPH }, event);
    return { revision: event.revision, run: 1, task: 0, payload, attachment: undefined };
  });
}

const started = (attempt: number, executorId: string): Change => ({
  type: 'TaskStarted',
  task: 0,
  attempt,
  executorId,
  leaseToken: 't',
});
const retrying: Change = {
  type: 'TaskRetrying',
  task: 0,
  attempt: 1,
  end: 'TIMED_OUT',
  error: { code: 'TIMEOUT', message: 'too long', details: json({ at: 5 }) },
  retryAtMs: 60_000,
  usage: { tokens: 12 },
};

test('the basic view is the row alone', () => {
  const task = toBasicTask(
    'r',
    row({ state: 'FAILED', reason: 'ATTEMPTS_EXHAUSTED', attemptCount: 2, endedAtMs: 5_250 }),
  );
  expect(task).toMatchObject({
    runId: 'r',
    key: 'a',
    state: 6,
    reason: 6,
    attemptCount: 2,
    readyTime: { seconds: 1n },
    endTime: { seconds: 5n, nanos: 250_000_000 },
    attempts: [],
  });
  expect(task.startTime).toBeUndefined();
  expect(task.spec).toBeUndefined();
});

test('the full view has every attempt with its own story', () => {
  const progressed: Change = {
    type: 'TaskProgressed',
    task: 0,
    attempt: 2,
    progress: { percent: 50, message: 'half' },
    checkpoint: undefined,
  };
  const completed: Change = {
    type: 'TaskCompleted',
    task: 0,
    attempt: 2,
    result: json([1]),
    usage: { tokens: 3 },
  };
  const events = records(
    started(1, 'e1'),
    retrying,
    { type: 'TaskReady', task: 0, input: undefined },
    started(2, 'e2'),
    progressed,
    completed,
  );
  const task = toFullTask('r', row({ state: 'COMPLETED', attemptCount: 2 }), events, 'VALUE');
  expect(task.attempts).toMatchObject([
    {
      number: 1,
      state: 4,
      executorId: 'e1',
      startTime: { seconds: 2n },
      endTime: { seconds: 3n },
      error: { code: 'TIMEOUT', details: { data: { case: 'value' } } },
      usage: { tokens: 12 },
    },
    {
      number: 2,
      state: 2,
      executorId: 'e2',
      startTime: { seconds: 5n },
      endTime: { seconds: 7n },
      usage: { tokens: 3 },
      progress: { percent: 50, message: 'half' },
    },
  ]);
  expect(task.result?.data.case).toBe('value');
  expect(task.spec).toMatchObject({ key: 'a', capability: 'echo' });
  // It is over: no further attempt is due, and the error of the first is the attempt's, not the task's.
  expect(task.retryTime).toBeUndefined();
  expect(task.error).toBeUndefined();
});

test('a task between attempts says when the next one is due', () => {
  const task = toFullTask('r', row({ state: 'RETRYING' }), records(started(1, 'e'), retrying), 'BYTES');
  expect(task.retryTime).toMatchObject({ seconds: 60n });
  expect(task.attempts[0]?.error?.details?.data.case).toBe('bytes');
});

test('a task that failed without an attempt has none', () => {
  const failed: Change = {
    type: 'TaskFailed',
    task: 0,
    reason: 'DEPENDENCY_FAILED',
    ended: undefined,
    error: undefined,
    usage: undefined,
  };
  const task = toFullTask(
    'r',
    row({ state: 'FAILED', reason: 'DEPENDENCY_FAILED' }),
    records(failed),
    'BYTES',
  );
  expect(task.attempts).toEqual([]);
  expect(task.error).toBeUndefined();
});

test('what a cancelled attempt had so far is kept (BEHAVIOURS D.8)', () => {
  const cancelled: Change = {
    type: 'TaskCancelled',
    task: 0,
    reason: 'CANCEL_REQUESTED',
    attempt: 1,
    partialResult: json('half'),
    usage: { tokens: 1 },
  };
  const task = toFullTask('r', row({ state: 'CANCELLED' }), records(started(1, 'e'), cancelled), 'BYTES');
  expect(task.attempts).toMatchObject([
    { state: 6, usage: { tokens: 1 }, partialResult: { data: { case: 'bytes' } } },
  ]);
  expect(task.result).toBeUndefined();
});
