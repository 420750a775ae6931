// Runs that grow: tasks that come after their run was submitted.

import { describe, expect, it } from 'vitest';
import type { StoreUnderTest } from '../contract.ts';
import type { AddedTasks, NewTask } from '../port.ts';
import {
  batch,
  bytes,
  collect,
  event,
  NAMESPACE,
  newRun,
  newTasks,
  runStatus,
  SUBMITTED_AT_MS,
  submission,
  taskStatus,
} from './batches.ts';
import { expectStoreError } from './expect-store-error.ts';

const ALL = { states: [], after: -1, limit: 1_000 };
const ADDED_AT_MS = SUBMITTED_AT_MS + 1_000;

function added(first: number, keys: readonly string[], parts: Partial<AddedTasks> = {}): AddedTasks {
  const tasks = keys.map((key): NewTask => ({ key, spec: bytes(`spec of ${key}`), state: 'READY' }));
  return { run: 1, first, addedAtMs: ADDED_AT_MS, tasks, links: [], ...parts };
}

export function describeAddedTasks(test: StoreUnderTest): void {
  describe('tasks that are added', () => {
    const keysOf = async (run = 1): Promise<readonly string[]> =>
      (await test.store().listTasks(NAMESPACE, run, ALL)).map((task) => task.key);

    it('C.4: follow those that were there, and are found as those are', async () => {
      const { epoch } = await test.store().claim(NAMESPACE);
      await test.store().commit(submission(epoch, 1));
      const long = `${'ж'.repeat(200)}#9999@12`;
      const parts = { events: [event(2)], runs: [runStatus(1)] };
      await test.store().commit(batch(epoch, { ...parts, addedTasks: [added(2, ['each#0', long])] }));
      expect(await keysOf()).toEqual(['task-0', 'task-1', 'each#0', long]);
      expect(await test.store().getTask(NAMESPACE, 1, long)).toEqual({
        ...{ run: 1, task: 3, key: long, spec: bytes(`spec of ${long}`), state: 'READY', reason: 'NONE' },
        ...{ attemptCount: 0, firstReadyAtMs: ADDED_AT_MS, startedAtMs: undefined, endedAtMs: undefined },
        dependencies: undefined,
      });
      await test.store().commit(batch(epoch, { tasks: [taskStatus(1, 3)] }));
      expect(await test.store().getTask(NAMESPACE, 1, long)).toMatchObject(taskStatus(1, 3));
      const [page] = await test.store().listTasks(NAMESPACE, 1, { states: ['READY'], after: 0, limit: 5 });
      expect(page?.key).toBe('each#0');
    });

    it('come in several pieces, in the commit of their run too, with their states', async () => {
      const { epoch } = await test.store().claim(NAMESPACE);
      const first = added(2, ['a'], { run: 2 });
      await test.store().commit(
        batch(epoch, {
          events: [event(1), event(2, { run: 2 })],
          newRuns: [newRun(1, { tasks: [] }), newRun(2)],
          addedTasks: [first, added(0, ['b', 'c']), added(3, ['d'], { run: 2 })],
          runs: [runStatus(1), runStatus(2)],
          tasks: [taskStatus(2, 3, { state: 'COMPLETED' })],
        }),
      );
      expect(await keysOf(1)).toEqual(['b', 'c']);
      expect(await keysOf(2)).toEqual(['task-0', 'task-1', 'a', 'd']);
      expect((await test.store().getTask(NAMESPACE, 2, 'd'))?.state).toBe('COMPLETED');
    });

    it('are loaded with their run, by index', async () => {
      const { epoch } = await test.store().claim(NAMESPACE);
      await test.store().commit(submission(epoch, 1, { tasks: newTasks(12) }));
      const keys = Array.from({ length: 30 }, (_, i) => `each#${i}`);
      await test.store().commit(batch(epoch, { addedTasks: [added(12, keys)] }));
      const [run] = await collect(test.store().loadActiveRuns(NAMESPACE));
      const specs = [...newTasks(12).map((task) => task.spec), ...keys.map((key) => bytes(`spec of ${key}`))];
      expect(run?.taskSpecs).toEqual(specs);
    });

    it('F.4: bring links, which keep their origins', async () => {
      const { epoch } = await test.store().claim(NAMESPACE);
      for (const run of [1, 2, 3]) await test.store().commit(submission(epoch, run));
      const commit = (links: readonly string[], first: number) =>
        test.store().commit(batch(epoch, { addedTasks: [added(first, [`a${first}`], { links })] }));
      await commit(['run-2', 'run-3', 'run-2'], 2);
      await commit(['run-2'], 3);
      expect(await test.store().findLinkingRuns(NAMESPACE, 2, 9)).toEqual(['run-1']);
      expect(await test.store().findLinkingRuns(NAMESPACE, 3, 9)).toEqual(['run-1']);
      await expectStoreError(commit(['run-7'], 4), 'FAILED');
      expect(await keysOf()).toEqual(['task-0', 'task-1', 'a2', 'a3']);
    });

    it('S1: are refused whole where they leave a gap, repeat an index, or have no run', async () => {
      const { epoch } = await test.store().claim(NAMESPACE);
      await test.store().commit(submission(epoch, 1));
      const wrong = [
        [added(3, ['a'])],
        [added(1, ['a'])],
        [added(2, ['a', 'b']), added(3, ['c'])],
        [added(0, ['a'], { run: 7 })],
      ];
      for (const addedTasks of wrong) {
        const commit = batch(epoch, { events: [event(2)], addedTasks });
        await expectStoreError(test.store().commit(commit), 'FAILED');
      }
      expect(await keysOf()).toEqual(['task-0', 'task-1']);
      expect(await test.store().latestRevision(NAMESPACE)).toBe(1);
    });
  });
}
