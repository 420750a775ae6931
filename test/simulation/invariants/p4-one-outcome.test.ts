// P4: each attempt has exactly one outcome, given by who holds its lease; everybody else is told so.

import { DEFAULT_RETRY } from '../../../services/orchestrator/src/domain/spec.ts';
import { plainTask } from '../scenario/tasks.ts';
import { tellCases } from './cases-fixture.ts';
import {
  assignment,
  atWork,
  completed,
  DONE,
  heartbeat,
  plain,
  progress,
  ready,
  register,
  report,
  retrying,
  runCompleted,
  started,
  submit,
} from './scenes-fixture.ts';
import type { Story } from './story-fixture.ts';

const AGAIN = { retry: { ...DEFAULT_RETRY, maxAttempts: 3 } };
const FAILED = {
  type: 'Failed',
  error: { code: 'X', message: '', details: undefined },
  final: false,
  retryAfterMs: undefined,
} as const;

/** Its first attempt has failed, and the second one is under way under lease l2. */
function secondTry(story: Story, token = 'l2'): void {
  atWork(story, AGAIN);
  report(story, 'l1', FAILED, { events: [retrying(story, 'FAILED', 'X'), ready('a')] });
  story.commit([started('r', 'a', token, { attempt: 2 })]);
}

/** Of tasks that are there: nothing else comes of it. */
function addTasks(story: Story, leaseToken: string, executorId = 'e'): void {
  const by = { type: 'EXECUTOR', executorId, session: `session of ${executorId}` } as const;
  const input = { by, leaseToken, tasks: [plainTask('a', 'work')], request: undefined };
  story.call('AddTasks', input, { ok: true, value: { addedCount: 0 } });
}

const OTHER_RESULT = completed('a', { text: '"forged"' });

tellCases({
  'P4.1': {
    holds: (story) => secondTry(story),
    breaks: (story) => secondTry(story, 'l1'),
  },
  'P4.2': {
    holds(story) {
      atWork(story);
      progress(story, 'l1');
      report(story, 'l1', DONE, { events: [completed('a'), runCompleted()] });
    },
    breaks: [
      (story) => {
        atWork(story);
        heartbeat(story, ['l1']);
        story.commit([plain('r', { case: 'taskProgressed', value: { attempt: 1 } }, 'a')]);
      },
      (story) => {
        atWork(story);
        story.commit([completed('a')]);
      },
      (story) => {
        atWork(story);
        report(story, 'l1', DONE, { events: [OTHER_RESULT] });
      },
      (story) => {
        atWork(story);
        register(story, 'f');
        report(story, 'l1', DONE, { executorId: 'f', events: [completed('a')] });
      },
      (story) => {
        atWork(story);
        report(story, 'l1', DONE, { session: 'forged', events: [completed('a')] });
      },
      (story) => {
        secondTry(story);
        report(story, 'l1', DONE, { events: [completed('a', { attempt: 2 })] });
      },
      (story) => {
        atWork(story, AGAIN);
        report(story, 'l1', FAILED, { events: [retrying(story, 'FAILED', 'Y')] });
      },
      (story) => {
        atWork(story, AGAIN);
        story.commit([retrying(story, 'LOST', 'RELEASED')]);
      },
    ],
  },
  'P4.3': {
    holds(story) {
      register(story, 'e');
      heartbeat(story, []);
    },
    breaks: [
      (story) => heartbeat(story, []),
      (story) => {
        register(story, 'e');
        register(story, 'e', {}, [], 'the next session of e');
        heartbeat(story, []);
      },
    ],
  },
  'P4.4': {
    holds(story) {
      secondTry(story);
      report(story, 'l1', DONE);
      report(story, 'forged', DONE, { status: 'UNKNOWN' });
      heartbeat(story, ['l1'], { dropped: ['l1'] });
    },
    breaks: [
      (story) => {
        atWork(story);
        report(story, 'l1', DONE, { status: 'STALE' });
      },
      (story) => {
        atWork(story);
        report(story, 'l1', DONE, { status: 'UNKNOWN' });
      },
      (story) => {
        atWork(story);
        heartbeat(story, ['l1'], { dropped: ['l1'] });
      },
    ],
  },
  'P4.5': {
    holds(story) {
      secondTry(story);
      addTasks(story, 'l2');
      register(story, 'e', { held: ['l1', 'l2'] }, ['l2']);
      heartbeat(story, ['l1', 'l2'], { dropped: ['l1'] });
    },
    breaks: [
      (story) => {
        secondTry(story);
        heartbeat(story, ['l1', 'l2']);
      },
      (story) => {
        secondTry(story);
        register(story, 'e', { held: ['l1', 'l2'] }, ['l1', 'l2']);
      },
      (story) => {
        secondTry(story);
        heartbeat(story, ['l2'], { missing: [assignment('r', 'a', 'l1')] });
      },
      (story) => {
        secondTry(story);
        addTasks(story, 'l1');
      },
      (story) => {
        atWork(story);
        register(story, 'f');
        addTasks(story, 'l1', 'f');
      },
    ],
  },
  'P4.6': {
    holds: (story) => secondTry(story),
    breaks(story) {
      submit(story, 'r', [plainTask('a', 'work')]);
      register(story, 'e');
      story.commit([started('r', 'a', 'l1')]);
      story.commit([started('r', 'a', 'l2', { attempt: 2 })]);
    },
  },
  'P4.7': {
    holds(story) {
      secondTry(story);
      report(story, 'l1', FAILED);
      report(story, 'l2', DONE, { events: [completed('a', { attempt: 2 }), runCompleted()] });
      report(story, 'l2', DONE);
      report(story, 'l2', DONE, { status: 'UNKNOWN' }); // By now its run may be forgotten.
    },
    breaks: [
      (story) => {
        secondTry(story);
        report(story, 'l1', FAILED, { status: 'STALE' });
      },
      (story) => {
        secondTry(story);
        report(story, 'l1', FAILED, { status: 'UNKNOWN' });
      },
      (story) => {
        atWork(story);
        report(story, 'l1', DONE, { events: [completed('a'), runCompleted()] });
        report(story, 'l1', DONE, { status: 'STALE' });
      },
    ],
  },
  'P4.8': {
    holds(story) {
      secondTry(story);
      register(story, 'f');
      report(story, 'l1', DONE, { executorId: 'f', status: 'STALE' });
    },
    breaks(story) {
      secondTry(story);
      register(story, 'f');
      report(story, 'l1', DONE, { executorId: 'f' });
    },
  },
});
