// Looking tasks up: one by key, some by state, in pages by index.

import { describe, expect, it } from 'vitest';
import type { StateReason, TaskState } from '../../domain/states.ts';
import type { StoreUnderTest } from '../contract.ts';
import type { TaskRow } from '../port.ts';
import {
  batch,
  bytes,
  event,
  NAMESPACE,
  newTasks,
  SUBMITTED_AT_MS,
  submission,
  taskStatus,
} from './batches.ts';

const ALL = { states: [], after: -1, limit: 1_000 };
const STATES: readonly TaskState[] = [
  ...(['WAITING', 'READY', 'RUNNING', 'RETRYING', 'COMPLETED', 'FAILED', 'CANCELLED', 'SKIPPED'] as const),
];
const REASONS: readonly StateReason[] = [
  'NONE',
  'UPSTREAM_FAILED',
  'ATTEMPTS_EXHAUSTED',
  'TASK_TIMEOUT',
  'ATTEMPT_LOST',
];

export function describeTasks(test: StoreUnderTest): void {
  describe('tasks', () => {
    it('gives back tasks that have not moved: a READY one got so with its run', async () => {
      const { epoch } = await test.store().claim(NAMESPACE);
      await test.store().commit(submission(epoch, 1));
      const untouched = {
        run: 1,
        reason: 'NONE',
        attemptCount: 0,
        startedAtMs: undefined,
        endedAtMs: undefined,
        dependencies: undefined,
      } as const;
      const first: TaskRow = {
        ...untouched,
        task: 0,
        key: 'task-0',
        spec: bytes('spec 0'),
        state: 'READY',
        firstReadyAtMs: SUBMITTED_AT_MS + 1,
      };
      const second: TaskRow = {
        ...untouched,
        task: 1,
        key: 'task-1',
        spec: bytes('spec 1'),
        state: 'WAITING',
        firstReadyAtMs: undefined,
      };
      expect(await test.store().getTask(NAMESPACE, 1, 'task-0')).toEqual(first);
      expect(await test.store().listTasks(NAMESPACE, 1, ALL)).toEqual([first, second]);
    });

    it('keeps the dependencies that a task has got since, as long as they are said', async () => {
      const { epoch } = await test.store().claim(NAMESPACE);
      await test.store().commit(submission(epoch, 1));
      const changed = taskStatus(1, 1, { dependencies: bytes('others') });
      await test.store().commit(batch(epoch, { tasks: [changed] }));
      expect(await test.store().getTask(NAMESPACE, 1, 'task-1')).toMatchObject(changed);
      expect((await test.store().listTasks(NAMESPACE, 1, ALL)).map((each) => each.dependencies)).toEqual([
        undefined,
        bytes('others'),
      ]);
      await test.store().commit(batch(epoch, { tasks: [taskStatus(1, 1, { dependencies: bytes('') })] }));
      expect((await test.store().getTask(NAMESPACE, 1, 'task-1'))?.dependencies).toEqual(bytes(''));
    });

    it('gives back a task as the last commit left it, also in the commit that brought it', async () => {
      const { epoch } = await test.store().claim(NAMESPACE);
      await test.store().commit({ ...submission(epoch, 1), tasks: [taskStatus(1, 0)] });
      const known = { key: 'task-0', spec: bytes('spec 0') };
      expect(await test.store().getTask(NAMESPACE, 1, 'task-0')).toEqual({ ...taskStatus(1, 0), ...known });
      const failed = taskStatus(1, 0, {
        state: 'FAILED',
        reason: 'ATTEMPTS_EXHAUSTED',
        attemptCount: 6,
        endedAtMs: SUBMITTED_AT_MS + 30,
      });
      await test.store().commit(batch(epoch, { events: [event(2, { task: 0 })], tasks: [failed] }));
      expect(await test.store().getTask(NAMESPACE, 1, 'task-0')).toEqual({ ...failed, ...known });
      const moved = taskStatus(1, 0, { firstReadyAtMs: undefined, startedAtMs: undefined, state: 'SKIPPED' });
      await test.store().commit(batch(epoch, { events: [event(3, { task: 0 })], tasks: [moved] }));
      expect(await test.store().getTask(NAMESPACE, 1, 'task-0')).toEqual({ ...moved, ...known });
    });

    it('knows every state, and finds tasks by it', async () => {
      const { epoch } = await test.store().claim(NAMESPACE);
      await test.store().commit(submission(epoch, 1, { tasks: newTasks(24) }));
      const tasks = Array.from({ length: 24 }, (_, i) =>
        taskStatus(1, i, { state: STATES[i % 8] ?? 'WAITING', reason: REASONS[i % 5] ?? 'NONE' }),
      );
      await test.store().commit(batch(epoch, { tasks }));
      const listed = await test.store().listTasks(NAMESPACE, 1, ALL);
      expect(listed.map(({ key: _key, spec: _spec, ...status }) => status)).toEqual(tasks);
      for (const [i, state] of STATES.entries()) {
        const found = await test.store().listTasks(NAMESPACE, 1, { ...ALL, states: [state] });
        expect(found.map((task) => task.task)).toEqual([i, i + 8, i + 16]);
      }
      const some = await test
        .store()
        .listTasks(NAMESPACE, 1, { states: ['FAILED', 'READY'], after: 5, limit: 3 });
      expect(some.map((task) => task.task)).toEqual([9, 13, 17]);
    });

    it('keeps a run of 10,000 tasks, unicode keys and 256 KiB specifications among them', async () => {
      const { epoch } = await test.store().claim(NAMESPACE);
      const tasks = newTasks(10_000);
      const large = Uint8Array.from({ length: 256 * 1024 }, (_, i) => (i * 17) % 253);
      tasks[5_000] = { key: 'Ключ 😀/\u00e9', spec: large, state: 'WAITING' };
      await test.store().commit(submission(epoch, 1, { tasks }));
      expect((await test.store().getTask(NAMESPACE, 1, 'task-9999'))?.task).toBe(9_999);
      expect(await test.store().getTask(NAMESPACE, 1, 'Ключ 😀/\u00e9')).toMatchObject({
        task: 5_000,
        spec: large,
      });
      expect(await test.store().getTask(NAMESPACE, 1, 'Ключ 😀/e\u0301')).toBeUndefined();
      const read: TaskRow[] = [];
      for (let after = -1; after < 9_999; after = read.at(-1)?.task ?? -1) {
        const page = await test.store().listTasks(NAMESPACE, 1, { states: [], after, limit: 3_000 });
        expect(page.length).toBeGreaterThan(0);
        read.push(...page);
      }
      expect(read.map(({ key, spec }) => ({ key, spec }))).toEqual(
        tasks.map(({ key, spec }) => ({ key, spec })),
      );
    });

    it('finds nothing where there is nothing', async () => {
      expect(await test.store().getTask('nowhere', 1, 'task-0')).toBeUndefined();
      expect(await test.store().listTasks('nowhere', 1, ALL)).toEqual([]);
      await test.store().claim(NAMESPACE);
      expect(await test.store().listTasks(NAMESPACE, 1, ALL)).toEqual([]);
    });
  });
}
