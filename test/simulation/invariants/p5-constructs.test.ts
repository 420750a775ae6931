// P5, too: what a run has to do with other runs, with signals, and with what its tasks make for themselves.

import { StateReason } from '@tutti/proto/tutti/v1/state_reason_pb.ts';
import { AttemptState } from '@tutti/proto/tutti/v1/task_pb.ts';
import { DEFAULT_RETRY, PLAIN_FLOW } from '../../../services/orchestrator/src/domain/spec.ts';
import type { AttemptOutcome } from '../../../services/orchestrator/src/engine/inputs.ts';
import { plainRun, plainTask } from '../scenario/tasks.ts';
import { json } from '../world/work.ts';
import { tellCases } from './cases-fixture.ts';
import {
  atWork,
  cancelled,
  completed,
  kept,
  plain,
  ready,
  report,
  requestOf,
  runCompleted,
  submit,
  submitted,
} from './scenes-fixture.ts';
import type { Story, StoryEvent } from './story-fixture.ts';

const CHILD = 'r~0~1';

function parentRun(story: Story): void {
  const work = { type: 'CHILD_RUN', spec: 'inner', workflow: undefined } as const;
  const childSpecs = { inner: plainRun([plainTask('x', 'work')]) };
  submit(story, 'r', [plainTask('a', '', { work })], { childSpecs });
}

function childRun(attempt = 1): StoryEvent {
  const begun = submitted(CHILD, [plainTask('x', 'work')]);
  return { ...begun, parent: { runId: 'r', taskKey: 'a', attempt } };
}

function startsChild(childRunId = CHILD): StoryEvent {
  return plain('r', { case: 'taskStarted', value: { attempt: 1, childRunId } }, 'a');
}

function wait(story: Story): void {
  const work = { type: 'SIGNAL', name: 'go' } as const;
  submit(story, 'r', [plainTask('a', '', { work }), plainTask('b', '', { work })]);
  const start = (task: string) => plain('r', { case: 'taskStarted', value: { attempt: 1 } }, task);
  story.commit([ready('a'), start('a'), ready('b'), start('b')]);
}

function signal(story: Story, ...waits: readonly string[]): void {
  const payload = { bytes: new Uint8Array(), contentType: '' };
  const input = { runId: 'r', name: 'go', payload, request: requestOf('s') };
  const value = { taskKey: waits[0] ?? '' };
  const taken = waits.map((task) =>
    plain('r', { case: 'taskSignalled', value: { attempt: 1, name: 'go' } }, task),
  );
  story.call('SignalRun', input, { ok: true, value }, () =>
    story.commit([plain('r', { case: 'runSignalled', value: { name: 'go' } }), ...taken], {
      requests: kept('s', value),
    }),
  );
}

const FAILURE: AttemptOutcome = {
  type: 'Failed',
  error: { code: 'NET', message: '', details: undefined },
  final: false,
  retryAfterMs: undefined,
};
const exhausted = plain(
  'r',
  {
    case: 'taskFailed',
    value: {
      attempt: 1,
      attemptState: AttemptState.FAILED,
      reason: StateReason.ATTEMPTS_EXHAUSTED,
      error: { code: 'NET' },
    },
  },
  'a',
);

/** A list, the first item of which is there. */
function listed(story: Story): void {
  const foreach = {
    items: [json(0), json(1)],
    itemsExpression: '',
    maxParallel: 1,
    toleratedFailures: 0,
    toleratedShare: 0,
    siblings: 'STOP',
  } as const;
  submit(story, 'r', [plainTask('a', 'work', { flow: { ...PLAIN_FLOW, foreach } })]);
  const start = plain('r', { case: 'taskStarted', value: { attempt: 1 } }, 'a');
  const item = plainTask('a#0', 'work');
  const value = { owner: 'a', taskKeys: ['a#0'], firstIndex: 1 };
  const added: StoryEvent = { run: 'r', tasks: [item], change: { case: 'tasksAdded', value } };
  story.commit([ready('a'), start, added]);
}

tellCases({
  'P5.10': {
    holds(story) {
      parentRun(story);
      story.commit([ready('a'), startsChild(), childRun()]);
      const cancelled = (task: string) => plain(CHILD, { case: 'taskCancelled', value: {} }, task);
      story.commit([cancelled('x'), runCompleted(CHILD), completed('a'), runCompleted()]);
    },
    breaks: [
      (story) => {
        parentRun(story);
        story.commit([ready('a'), childRun()]);
      },
      (story) => {
        parentRun(story);
        story.commit([ready('a'), startsChild('another')]);
        story.commit([childRun()]);
      },
      (story) => {
        parentRun(story);
        story.commit([ready('a'), startsChild()]);
        story.commit([childRun()]);
      },
      (story) => {
        parentRun(story);
        story.commit([ready('a'), startsChild(), childRun()]);
        story.commit([completed('a')]);
      },
      (story) => {
        parentRun(story);
        story.commit([ready('a'), startsChild(), childRun()]);
        story.commit([plain('r', { case: 'taskCancelled', value: { attempt: 1 } }, 'a')]);
      },
    ],
  },
  'P5.12': {
    holds(story) {
      atWork(story, { retry: { ...DEFAULT_RETRY, maxAttempts: 1 } });
      report(story, 'l1', FAILURE, { events: [exhausted] });
    },
    breaks(story) {
      atWork(story, { retry: { ...DEFAULT_RETRY, maxAttempts: 2 } });
      report(story, 'l1', FAILURE, { events: [exhausted] });
    },
  },
  'P5.13': {
    holds(story) {
      listed(story);
      story.commit([cancelled('a', 1), cancelled('a#0')]);
    },
    breaks(story) {
      listed(story);
      story.commit([cancelled('a', 1)]);
    },
  },
  'P5.14': {
    holds(story) {
      atWork(story, { retry: { ...DEFAULT_RETRY, maxAttempts: 1 }, allowFailure: true });
      report(story, 'l1', FAILURE, { events: [exhausted, runCompleted()] });
    },
    breaks(story) {
      atWork(story, { retry: { ...DEFAULT_RETRY, maxAttempts: 1 } });
      report(story, 'l1', FAILURE, { events: [exhausted, runCompleted()] });
    },
  },
  'P5.11': {
    holds(story) {
      wait(story);
      signal(story, 'a');
    },
    breaks(story) {
      wait(story);
      signal(story, 'a', 'b');
    },
  },
});
