// P1: what was acknowledged is on disk, and stays there.

import { plainTask } from '../scenario/tasks.ts';
import { tellCases } from './cases-fixture.ts';
import {
  assignment,
  atWork,
  completed,
  deliver,
  kept,
  plain,
  register,
  report,
  requestOf,
  runCompleted,
  started,
  submission,
  submit,
  submitted,
} from './scenes-fixture.ts';
import type { Story } from './story-fixture.ts';

const TASKS = [plainTask('a', 'work')];

function signal(story: Story, between: () => void): void {
  const input = { runId: 'r', name: 'go', payload: { bytes: new Uint8Array(), contentType: '' } };
  const request = requestOf('s');
  story.call('SignalRun', { ...input, request }, { ok: true, value: { taskKey: '' } }, between);
}

const signalled = plain('r', { case: 'runSignalled', value: { name: 'go' } });

function add(story: Story, key: string): void {
  const by = { type: 'EXECUTOR', executorId: 'e', session: 'session of e' } as const;
  const input = { by, leaseToken: 'l1', tasks: [plainTask('b', 'work')], request: undefined };
  const value = { firstIndex: 1, taskKeys: [key] };
  story.call('AddTasks', input, { ok: true, value: { addedCount: 1 } }, () =>
    story.commit([{ run: 'r', tasks: [plainTask(key, 'work')], change: { case: 'tasksAdded', value } }]),
  );
}

tellCases({
  'P1.1': {
    holds: (story) => submit(story, 'r'),
    breaks: [
      (story) => {
        const reply = { ok: true, value: { runId: 'r', revision: 1, existed: false } } as const;
        story.call('SubmitRun', submission('r', TASKS), reply);
      },
      (story) => {
        const reply = { ok: true, value: { runId: 'r', revision: 1, existed: false } } as const;
        const others = [submitted('r', [plainTask('b', 'work')])];
        story.call('SubmitRun', submission('r', TASKS), reply, () =>
          story.commit(others, { requests: kept('submit-r', reply.value) }),
        );
      },
    ],
  },
  'P1.2': {
    holds(story) {
      submit(story, 'r');
      signal(story, () => story.commit([signalled], { requests: kept('s', { taskKey: '' }) }));
    },
    breaks: [
      (story) => {
        submit(story, 'r');
        signal(story, () => {});
      },
      (story) => {
        submit(story, 'r');
        signal(story, () => story.commit([signalled], { requests: kept('s', { taskKey: 'other' }) }));
      },
    ],
  },
  'P1.3': {
    holds(story) {
      atWork(story);
      report(story, 'l1', undefined, { events: [completed('a'), runCompleted()] });
      report(story, 'l1');
    },
    breaks(story) {
      atWork(story);
      report(story, 'l1', undefined, { status: 'RECORDED' });
    },
  },
  'P1.4': {
    holds(story) {
      atWork(story);
      add(story, 'b');
    },
    breaks(story) {
      atWork(story);
      add(story, 'c');
    },
  },
  'P1.5': {
    async holds(story) {
      submit(story, 'r');
      register(story, 'e');
      story.commit([started('r', 'a', 'l1')]);
      deliver(story, 'e', assignment('r', 'a', 'l1'));
      report(story, 'l1', undefined, { events: [completed('a'), runCompleted()] });
      await story.rest();
    },
    breaks: [
      async (story) => {
        story.commit([submitted('r', TASKS)], { kept: false });
        await story.rest();
      },
      async (story) => {
        const claim = { request: requestOf('c') };
        story.call('ClaimRequest', claim, { ok: true, value: true }, () =>
          story.commit([], { requests: kept('c', true), kept: false }),
        );
        await story.rest();
      },
    ],
  },
});
