// Looking runs up: one, some by filter, in pages, the latest first.

import { beforeEach, describe, expect, it } from 'vitest';
import type { RunPhase } from '../../domain/states.ts';
import type { StoreUnderTest } from '../contract.ts';
import type { RunFilter, RunNumber } from '../port.ts';
import {
  batch,
  counts,
  event,
  NAMESPACE,
  newRun,
  runStatus,
  SUBMITTED_AT_MS,
  submission,
} from './batches.ts';

const ALL: RunFilter = {
  phases: [],
  labels: {},
  submittedFromMs: undefined,
  submittedBeforeMs: undefined,
  before: undefined,
  limit: 1_000,
};
const PHASES: readonly RunPhase[] = ['RUNNING', 'CANCELLING', 'COMPLETED', 'FAILED', 'CANCELLED'];
const ALL_PHASES: readonly RunPhase[] = [...PHASES, 'COMPENSATING'];

export function describeRuns(test: StoreUnderTest): void {
  describe('runs', () => {
    it('gives back a run as it was submitted and as it stands', async () => {
      const { epoch } = await test.store().claim(NAMESPACE);
      const labels = { team: 'streicher', 'a/b': '', __proto__x: 'y', ключ: '値 😀 "quoted" \\ \'' };
      const name = 'Größe 😀\u0000 末';
      await test.store().commit(submission(epoch, 1, { name, labels }));
      const { tasks: _tasks, record: _record, links: _links, ...rest } = newRun(1, { name, labels });
      const submitted = { ...rest, archived: false };
      expect(await test.store().getRun(NAMESPACE, 'run-1')).toEqual({ ...runStatus(1), ...submitted });

      const status = runStatus(1, {
        phase: 'FAILED',
        reason: 'TASK_FAILED',
        message: 'was\nnichts 😀',
        endedAtMs: SUBMITTED_AT_MS + 99,
        lastRevision: 2,
        failedTask: 'task-1',
        counts: counts({ COMPLETED: 1, FAILED: 2, RETRYING: 3, SKIPPED: 100_000 }),
      });
      await test.store().commit(batch(epoch, { events: [event(2)], runs: [status] }));
      expect(await test.store().getRun(NAMESPACE, 'run-1')).toEqual({ ...submitted, ...status });
    });

    it('F.2: knows whether a run is paused', async () => {
      const { epoch } = await test.store().claim(NAMESPACE);
      await test.store().commit({ ...submission(epoch, 1), runs: [runStatus(1, { paused: true })] });
      expect((await test.store().getRun(NAMESPACE, 'run-1'))?.paused).toBe(true);
      await test.store().commit(batch(epoch, { runs: [runStatus(1, { paused: false })] }));
      expect((await test.store().getRun(NAMESPACE, 'run-1'))?.paused).toBe(false);
    });

    it('C.7: knows the task that a run was started by', async () => {
      const { epoch } = await test.store().claim(NAMESPACE);
      const parent = { runId: 'run-1', taskKey: 'каждый#12@3', attempt: 4 };
      await test.store().commit(submission(epoch, 1));
      await test.store().commit(submission(epoch, 2, { parent }));
      await test.store().commit(batch(epoch, { runs: [runStatus(2, { phase: 'COMPLETED' })] }));
      expect((await test.store().getRun(NAMESPACE, 'run-1'))?.parent).toBeUndefined();
      expect((await test.store().getRun(NAMESPACE, 'run-2'))?.parent).toEqual(parent);
    });

    it('gives back a run that ended in the commit that brought it', async () => {
      const { epoch } = await test.store().claim(NAMESPACE);
      await test.store().commit({ ...submission(epoch, 1), runs: [runStatus(1, { phase: 'CANCELLED' })] });
      expect((await test.store().getRun(NAMESPACE, 'run-1'))?.phase).toBe('CANCELLED');
      expect(await test.store().activeNamespaces()).toEqual([]);
    });

    it('finds which run ids exist, final ones too', async () => {
      const { epoch } = await test.store().claim(NAMESPACE);
      await test.store().commit(submission(epoch, 1));
      await test.store().commit(submission(epoch, 2));
      await test.store().commit(batch(epoch, { runs: [runStatus(2, { phase: 'COMPLETED' })] }));
      const found = await test.store().findRunIds(NAMESPACE, ['run-2', 'run-3', 'run-1', 'run-1', 'RUN-1']);
      expect(found).toEqual(
        new Map([
          ['run-2', 2],
          ['run-1', 1],
        ]),
      );
      expect(await test.store().findRunIds('nowhere', ['run-1'])).toEqual(new Map());
      expect(await test.store().getRun(NAMESPACE, 'run-3')).toBeUndefined();
      expect(await test.store().getRun('nowhere', 'run-1')).toBeUndefined();
    });

    it('C.7: finds a run that a run of some id has started, or that one of those has', async () => {
      const { epoch } = await test.store().claim(NAMESPACE);
      for (const [index, runId] of ['a~0~1', 'ab~0~1', 'b~3~1~0~2', 'c', 'd-1', 'D~1~1'].entries()) {
        await test.store().commit(submission(epoch, index + 1, { runId }));
      }
      const found = (runId: string) => test.store().findStartedRun(NAMESPACE, runId);
      expect(await Promise.all(['a', 'b', 'a~0~1'].map(found))).toEqual(['a~0~1', 'b~3~1~0~2', undefined]);
      expect(await Promise.all(['c', 'd', 'x', '_', '%'].map(found))).toEqual(Array(5).fill(undefined));
      expect(await test.store().findStartedRun('nowhere', 'a')).toBeUndefined();
    });

    it('knows every phase and reason of a run', async () => {
      const { epoch } = await test.store().claim(NAMESPACE);
      await test.store().commit(submission(epoch, 1));
      for (const phase of ALL_PHASES) {
        await test.store().commit(batch(epoch, { runs: [runStatus(1, { phase, reason: 'RUN_TIMEOUT' })] }));
        expect(await test.store().getRun(NAMESPACE, 'run-1')).toMatchObject({ phase, reason: 'RUN_TIMEOUT' });
      }
    });
  });

  describe('lists of runs', () => {
    const list = async (filter: Partial<RunFilter>): Promise<RunNumber[]> =>
      (await test.store().listRuns(NAMESPACE, { ...ALL, ...filter })).map((run) => run.run);

    // Runs 1 to 20; phases in turn; every second of team a, every third urgent.
    beforeEach(async () => {
      const { epoch } = await test.store().claim(NAMESPACE);
      const numbers = Array.from({ length: 20 }, (_, i) => i + 1);
      const labelsOf = (run: number) => ({
        team: run % 2 === 0 ? 'a' : 'b',
        ...(run % 3 === 0 ? { urgent: 'yes' } : {}),
      });
      const phaseOf = (run: number): RunPhase => PHASES[run % PHASES.length] ?? 'RUNNING';
      await test.store().commit(
        batch(epoch, {
          events: numbers.map((run) => event(run, { run })),
          newRuns: numbers.map((run) => newRun(run, { labels: labelsOf(run) })),
          runs: numbers.map((run) => runStatus(run, { phase: phaseOf(run) })),
        }),
      );
      const other = await test.store().claim('elsewhere');
      const elsewhere = submission(other.epoch, 1, { labels: { team: 'a', urgent: 'yes' } });
      await test.store().commit({ ...elsewhere, namespace: 'elsewhere' });
    });

    it('has the latest first, in pages without gap or repetition', async () => {
      const read: RunNumber[] = [];
      for (
        let page = await list({ limit: 6 });
        page.length > 0;
        page = await list({ limit: 6, before: read.at(-1) })
      ) {
        expect(page.length).toBeLessThanOrEqual(6);
        read.push(...page);
      }
      expect(read).toEqual(Array.from({ length: 20 }, (_, i) => 20 - i));
      expect(await test.store().listRuns('nowhere', ALL)).toEqual([]);
    });

    it('filters by phases', async () => {
      expect(await list({ phases: ['COMPLETED'] })).toEqual([17, 12, 7, 2]);
      expect(await list({ phases: ['COMPLETED', 'FAILED'] })).toEqual([18, 17, 13, 12, 8, 7, 3, 2]);
      expect(await list({ phases: ['FAILED', 'COMPLETED', 'RUNNING'], limit: 3, before: 18 })).toEqual([
        17, 15, 13,
      ]);
    });

    it('filters by labels, all of which must match', async () => {
      expect(await list({ labels: { urgent: 'yes' } })).toEqual([18, 15, 12, 9, 6, 3]);
      expect(await list({ labels: { urgent: 'yes', team: 'a' } })).toEqual([18, 12, 6]);
      expect(await list({ labels: { team: 'a', urgent: 'yes' }, limit: 1, before: 18 })).toEqual([12]);
      expect(await list({ labels: { team: 'c' } })).toEqual([]);
      expect(await list({ labels: { toString: 'x' } })).toEqual([]);
    });

    it('filters by time of submission: from inclusive, before exclusive', async () => {
      const [submittedFromMs, submittedBeforeMs] = [SUBMITTED_AT_MS + 5, SUBMITTED_AT_MS + 9];
      expect(await list({ submittedFromMs, submittedBeforeMs })).toEqual([8, 7, 6, 5]);
    });

    it('filters by everything at once', async () => {
      const filter = {
        phases: ['COMPLETED', 'FAILED'],
        labels: { team: 'a' },
        submittedFromMs: SUBMITTED_AT_MS + 3,
      } as const;
      expect(await list(filter)).toEqual([18, 12, 8]);
      expect(await list({ ...filter, before: 18, limit: 1 })).toEqual([12]);
    });
  });
}
