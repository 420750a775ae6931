// Can the judge of event logs find anything? Each rule of support/event-log.ts against a log that breaks it.

import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { toRunSpec } from '@tutti/client/client';
import { type Event, EventSchema } from '@tutti/proto/tutti/v1/event_pb.ts';
import { AttemptState } from '@tutti/proto/tutti/v1/task_pb.ts';
import { expect, test } from 'vitest';
import { checkLog } from '../support/event-log.ts';

type Change = NonNullable<MessageInitShape<typeof EventSchema>['change']>;
type Step = readonly [taskKey: string, change: Change];

const spec = toRunSpec({
  tasks: [
    { key: 'a', capability: 'echo' },
    { key: 'b', capability: 'echo', after: ['a'] },
  ],
});

const submitted: Step = ['', { case: 'runSubmitted', value: { taskCount: 2 } }];
const ready = (key: string): Step => [key, { case: 'taskReady', value: {} }];
const started = (key: string, attempt = 1): Step => [
  key,
  { case: 'taskStarted', value: { attempt, executorId: 'e' } },
];
const lost = (key: string, attempt = 1): Step => [
  key,
  { case: 'taskRetrying', value: { attempt, attemptState: AttemptState.LOST } },
];
const completed = (key: string, attempt = 1): Step => [key, { case: 'taskCompleted', value: { attempt } }];
const runCompleted: Step = ['', { case: 'runCompleted', value: {} }];

const sound: readonly Step[] = [
  submitted,
  started('a'),
  lost('a'),
  ready('a'),
  started('a', 2),
  completed('a', 2),
  ready('b'),
  started('b'),
  completed('b'),
  runCompleted,
];

test('a sound log is found sound, and told in attempts', () => {
  const { violations, attempts, runs } = judge(sound);
  expect(violations).toEqual([]);
  expect(
    attempts.map(({ taskKey, number, end, startedAtMs }) => [taskKey, number, end, startedAtMs]),
  ).toEqual([
    ['a', 1, AttemptState.LOST, 2],
    ['a', 2, AttemptState.COMPLETED, 5],
    ['b', 1, AttemptState.COMPLETED, 8],
  ]);
  expect(runs.get('r')?.end).toBe('runCompleted');
});

/** Each is the sound log with one thing wrong. */
const broken: readonly (readonly [name: string, steps: readonly Step[], finding: RegExp])[] = [
  ['a run twice', sound.toSpliced(1, 0, submitted), /submitted before/],
  ['a run that was never submitted', sound.slice(1), /no run was submitted/],
  ['a task of no run', sound.toSpliced(1, 0, started('c')), /no such task/],
  [
    'a start before the parent completed',
    sound.toSpliced(5, 0, ready('b'), started('b')),
    /upstream a was not/,
  ],
  ['a start without being ready', sound.toSpliced(6, 1), /was WAITING/],
  ['a hole in the attempts', sound.toSpliced(4, 2, started('a', 3), completed('a', 3)), /attempt 3 after 1/],
  ['two attempts at once', sound.toSpliced(2, 0, started('a', 2)), /was RUNNING/],
  ['two outcomes', sound.toSpliced(3, 0, lost('a')), /had its outcome before/],
  ['the outcome of another attempt', sound.toSpliced(5, 1, completed('a', 1)), /not the latest/],
  ['two final events', sound.toSpliced(9, 0, completed('b')), /final before/],
  ['an event after the last', [...sound, ready('b')], /the run ended before/],
  ['two ends', [...sound, runCompleted], /the run ended before/],
  ['an end too early', sound.toSpliced(6, 3), /task b is WAITING/],
];

test.each(broken)('finds %s', (_name, steps, finding) => {
  expect(judge(steps).violations.join('\n')).toMatch(finding);
});

test('finds a gap, a repeat and a stranger', () => {
  const log = sound.map(toEvent);
  expect(judgeEvents(log.toSpliced(3, 1)).join('\n')).toMatch(/the log has it in place 4/);
  expect(judgeEvents(log.toSpliced(3, 0, toEvent(ready('a'), 2))).join('\n')).toMatch(/in place 4/);
  expect(checkLog(log, new Map()).violations.join('\n')).toMatch(/nobody submitted it/);
});

test('refuses to judge what its rules do not cover', () => {
  const optional = toRunSpec({
    tasks: [
      { key: 'a', capability: 'echo' },
      { key: 'b', capability: 'echo', after: [{ key: 'a', condition: 'FINISHED' }] },
    ],
  });
  expect(() => checkLog(sound.map(toEvent), new Map([['r', optional]]))).toThrow(/beyond these rules/);
});

function judge(steps: readonly Step[]) {
  return checkLog(steps.map(toEvent), new Map([['r', spec]]));
}

function judgeEvents(events: readonly Event[]): readonly string[] {
  return checkLog(events, new Map([['r', spec]])).violations;
}

function toEvent([taskKey, change]: Step, index: number): Event {
  const revision = BigInt(index + 1);
  return create(EventSchema, { revision, time: timestampFromMs(index + 1), runId: 'r', taskKey, change });
}
