// P2: every change of state happens once, has its place in one order, and is one that the state machine has.

import type { CommitBatch } from '../../../services/orchestrator/src/store/port.ts';
import { plainTask } from '../scenario/tasks.ts';
import { tellCases } from './cases-fixture.ts';
import {
  atWork,
  completed,
  kept,
  plain,
  register,
  report,
  requestOf,
  runCompleted,
  started,
  submit,
  submitted,
} from './scenes-fixture.ts';
import { NAMESPACE, type Story } from './story-fixture.ts';

const TASKS = [plainTask('a', 'work')];
const paused = plain('r', { case: 'runPaused', value: {} });
const resumed = plain('r', { case: 'runResumed', value: {} });
const held = plain('r', { case: 'taskHeld', value: {} }, 'a');

function over(story: Story): void {
  atWork(story);
  report(story, 'l1', undefined, { events: [completed('a'), runCompleted()] });
}

function askPause(story: Story, requestId: string, between: () => void): void {
  const input = { runId: 'r', message: '', request: requestOf(requestId) };
  story.call('PauseRun', input, { ok: true, value: true }, between);
}

/** Run number 1. */
function changed(story: Story, type: 'ARCHIVE' | 'DELETE'): void {
  const change = { namespace: NAMESPACE, epoch: 1, run: 1, action: { type }, requests: [] };
  story.see({ type: 'RunChanged', process: 1, change });
}

const asTask = (key: string) => (batch: CommitBatch) => ({
  ...batch,
  events: batch.events.map((event) => ({ ...event, task: key === 'a' ? 0 : 7 })),
});

tellCases({
  'P2.1': {
    holds(story) {
      submit(story, 'r');
      submit(story, 's');
    },
    breaks: [
      (story) => {
        story.commit([{ ...submitted('r', TASKS), revision: 2 }], { kept: false });
      },
      (story) => {
        story.commit([submitted('r', TASKS)]);
        story.commit([{ ...submitted('s', TASKS), revision: 1 }], { kept: false });
      },
    ],
  },
  'P2.2': {
    holds(story) {
      submit(story, 'r');
      story.see({ type: 'ProcessStarted', process: 2, skewMs: 0 });
      story.commit([submitted('s', TASKS)], { process: 2 });
    },
    breaks: [
      (story) => {
        story.see({ type: 'Claimed', process: 2, namespace: NAMESPACE, epoch: 2 });
        story.commit([submitted('r', TASKS)], { process: 1 });
      },
      (story) => {
        story.commit([submitted('r', TASKS)], { process: 2 });
        story.commit([submitted('s', TASKS)], { process: 1 });
      },
      (story) => {
        story.commit([submitted('r', TASKS)], { process: 2 });
        story.commit([submitted('s', TASKS)], { process: 1, spoil: (batch) => ({ ...batch, epoch: 2 }) });
      },
    ],
  },
  'P2.3': {
    holds: (story) => atWork(story),
    breaks: [
      (story) => {
        submit(story, 'r');
        register(story, 'e');
        story.commit([started('r', 'a', 'l1')], { spoil: asTask('b'), kept: false });
      },
      (story) => {
        submit(story, 'r');
        story.commit([paused], { spoil: asTask('a'), kept: false });
      },
      (story) => {
        story.commit([submitted('r', TASKS)], { spoil: (batch) => ({ ...batch, newRuns: [] }), kept: false });
      },
    ],
  },
  'P2.4': {
    holds: over,
    breaks: [
      (story) => {
        submit(story, 'r');
        story.commit([completed('a')]);
      },
      (story) => {
        submit(story, 'r');
        story.commit([held]);
      },
      (story) => {
        submit(story, 'r');
        register(story, 'e');
        story.commit([started('r', 'a', 'l1', { attempt: 2 })]);
      },
      (story) => {
        atWork(story);
        report(story, 'l1', undefined, { events: [completed('a', { attempt: 2 })] });
      },
    ],
  },
  'P2.5': {
    holds: over,
    breaks: [
      (story) => {
        over(story);
        story.commit([paused]);
      },
      (story) => {
        over(story);
        story.commit([runCompleted()]);
      },
      (story) => {
        submit(story, 'r');
        story.commit([resumed]);
      },
      (story) => {
        over(story);
        story.commit([plain('r', { case: 'taskProgressed', value: { attempt: 1 } }, 'a')]);
      },
      (story) => {
        over(story);
        changed(story, 'ARCHIVE');
        story.commit([plain('r', { case: 'runRestarted', value: {} })]);
      },
      (story) => {
        atWork(story);
        changed(story, 'DELETE');
      },
      (story) => {
        over(story);
        changed(story, 'ARCHIVE');
        changed(story, 'DELETE');
      },
    ],
  },
  'P2.6': {
    holds: over,
    breaks: [
      (story) => {
        story.commit([submitted('r', TASKS)], { spoil: (batch) => ({ ...batch, runs: [] }), kept: false });
      },
      (story) => {
        const spoil = (batch: CommitBatch) => {
          return { ...batch, runs: batch.runs.map((row) => ({ ...row, lastRevision: 0 })) };
        };
        story.commit([submitted('r', TASKS)], { spoil });
      },
      (story) => {
        submit(story, 'r');
        register(story, 'e');
        const spoil = (batch: CommitBatch) => {
          return { ...batch, tasks: batch.tasks.map((row) => ({ ...row, state: 'READY' as const })) };
        };
        story.commit([started('r', 'a', 'l1')], { spoil });
      },
    ],
  },
  'P2.7': {
    holds(story) {
      submit(story, 'r');
      askPause(story, 'p', () => story.commit([paused], { requests: kept('p', true) }));
      askPause(story, 'q', () => story.commit([], { requests: kept('q', true) }));
    },
    breaks: [
      (story) => {
        submit(story, 'r');
        askPause(story, 'p', () => story.commit([], { requests: kept('p', true) }));
      },
      (story) => {
        submit(story, 'r');
        askPause(story, 'p', () => story.commit([paused], { requests: kept('p', true) }));
        story.commit([], { requests: kept('p', true) });
      },
      (story) => {
        submit(story, 'r');
        story.commit([paused]);
      },
    ],
  },
  'P2.8': {
    holds: over,
    breaks(story) {
      submit(story, 'r');
      register(story, 'e');
      story.commit([{ ...started('r', 'a', 'l1'), timeMs: story.nowMs() - 1 }]);
    },
  },
  'P2.9': {
    async holds(story) {
      over(story);
      await story.rest();
    },
    async breaks(story) {
      over(story);
      story.damage();
      await story.rest();
    },
  },
});
