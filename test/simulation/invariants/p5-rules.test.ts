// P5: what comes first is over before a task starts, attempts are bounded, what was cancelled does not complete,
// and a run that is paused or over does nothing.

import { StateReason } from '@tutti/proto/tutti/v1/state_reason_pb.ts';
import { DEFAULT_RETRY, PLAIN_FLOW, PLAIN_HANDLING } from '../../../services/orchestrator/src/domain/spec.ts';
import { timestampFromMs } from '../../../services/orchestrator/src/wire/time.ts';
import { edge, plainTask } from '../scenario/tasks.ts';
import { tellCases } from './cases-fixture.ts';
import {
  atWork,
  cancelled,
  completed,
  kept,
  plain,
  ready,
  register,
  report,
  requestOf,
  retrying,
  runCompleted,
  started,
  submit,
  submitted,
} from './scenes-fixture.ts';
import { createStory, type Story } from './story-fixture.ts';

const A = plainTask('a', 'work');
const B = plainTask('b', 'work', { dependencies: [edge('a', 'SUCCESS')] });
const FAILED = {
  type: 'Failed',
  error: { code: 'X', message: '', details: undefined },
  final: false,
  retryAfterMs: undefined,
} as const;

const skipped = plain('r', { case: 'taskSkipped', value: { reason: StateReason.UPSTREAM_FAILED } }, 'b');
const cancelling = plain('r', { case: 'taskCancelling', value: {} }, 'a');
const runCancelling = plain('r', { case: 'runCancelling', value: {} });

function chain(story: Story): void {
  submit(story, 'r', [A, B]);
  register(story, 'e');
  story.commit([started('r', 'a', 'l1')]);
}

function pause(story: Story): void {
  const paused = plain('r', { case: 'runPaused', value: {} });
  story.call(
    'PauseRun',
    { runId: 'r', message: '', request: requestOf('p') },
    { ok: true, value: true },
    () => story.commit([paused], { requests: kept('p', true) }),
  );
}

/** Attempt n has failed, and n + 1 starts. */
function failAndStart(story: Story, attempt: number, end: 'FAILED' | 'LOST', fallback = false): void {
  const lost = end === 'LOST';
  const outcome = lost ? ({ type: 'Released' } as const) : FAILED;
  const code = lost ? 'RELEASED' : 'X';
  const events = [retrying(story, end, code, { attempt, fallback }), ready('a')];
  report(story, `l${attempt}`, outcome, { events });
  story.commit([started('r', 'a', `l${attempt + 1}`, { attempt: attempt + 1 })]);
}

function rerun(story: Story): void {
  atWork(story);
  report(story, 'l1', undefined, { events: [completed('a'), runCompleted()] });
  const revision = story.nextRevision();
  const value = { resetCount: 1, revision };
  const input = {
    runId: 'r',
    scope: 'ALL',
    taskKey: '',
    run: undefined,
    request: requestOf('again'),
  } as const;
  story.call('RerunRun', input, { ok: true, value }, () =>
    story.commit([plain('r', { case: 'runRestarted', value: {} }), reset(StateReason.RERUN), ready('a')], {
      requests: kept('again', value),
    }),
  );
}

const reset = (reason: StateReason) => plain('r', { case: 'taskReset', value: { reason } }, 'a');

const LOOP = { until: 'false', maxIterations: 2, delayMs: 0, nextInput: '' };
const REPEATS = { flow: { ...PLAIN_FLOW, repeat: LOOP } };

function repeating(iteration: number) {
  const at = timestampFromMs(0);
  return plain('r', { case: 'taskRepeating', value: { attempt: 1, iteration, repeatTime: at } }, 'a');
}

function sendBack(iteration: number) {
  return plain('r', { case: 'taskSentBack', value: { attempt: 1, to: 'a', iteration } }, 'b');
}

function decision(story: Story, iteration: number): void {
  const loop = [{ to: 'a', when: 'true', reason: '', maxIterations: 1 }];
  submit(story, 'r', [A, { ...B, flow: { ...PLAIN_FLOW, sendBack: loop } }]);
  register(story, 'e');
  story.commit([started('r', 'a', 'l1')]);
  report(story, 'l1', undefined, { events: [completed('a'), ready('b'), started('r', 'b', 'l2')] });
  report(story, 'l2', undefined, { events: [sendBack(iteration), reset(StateReason.SENT_BACK), ready('a')] });
}

