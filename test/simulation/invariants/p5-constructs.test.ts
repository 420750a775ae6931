// P5, too: what a run has to do with other runs, and with signals from outside.

import { plainRun, plainTask } from '../scenario/tasks.ts';
import { tellCases } from './cases-fixture.ts';
import {
  completed,
  kept,
  plain,
  ready,
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
    ],
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
