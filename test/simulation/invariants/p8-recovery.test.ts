// P8: a lost executor is noticed within its lease, and not before; limits of time end what they are for, and
// not before; and in the end everything is over, with nothing lost.

import { StateReason } from '@tutti/proto/tutti/v1/state_reason_pb.ts';
import { AttemptState } from '@tutti/proto/tutti/v1/task_pb.ts';
import { NO_TIMEOUTS } from '../../../services/orchestrator/src/domain/spec.ts';
import { tellCases } from './cases-fixture.ts';
import {
  atWork,
  completed,
  heartbeat,
  plain,
  progress,
  register,
  report,
  retrying,
  runCompleted,
  submit,
} from './scenes-fixture.ts';
import { NAMESPACE, type Story } from './story-fixture.ts';

const AGAIN = {
  retry: {
    maxAttempts: 2,
    initialDelayMs: 0,
    factor: 2,
    maxDelayMs: 0,
    jitter: 0,
    nonRetryableCodes: [],
    maxLostAttempts: 2,
  },
};

function over(story: Story): void {
  atWork(story);
  report(story, 'l1', undefined, { events: [completed('a'), runCompleted()] });
}

/** Nothing happens, but that somebody sees that. */
function look(story: Story): void {
  story.see({
    type: 'WatchGranted',
    watcher: 'w',
    stream: 1,
    namespace: NAMESPACE,
    runId: 'r',
    afterRevision: 0,
  });
}

function lose(story: Story): void {
  story.commit([retrying(story, 'LOST', 'EXECUTOR_LOST')]);
}

function timeOut(story: Story): void {
  story.commit([retrying(story, 'TIMED_OUT', 'TIMEOUT')]);
}

function fail(story: Story, reason: StateReason): void {
  const value = { reason, attempt: 1, attemptState: AttemptState.TIMED_OUT, error: { code: 'TIMEOUT' } };
  story.commit([plain('r', { case: 'taskFailed', value }, 'a')]);
}

tellCases({
  'P8.1': {
    holds(story) {
      atWork(story, AGAIN);
      story.pass(5_000);
      heartbeat(story, ['l1']);
      story.pass(15_000);
      lose(story);
    },
    breaks: [
      (story) => {
        atWork(story, AGAIN);
        story.pass(14_998);
        lose(story);
      },
      (story) => {
        atWork(story, AGAIN);
        story.pass(5_000);
        heartbeat(story, ['l1']);
        story.pass(14_999);
        lose(story);
      },
      (story) => {
        atWork(story, AGAIN);
        register(story, 'e', { held: ['l1'] }, ['l1']);
        lose(story);
      },
      (story) => {
        atWork(story, AGAIN);
        story.see({ type: 'ProcessFrozen', process: 1 });
        story.pass(16_000);
        story.see({ type: 'ProcessThawed', process: 1 });
        lose(story);
      },
    ],
  },
  'P8.2': {
    holds(story) {
      atWork(story);
      story.pass(20_000);
      heartbeat(story, ['l1']);
      story.pass(20_000);
      story.see({ type: 'ProcessFrozen', process: 1 });
      story.pass(60_000);
      look(story);
      story.see({ type: 'ProcessThawed', process: 1 });
      story.pass(20_000);
      look(story);
    },
    breaks: [
      (story) => {
        atWork(story);
        story.pass(31_000);
        look(story);
      },
      (story) => {
        atWork(story);
        story.pass(20_000);
        story.see({ type: 'ProcessEnded', process: 1, how: 'KILLED' });
        story.see({ type: 'ProcessStarted', process: 2, skewMs: 0 });
        story.see({ type: 'ProcessServes', process: 2 });
        story.pass(31_000);
        look(story);
      },
    ],
  },
  'P8.6': {
    holds(story) {
      atWork(story, { ...AGAIN, timeouts: { ...NO_TIMEOUTS, attemptMs: 1_000 } });
      story.pass(16_000);
      look(story);
    },
    breaks: [
      (story) => {
        atWork(story, { ...AGAIN, timeouts: { ...NO_TIMEOUTS, attemptMs: 1_000 } });
        story.pass(16_001);
        look(story);
      },
      (story) => {
        submit(story, 'r', undefined, { timeoutMs: 1_000 });
        story.pass(16_001);
        look(story);
      },
    ],
  },
  'P8.3': {
    holds(story) {
      atWork(story, { ...AGAIN, timeouts: { ...NO_TIMEOUTS, attemptMs: 1_000 } });
      story.pass(1_000);
      timeOut(story);
    },
    breaks: [
      (story) => {
        atWork(story, { ...AGAIN, timeouts: { ...NO_TIMEOUTS, attemptMs: 1_000 } });
        story.pass(999);
        timeOut(story);
      },
      (story) => {
        atWork(story, { ...AGAIN, timeouts: { ...NO_TIMEOUTS, heartbeatMs: 1_000 } });
        story.pass(900);
        progress(story, 'l1');
        story.pass(900);
        timeOut(story);
      },
      (story) => {
        atWork(story, { ...AGAIN, timeouts: { ...NO_TIMEOUTS, wholeMs: 1_000 } });
        story.pass(998);
        fail(story, StateReason.TASK_TIMEOUT);
      },
      (story) => {
        submit(story, 'r', undefined, { timeoutMs: 1_000 });
        story.pass(999);
        story.commit([plain('r', { case: 'runCancelling', value: { reason: StateReason.RUN_TIMEOUT } })]);
      },
    ],
  },
  'P8.4': {
    async holds(story) {
      over(story);
      await story.rest();
    },
    async breaks(story) {
      atWork(story);
      await story.rest();
    },
  },
  'P8.5': {
    async holds(story) {
      over(story);
      await story.rest();
    },
    async breaks(story) {
      over(story);
      story.forgetEvents();
      await story.rest();
    },
  },
});