tellCases({
  'P5.1': {
    holds(story) {
      chain(story);
      report(story, 'l1', undefined, { events: [completed('a'), ready('b')] });
      story.commit([started('r', 'b', 'l2')]);
    },
    breaks: [
      (story) => {
        chain(story);
        story.commit([ready('b')]);
      },
      (story) => {
        const optional = plainTask('b', 'work', { dependencies: [edge('a', 'FINISHED', 'true')] });
        submit(story, 'r', [A, optional]);
        register(story, 'e');
        story.commit([started('r', 'a', 'l1')]);
        // What its condition comes to is not told.
        report(story, 'l1', undefined, { events: [completed('a'), ready('b')] });
      },
      (story) => {
        // Of two, one suffices; of none, it does not.
        const C = plainTask('c', 'work', {
          dependencies: [edge('a', 'FAILURE'), edge('b', 'SUCCESS')],
          join: { mode: 'ANY' },
        });
        submit(story, 'r', [A, plainTask('b', 'work'), C]);
        register(story, 'e');
        story.commit([started('r', 'a', 'l1')]);
        report(story, 'l1', undefined, { events: [completed('a'), ready('c')] });
      },
      (story) => {
        // In order, though it does not say so itself.
        submit(story, 'r', [A, plainTask('b', 'work')], { mode: 'SEQUENTIAL' });
        story.commit([ready('b')]);
      },
      (story) => {
        story.commit([submitted('r', [plainTask('a', 'work', { when: 'true' })])]);
      },
    ],
  },
  'P5.2': {
    holds(story) {
      const retry = { ...DEFAULT_RETRY, maxAttempts: 2, maxLostAttempts: 1 };
      atWork(story, { retry, handling: { ...PLAIN_HANDLING, fallback: 'work' } });
      failAndStart(story, 1, 'LOST');
      failAndStart(story, 2, 'FAILED');
      failAndStart(story, 3, 'FAILED', true);
    },
    breaks: [
      (story) => {
        atWork(story);
        failAndStart(story, 1, 'FAILED');
      },
      (story) => {
        atWork(story, { retry: { ...DEFAULT_RETRY, maxLostAttempts: 1 } });
        failAndStart(story, 1, 'LOST');
        failAndStart(story, 2, 'LOST');
      },
      (story) => {
        atWork(story, { handling: { ...PLAIN_HANDLING, fallback: 'work' } });
        failAndStart(story, 1, 'FAILED', true);
        failAndStart(story, 2, 'FAILED');
      },
    ],
  },
  'P5.3': {
    holds(story) {
      atWork(story);
      story.commit([cancelling]);
      report(story, 'l1', undefined, { events: [cancelled('a', 1)] });
    },
    breaks: [
      (story) => {
        atWork(story);
        story.commit([cancelling]);
        report(story, 'l1', undefined, { events: [completed('a')] });
      },
      (story) => {
        atWork(story, { retry: { ...DEFAULT_RETRY, maxAttempts: 2 } });
        story.commit([cancelling]);
        report(story, 'l1', FAILED, { events: [retrying(story, 'FAILED', 'X')] });
      },
    ],
  },
  'P5.4': {
    holds(story) {
      atWork(story);
      pause(story);
      report(story, 'l1', undefined, { events: [completed('a'), runCompleted()] });
    },
    breaks(story) {
      submit(story, 'r');
      register(story, 'e');
      pause(story);
      story.commit([started('r', 'a', 'l1')]);
    },
  },
  'P5.5': {
    holds: (story) => rerun(story),
    breaks: [
      (story) => {
        rerun(story);
        story.commit([reset(StateReason.RERUN)]);
      },
      (story) => {
        chain(story);
        report(story, 'l1', undefined, { events: [completed('a'), ready('b')] });
        story.commit([reset(StateReason.SENT_BACK)]);
      },
    ],
  },
  'P5.6': {
    holds(story) {
      submit(story, 'r');
      story.commit([runCancelling, cancelled('a'), plain('r', { case: 'runCancelled', value: {} })]);
    },
    breaks: [
      (story) => {
        submit(story, 'r');
        register(story, 'e');
        story.commit([runCancelling]);
        story.commit([started('r', 'a', 'l1')]);
      },
      (story) => {
        submit(story, 'r');
        story.commit([runCompleted()]);
      },
    ],
  },
  'P5.7': {
    holds(story) {
      submit(story, 'r', [A, B]);
      story.commit([cancelled('a'), skipped]);
    },
    breaks: [
      (story) => {
        submit(story, 'r', [A, B]);
        story.commit([skipped]);
      },
      (story) => {
        submit(story, 'r', [A, plainTask('b', 'work', { dependencies: [edge('a', 'FINISHED')] })]);
        story.commit([cancelled('a'), skipped]);
      },
    ],
  },
  'P5.8': {
    holds(story) {
      atWork(story, { retry: { ...DEFAULT_RETRY, maxAttempts: 2 } });
      report(story, 'l1', FAILED, { events: [retrying(story, 'FAILED', 'X', { inMs: 100 })] });
      story.pass(100);
      story.commit([ready('a')]);
    },
    breaks: [
      (story) => {
        atWork(story, { retry: { ...DEFAULT_RETRY, maxAttempts: 2 } });
        report(story, 'l1', FAILED, { events: [retrying(story, 'FAILED', 'X', { inMs: 100 })] });
        story.pass(99);
        story.commit([ready('a')]);
      },
      (story) => {
        submit(story, 'r', [A, B]);
        const until = timestampFromMs(story.nowMs() + 100);
        register(story, 'e');
        story.commit([started('r', 'a', 'l1')]);
        const held = plain('r', { case: 'taskHeld', value: { until } }, 'b');
        report(story, 'l1', undefined, { events: [completed('a'), held] });
        story.commit([ready('b')]);
      },
    ],
  },
  'P5.9': {
    holds(story) {
      atWork(story, REPEATS);
      report(story, 'l1', undefined, { events: [repeating(2)] });
      decision(createStory(), 1);
    },
    breaks: [
      (story) => {
        atWork(story, REPEATS);
        report(story, 'l1', undefined, { events: [repeating(3)] });
      },
      (story) => {
        atWork(story, { flow: { ...PLAIN_FLOW, repeat: { ...LOOP, maxIterations: 1 } } });
        report(story, 'l1', undefined, { events: [repeating(2)] });
      },
      (story) => decision(story, 2),
    ],
  },
});
