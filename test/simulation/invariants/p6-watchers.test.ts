// P6: who watches gets every durable event of what is watched, in order, once, over however many streams.

import { tellCases } from './cases-fixture.ts';
import { atWork, completed, report, runCompleted, submit } from './scenes-fixture.ts';
import { NAMESPACE, type Story } from './story-fixture.ts';

/** Four events of run r, which is over, then one of run s. */
function past(story: Story): void {
  atWork(story);
  report(story, 'l1', undefined, { events: [completed('a'), runCompleted()] });
  submit(story, 's');
}

function grant(story: Story, stream: number, runId?: string, afterRevision?: number): void {
  story.see({ type: 'WatchGranted', watcher: 'w', stream, namespace: NAMESPACE, runId, afterRevision });
}

function page(
  story: Story,
  stream: number,
  revisions: readonly number[],
  upTo = revisions.at(-1) ?? 0,
): void {
  const events = revisions.map((revision) => story.payload(revision));
  story.see({ type: 'Watched', watcher: 'w', stream, page: { events, revision: upTo } });
}

tellCases({
  'P6.1': {
    holds(story) {
      past(story);
      grant(story, 1, 'r');
      page(story, 1, [1, 2]);
      grant(story, 2, 'r', 2);
      page(story, 2, [3, 4]);
    },
    breaks: [
      (story) => {
        past(story);
        grant(story, 1, 'r');
        page(story, 1, [1, 2]);
        grant(story, 2, 'r', 2);
        page(story, 2, [2, 3]);
      },
      (story) => {
        past(story);
        grant(story, 1, 'r');
        page(story, 1, [1, 1]);
      },
      (story) => {
        past(story);
        grant(story, 1, 'r');
        grant(story, 2, 'r');
        page(story, 1, [1]);
      },
    ],
  },
  'P6.2': {
    holds(story) {
      past(story);
      const action = { type: 'DELETE' } as const;
      const change = { namespace: NAMESPACE, epoch: 1, run: 1, action, requests: [] };
      grant(story, 1, undefined, 0);
      story.see({ type: 'RunChanged', process: 1, change });
      page(story, 1, [1, 2]);
      page(story, 1, [5]);
    },
    breaks: [
      (story) => {
        past(story);
        grant(story, 1, 'r');
        page(story, 1, [1, 3]);
      },
      (story) => {
        past(story);
        grant(story, 1, undefined, 0);
        page(story, 1, [1, 2, 3, 4], 5);
      },
      (story) => {
        past(story);
        grant(story, 1, 'r');
        page(story, 1, [1, 2]);
        grant(story, 2, 'r', 2);
        page(story, 2, [4]);
      },
    ],
  },
  'P6.3': {
    holds(story) {
      past(story);
      grant(story, 1, 's');
      page(story, 1, [5]);
    },
    breaks(story) {
      past(story);
      grant(story, 1, 's');
      page(story, 1, [4, 5]);
    },
  },
  'P6.4': {
    holds(story) {
      past(story);
      grant(story, 1, 'r');
      page(story, 1, [1, 2, 3, 4], 5);
    },
    breaks: [
      (story) => {
        past(story);
        grant(story, 1, 'r');
        page(story, 1, [1, 2], 1);
      },
      (story) => {
        past(story);
        grant(story, 1, 'r');
        page(story, 1, [1, 2, 3, 4], 6);
      },
    ],
  },
  'P6.5': {
    holds(story) {
      past(story);
      grant(story, 1, 'r');
      page(story, 1, [1, 2, 3, 4]);
      story.see({ type: 'WatchEnded', watcher: 'w', stream: 1 });
    },
    breaks(story) {
      past(story);
      grant(story, 1, 'r');
      page(story, 1, [1, 2]);
      story.see({ type: 'WatchEnded', watcher: 'w', stream: 1 });
    },
  },
  'P6.6': {
    async holds(story) {
      atWork(story);
      grant(story, 1);
      page(story, 1, [], 2);
      report(story, 'l1', undefined, { events: [completed('a'), runCompleted()] });
      page(story, 1, [3, 4]);
      await story.rest();
    },
    async breaks(story) {
      atWork(story);
      grant(story, 1);
      page(story, 1, [], 2);
      report(story, 'l1', undefined, { events: [completed('a'), runCompleted()] });
      page(story, 1, [3]);
      await story.rest();
    },
  },
});
