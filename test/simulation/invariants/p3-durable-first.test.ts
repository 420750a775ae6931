// P3: nothing leaves before it is durable, and what leaves is what is durable.

import { edge, plainTask } from '../scenario/tasks.ts';
import { json } from '../world/work.ts';
import { tellCases } from './cases-fixture.ts';
import {
  assignment,
  atWork,
  completed,
  DONE,
  deliver,
  heartbeat,
  plain,
  ready,
  register,
  report,
  started,
  submit,
} from './scenes-fixture.ts';
import { NAMESPACE, type Story } from './story-fixture.ts';

function publish(story: Story, ...events: readonly Uint8Array[]): void {
  story.see({ type: 'Published', process: 1, namespace: NAMESPACE, events });
}

function watch(story: Story, ...events: readonly Uint8Array[]): void {
  const watcher = { watcher: 'w', stream: 1 };
  story.see({ type: 'WatchGranted', ...watcher, namespace: NAMESPACE, runId: 'r', afterRevision: undefined });
  story.see({ type: 'Watched', ...watcher, page: { events, revision: events.length } });
}

/** As another event of the same place would look. */
function altered(payload: Uint8Array): Uint8Array {
  const copy = payload.slice();
  copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1;
  return copy;
}

function tellToStop(story: Story, graceMs: number, executorId = 'e'): void {
  const cancellation = { leaseToken: 'l1', reason: 'CANCEL_REQUESTED', graceMs } as const;
  const delivery = { type: 'Cancel', executorId, capability: 'work', cancellation } as const;
  story.see({ type: 'Delivered', process: 1, namespace: NAMESPACE, delivery });
}

const cancelling = plain('r', { case: 'taskCancelling', value: {} }, 'a');

/** Task b is given out, after a has completed. */
function secondAtWork(story: Story): void {
  const dependencies = [edge('a', 'SUCCESS')];
  submit(story, 'r', [plainTask('a', 'work'), plainTask('b', 'work', { dependencies })]);
  register(story, 'e');
  story.pass(1);
  story.commit([started('r', 'a', 'l1')]);
  report(story, 'l1', DONE, { events: [completed('a'), ready('b'), started('r', 'b', 'l2')] });
}

function upstream(state: 'COMPLETED' | 'FAILED', result: string) {
  return { key: 'a', alias: '', state, result: json(result), error: undefined } as const;
}

tellCases({
  'P3.1': {
    holds(story) {
      atWork(story);
      publish(story, story.payload(1), story.payload(2));
    },
    breaks: [
      (story) => {
        atWork(story);
        publish(story, story.payload(1), altered(story.payload(2)));
      },
      (story) => {
        atWork(story);
        publish(story, story.payload(2), story.payload(1));
      },
      (story) => {
        atWork(story);
        publish(story, story.payload(1), story.payload(1));
      },
      (story) => {
        submit(story, 'r');
        // Of revision 2, which is not there.
        publish(story, Uint8Array.of(8, 2));
      },
    ],
  },
  'P3.2': {
    holds(story) {
      atWork(story);
      story.see({ type: 'WorkBegan', executorId: 'e', leaseToken: 'l1', namespace: NAMESPACE });
      heartbeat(story, [], { missing: [assignment('r', 'a', 'l1')] });
    },
    breaks: [
      (story) => {
        submit(story, 'r');
        register(story, 'e');
        deliver(story, 'e', assignment('r', 'a', 'l1'));
      },
      (story) => {
        atWork(story);
        deliver(story, 'f', assignment('r', 'a', 'l1'));
      },
      (story) => {
        atWork(story);
        deliver(story, 'e', assignment('r', 'a', 'l1', { attempt: 2 }));
      },
      (story) => {
        atWork(story);
        deliver(story, 'e', assignment('r', 'a', 'l1', { capability: 'other' }));
      },
      (story) => {
        atWork(story);
        heartbeat(story, [], { missing: [assignment('r', 'a', 'l2')] });
      },
      (story) => {
        submit(story, 'r');
        story.see({ type: 'WorkBegan', executorId: 'e', leaseToken: 'l1', namespace: NAMESPACE });
      },
    ],
  },
  'P3.5': {
    holds(story) {
      secondAtWork(story);
      deliver(story, 'e', assignment('r', 'b', 'l2', { dependencies: [upstream('COMPLETED', 'done')] }));
    },
    breaks: [
      (story) => {
        secondAtWork(story);
        deliver(story, 'e', assignment('r', 'b', 'l2', { dependencies: [upstream('COMPLETED', 'other')] }));
      },
      (story) => {
        secondAtWork(story);
        deliver(story, 'e', assignment('r', 'b', 'l2', { dependencies: [upstream('FAILED', 'done')] }));
      },
    ],
  },
  'P3.3': {
    holds(story) {
      atWork(story);
      story.commit([cancelling]);
      tellToStop(story, 1_000);
    },
    breaks: [
      (story) => {
        atWork(story);
        tellToStop(story, 1_000);
      },
      (story) => {
        atWork(story);
        story.commit([cancelling]);
        tellToStop(story, 0);
      },
      (story) => {
        atWork(story);
        story.commit([cancelling]);
        tellToStop(story, 1_000, 'f');
      },
      (story) => {
        submit(story, 'r');
        register(story, 'e', { held: ['l1'] }, ['l1']);
      },
    ],
  },
  'P3.4': {
    holds(story) {
      atWork(story);
      watch(story, story.payload(1), story.payload(2));
    },
    breaks: [
      (story) => {
        submit(story, 'r');
        register(story, 'e');
        watch(story, story.payload(1), Uint8Array.of(8, 2));
        story.commit([started('r', 'a', 'l1')]);
      },
      (story) => {
        atWork(story);
        watch(story, altered(story.payload(1)), story.payload(2));
      },
    ],
  },
});
