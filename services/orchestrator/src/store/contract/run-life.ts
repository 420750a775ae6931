// S10: what may be done to a run that is final, what of it is gone then, and how long runs are kept.

import { beforeEach, describe, expect, it } from 'vitest';
import type { StoreUnderTest } from '../contract.ts';
import type { CommitBatch, RunNumber } from '../port.ts';
import type { RunChange, RunChangeOutcome } from '../port-run-life.ts';
import {
  batch,
  event,
  NAMESPACE,
  type newRun,
  request,
  runStatus,
  SUBMITTED_AT_MS,
  submission,
  taskStatus,
} from './batches.ts';
import { expectStoreError } from './expect-store-error.ts';

const ALL_RUNS = {
  phases: [],
  labels: {},
  submittedFromMs: undefined,
  submittedBeforeMs: undefined,
  before: undefined,
  limit: 1_000,
} as const;
const ENDED_AT_MS = SUBMITTED_AT_MS + 1_000;
const LATER_MS = ENDED_AT_MS + 10_000;

export function describeRunLife(test: StoreUnderTest): void {
  let epoch = 0;

  /** A run that ended in the commit that brought it, at the next revision. */
  function ended(run: RunNumber, parts: Parameters<typeof newRun>[1] = {}): CommitBatch {
    const status = runStatus(run, { phase: 'COMPLETED', endedAtMs: ENDED_AT_MS + run });
    return { ...submission(epoch, run, parts), runs: [status], tasks: [taskStatus(run, 0)] };
  }

  function change(run: RunNumber, type: 'DELETE' | 'ARCHIVE' | 'UNARCHIVE', parts: Partial<RunChange> = {}) {
    return test
      .store()
      .changeRun({ namespace: NAMESPACE, epoch, run, action: { type }, requests: [], ...parts });
  }

  function expire(run: RunNumber, endedBeforeMs: number): Promise<RunChangeOutcome> {
    return change(run, 'DELETE', { action: { type: 'EXPIRE', endedBeforeMs } });
  }

  async function sweep(limit = 1_000): Promise<void> {
    while ((await test.store().sweepDeletedRuns(limit)) > 0);
  }

  const revisions = async (): Promise<readonly number[]> => {
    const query = { afterRevision: 0, run: undefined, limit: 1_000, limitBytes: 1e9 };
    return (await test.store().readEvents(NAMESPACE, query)).map(({ revision }) => revision);
  };
  const listed = async (labels: Record<string, string> = {}): Promise<readonly number[]> =>
    (await test.store().listRuns(NAMESPACE, { ...ALL_RUNS, labels })).map(({ run }) => run);
  const expired = async (nowMs: number, defaultMs?: number, limit = 100): Promise<readonly string[]> =>
    (await test.store().findExpiredRuns(nowMs, defaultMs, limit)).map(({ runId }) => runId);

  describe('final runs', () => {
    beforeEach(async () => {
      ({ epoch } = await test.store().claim(NAMESPACE));
    });

    it('F.5: are archived and brought back, and are read the same meanwhile', async () => {
      await test.store().commit(ended(1));
      const before = await test.store().getRun(NAMESPACE, 'run-1');
      expect(await change(1, 'ARCHIVE')).toBe('DONE');
      expect(await change(1, 'ARCHIVE')).toBe('DONE');
      expect(await test.store().getRun(NAMESPACE, 'run-1')).toEqual({ ...before, archived: true });
      expect((await test.store().listRuns(NAMESPACE, ALL_RUNS))[0]?.archived).toBe(true);
      expect(await change(1, 'UNARCHIVE')).toBe('DONE');
      expect(await test.store().getRun(NAMESPACE, 'run-1')).toEqual(before);
    });

    it('F.6: are found nowhere once they are deleted; the others are, and revisions go on', async () => {
      const labels = { team: 'a' };
      await test.store().commit(ended(1, { labels }));
      await test.store().commit(ended(2, { labels }));
      await test.store().commit(batch(epoch, { events: [event(3), event(4, { task: 0 })] }));
      expect(await change(1, 'DELETE')).toBe('DONE');
      expect(await test.store().getRun(NAMESPACE, 'run-1')).toBeUndefined();
      expect(await test.store().getRunRecord(NAMESPACE, 1)).toBeUndefined();
      expect(await test.store().findRunIds(NAMESPACE, ['run-1', 'run-2'])).toEqual(new Map([['run-2', 2]]));
      expect(await listed(labels)).toEqual([2]);
      expect(await test.store().getTask(NAMESPACE, 1, 'task-0')).toBeUndefined();
      await sweep(1);
      expect(await revisions()).toEqual([2]);
      expect(await test.store().readTaskEvents(NAMESPACE, 1, [0])).toEqual([]);
      expect(await test.store().getTask(NAMESPACE, 2, 'task-0')).toMatchObject(taskStatus(2, 0));
      expect(await change(1, 'DELETE')).toBe('NOT_FOUND');
      expect(await test.store().latestRevision(NAMESPACE)).toBe(4);
      await test.store().commit(ended(5, { runId: 'run-1' }));
      expect((await test.store().getRun(NAMESPACE, 'run-1'))?.run).toBe(5);
      expect(await revisions()).toEqual([2, 5]);
      expect((await test.store().listTasks(NAMESPACE, 5, { states: [], after: -1, limit: 9 })).length).toBe(
        2,
      );
    });

    it('S10: what a deleted run leaves is swept in pieces of bounded size, by a later process too', async () => {
      for (const run of [1, 2, 3]) await test.store().commit(ended(run));
      for (const run of [1, 3]) await change(run, 'DELETE');
      const first = await test.store().sweepDeletedRuns(1);
      expect(first).toBeLessThanOrEqual(1);
      await test.store().close();
      const again = await test.openAgain();
      try {
        for (let swept = 1; swept > 0; ) {
          swept = await again.sweepDeletedRuns(2);
          expect(swept).toBeLessThanOrEqual(2);
        }
        const query = { afterRevision: 0, run: undefined, limit: 1_000, limitBytes: 1e9 };
        expect((await again.readEvents(NAMESPACE, query)).map(({ run }) => run)).toEqual([2]);
        expect(await again.sweepDeletedRuns(2)).toBe(0);
      } finally {
        await again.close();
      }
    });

    it('S10: are changed only if they are final; one that runs stays as it is', async () => {
      await test.store().commit(submission(epoch, 1));
      const before = await test.store().getRun(NAMESPACE, 'run-1');
      for (const type of ['DELETE', 'ARCHIVE', 'UNARCHIVE'] as const) {
        expect(await change(1, type, { requests: [request('request-1')] })).toBe('NOT_FINAL');
      }
      expect(await expire(1, LATER_MS)).toBe('NOT_FINAL');
      expect(await change(9, 'ARCHIVE')).toBe('NOT_FOUND');
      expect(await test.store().getRun(NAMESPACE, 'run-1')).toEqual(before);
      expect((await test.store().findRequests(NAMESPACE, ['request-1'])).size).toBe(0);
    });

    it('S3: are changed under the latest epoch only, and with the answer in the same commit', async () => {
      await test.store().commit(ended(1));
      const requests = [request('request-1')];
      await expectStoreError(change(1, 'DELETE', { epoch: epoch + 1, requests }), 'FENCED');
      const old = epoch;
      ({ epoch } = await test.store().claim(NAMESPACE));
      await expectStoreError(change(1, 'DELETE', { epoch: old, requests }), 'FENCED');
      await expectStoreError(change(1, 'DELETE', { namespace: 'nowhere' }), 'FENCED');
      expect(await listed()).toEqual([1]);
      expect(await change(1, 'DELETE', { requests })).toBe('DONE');
      expect((await test.store().findRequests(NAMESPACE, ['request-1'])).size).toBe(1);
    });

    it('F.4: stay while a run links to them, and go when that one is gone', async () => {
      await test.store().commit(ended(1));
      await test.store().commit(ended(2, { links: ['run-1'] }));
      await test.store().commit(ended(3, { links: ['run-1', 'run-2', 'run-1'] }));
      expect(await test.store().findLinkingRuns(NAMESPACE, 1, 10)).toEqual(['run-2', 'run-3']);
      expect(await test.store().findLinkingRuns(NAMESPACE, 1, 1)).toEqual(['run-2']);
      expect(await change(1, 'DELETE')).toBe('LINKED');
      expect(await change(2, 'DELETE')).toBe('LINKED');
      expect(await expire(1, LATER_MS)).toBe('LINKED');
      expect(await expired(LATER_MS, 1)).toEqual(['run-3']);
      expect(await change(3, 'DELETE')).toBe('DONE');
      expect(await change(1, 'DELETE')).toBe('LINKED');
      expect(await change(2, 'DELETE')).toBe('DONE');
      expect(await change(1, 'DELETE')).toBe('DONE');
      expect(await listed()).toEqual([]);
    });

    it('F.4: are there, or the run that links to them is refused whole', async () => {
      await expectStoreError(test.store().commit(ended(1, { links: ['run-7'] })), 'FAILED');
      expect(await test.store().latestRevision(NAMESPACE)).toBe(0);
    });
  });

  describe('retention', () => {
    beforeEach(async () => {
      ({ epoch } = await test.store().claim(NAMESPACE));
    });

    it('F.6: is what the namespace has set, or what is configured; 0 is for ever', async () => {
      expect(await test.store().getRetention(NAMESPACE)).toBeUndefined();
      expect(await test.store().getRetention('nowhere')).toBeUndefined();
      const set = (retentionMs: number | undefined, namespace = NAMESPACE) =>
        test.store().setRetention({ namespace, retentionMs, requests: [request('request-1')] });
      await test.store().commit(ended(1));
      expect(await expired(LATER_MS)).toEqual([]);
      expect(await expired(LATER_MS, 10_000)).toEqual([]);
      expect(await expired(LATER_MS, 9_998)).toEqual(['run-1']);
      await set(0);
      expect(await expired(LATER_MS, 1)).toEqual([]);
      await set(5_000);
      expect(await test.store().getRetention(NAMESPACE)).toBe(5_000);
      const [found] = await test.store().findExpiredRuns(LATER_MS, undefined, 10);
      const endedBeforeMs = LATER_MS - 5_000;
      expect(found).toEqual({ namespace: NAMESPACE, run: 1, runId: 'run-1', endedBeforeMs });
      await set(undefined);
      expect(await test.store().getRetention(NAMESPACE)).toBeUndefined();
      await set(7, 'fresh');
      expect(await test.store().getRetention('fresh')).toBe(7);
      expect((await test.store().findRequests('fresh', ['request-1'])).size).toBe(1);
    });

    it('F.5, F.6: removes neither what is archived, nor what runs, nor what ended later', async () => {
      await test.store().commit(ended(1));
      await test.store().commit(ended(2));
      await test.store().commit(submission(epoch, 3));
      await change(1, 'ARCHIVE');
      expect(await expired(LATER_MS, 1)).toEqual(['run-2']);
      expect(await expire(1, LATER_MS)).toBe('ARCHIVED');
      expect(await change(1, 'DELETE')).toBe('ARCHIVED');
      expect(await expire(2, ENDED_AT_MS + 2)).toBe('KEPT');
      expect(await expire(2, ENDED_AT_MS + 3)).toBe('DONE');
      expect(await expire(3, LATER_MS)).toBe('NOT_FINAL');
      await change(1, 'UNARCHIVE');
      expect(await expired(LATER_MS, 1)).toEqual(['run-1']);
      // Run again: it is over no more.
      await test.store().commit(batch(epoch, { runs: [runStatus(1, { phase: 'RUNNING' })] }));
      expect(await expired(LATER_MS, 1)).toEqual([]);
    });
  });
}
