// P7: slots, capabilities, and the limits of runs and lists hold at every moment.

import { EMPTY_PAYLOAD } from '../../../services/orchestrator/src/domain/payload.ts';
import { type Foreach, PLAIN_FLOW } from '../../../services/orchestrator/src/domain/spec.ts';
import { plainTask } from '../scenario/tasks.ts';
import { tellCases } from './cases-fixture.ts';
import { completed, heartbeat, plain, ready, register, report, started, submit } from './scenes-fixture.ts';
import type { Story } from './story-fixture.ts';

const TASKS = ['a', 'b', 'c'].map((key) => plainTask(key, 'work'));
const ONE_AT_ONCE = [{ name: 'work', version: '', maxConcurrency: 1 }];

function three(story: Story): void {
  submit(story, 'r', TASKS);
}

/** With room for two at once, and all of them waiting for that. */
function limited(story: Story): void {
  const tasks = TASKS.map((task) => ({ ...task, flow: { ...PLAIN_FLOW, startDelayMs: 1 } }));
  submit(story, 'r', tasks, { maxParallel: 2 });
  story.pass(1);
  story.commit([ready('a'), ready('b')]);
}

function list(story: Story, keys: readonly string[]): void {
  const flow = { ...PLAIN_FLOW, foreach: listOf(3) };
  submit(story, 'r', [plainTask('a', 'work', { flow })]);
  const items = keys.map((key) => plainTask(key, 'work'));
  story.commit([
    ready('a'),
    plain('r', { case: 'taskStarted', value: { attempt: 1 } }, 'a'),
    plain('r', { case: 'taskExpanded', value: { itemCount: 3 } }, 'a'),
    {
      run: 'r',
      tasks: items,
      change: { case: 'tasksAdded', value: { firstIndex: 1, taskKeys: [...keys], owner: 'a' } },
    },
  ]);
}

function listOf(count: number): Foreach {
  const items = Array.from({ length: count }, () => EMPTY_PAYLOAD);
  const rest = { toleratedFailures: 0, toleratedShare: 0, siblings: 'CONTINUE' } as const;
  return { items, itemsExpression: '', maxParallel: 2, ...rest };
}

tellCases({
  'P7.1': {
    holds(story) {
      three(story);
      register(story, 'e');
      story.commit([started('r', 'a', 'l1'), started('r', 'b', 'l2')]);
      report(story, 'l1', undefined, { events: [completed('a'), started('r', 'c', 'l3')] });
    },
    breaks(story) {
      three(story);
      register(story, 'e');
      story.commit([started('r', 'a', 'l1'), started('r', 'b', 'l2'), started('r', 'c', 'l3')]);
    },
  },
  'P7.2': {
    holds(story) {
      three(story);
      register(story, 'e', { capabilities: ONE_AT_ONCE });
      story.commit([started('r', 'a', 'l1')]);
      report(story, 'l1', undefined, { events: [completed('a'), started('r', 'b', 'l2')] });
    },
    breaks(story) {
      three(story);
      register(story, 'e', { capabilities: ONE_AT_ONCE });
      story.commit([started('r', 'a', 'l1')]);
      story.commit([started('r', 'b', 'l2')]);
    },
  },
  'P7.3': {
    holds(story) {
      three(story);
      register(story, 'e');
      story.commit([started('r', 'a', 'l1')]);
    },
    breaks: [
      (story) => {
        three(story);
        story.commit([started('r', 'a', 'l1')]);
      },
      (story) => {
        three(story);
        register(story, 'e', { capabilities: [{ name: 'other', version: '', maxConcurrency: 0 }] });
        story.commit([started('r', 'a', 'l1')]);
      },
      (story) => {
        three(story);
        register(story, 'e');
        story.see({ type: 'ProcessStarted', process: 2, skewMs: 0 });
        story.commit([started('r', 'a', 'l1')], { process: 2 });
      },
    ],
  },
  'P7.4': {
    holds(story) {
      three(story);
      register(story, 'e');
      heartbeat(story, [], {}, 'DRAINING');
      heartbeat(story, []);
      story.commit([started('r', 'a', 'l1')]);
    },
    breaks: [
      (story) => {
        three(story);
        register(story, 'e');
        heartbeat(story, [], {}, 'DRAINING');
        story.commit([started('r', 'a', 'l1')]);
      },
      (story) => {
        three(story);
        register(story, 'e', { phase: 'DRAINING' });
        story.commit([started('r', 'a', 'l1')]);
      },
    ],
  },
  'P7.5': {
    holds: (story) => limited(story),
    breaks(story) {
      limited(story);
      story.commit([ready('c')]);
    },
  },
  'P7.6': {
    holds: (story) => list(story, ['a#0', 'a#1']),
    breaks: (story) => list(story, ['a#0', 'a#1', 'a#2']),
  },
});
