// S1 to S4 and S6: who may write, in which order, and what a refused commit leaves behind.

import { describe, expect, it } from 'vitest';
import type { StoreUnderTest } from '../contract.ts';
import type { Store } from '../port.ts';
import {
  batch,
  bytes,
  collect,
  event,
  NAMESPACE,
  newRun,
  newTasks,
  request,
  runStatus,
  submission,
  taskStatus,
} from './batches.ts';
import { expectStoreError } from './expect-store-error.ts';

/** Everything that can be read of the namespace, to show that nothing has changed. */
async function everything(store: Store) {
  return {
    latestRevision: await store.latestRevision(NAMESPACE),
    events: await store.readEvents(NAMESPACE, {
      afterRevision: 0,
      run: undefined,
      limit: 1_000,
      limitBytes: 1e9,
    }),
    runs: await store.listRuns(NAMESPACE, {
      phases: [],
      labels: {},
      submittedFromMs: undefined,
      submittedBeforeMs: undefined,
      before: undefined,
      limit: 1_000,
    }),
    tasks: await store.listTasks(NAMESPACE, 1, { states: [], after: -1, limit: 1_000 }),
    active: await collect(store.loadActiveRuns(NAMESPACE)),
    requests: await store.findRequests(NAMESPACE, ['request-1', 'request-2']),
  };
}

export function describeCommits(test: StoreUnderTest): void {
  describe('commits', () => {
    it('claims a new namespace with revision 0 and a rising epoch', async () => {
      const first = await test.store().claim(NAMESPACE);
      const second = await test.store().claim(NAMESPACE);
      expect(first.latestRevision).toBe(0);
      expect(second.epoch).toBeGreaterThan(first.epoch);
    });

    it('S2: refuses a commit that does not follow the last one, or has a gap within', async () => {
      const store = test.store();
      const { epoch } = await store.claim(NAMESPACE);
      await store.commit(submission(epoch, 1));
      const before = await everything(store);
      for (const revisions of [[1], [3], [0], [2, 4], [2, 2], [3, 2]]) {
        const events = revisions.map((revision) => event(revision));
        const parts = { events, tasks: [taskStatus(1, 0)], requests: [request('request-1')] };
        await expectStoreError(store.commit(batch(epoch, parts)), 'OUT_OF_ORDER');
      }
      expect(await everything(store)).toEqual(before);
      await store.commit(batch(epoch, { events: [event(2), event(3)] }));
      expect(await store.latestRevision(NAMESPACE)).toBe(3);
    });

    it('S3: refuses a commit under any epoch but the latest claimed', async () => {
      const store = test.store();
      const old = await store.claim(NAMESPACE);
      await store.commit(submission(old.epoch, 1));
      const { epoch, latestRevision } = await store.claim(NAMESPACE);
      expect(latestRevision).toBe(1);
      const before = await everything(store);
      const parts = {
        events: [event(2, { run: 2 })],
        newRuns: [newRun(2)],
        runs: [runStatus(2), runStatus(1, { phase: 'COMPLETED' })],
        tasks: [taskStatus(1, 0)],
        requests: [request('request-1')],
      } as const;
      await expectStoreError(store.commit(batch(old.epoch, parts)), 'FENCED');
      await expectStoreError(store.commit(batch(epoch + 1, parts)), 'FENCED');
      await expectStoreError(store.commit(batch(old.epoch, { requests: [request('request-2')] })), 'FENCED');
      expect(await everything(store)).toEqual(before);
      await store.commit(batch(epoch, parts));
      expect(await store.latestRevision(NAMESPACE)).toBe(2);
    });

    it('S3: refuses a commit to a namespace that nobody has claimed', async () => {
      await expectStoreError(test.store().commit(submission(1, 1)), 'FENCED');
      expect(await test.store().latestRevision(NAMESPACE)).toBe(0);
    });

    it('S1: leaves nothing of a commit that fails half way', async () => {
      const store = test.store();
      const { epoch } = await store.claim(NAMESPACE);
      await store.commit(submission(epoch, 1));
      const before = await everything(store);
      const repeated = submission(epoch, 2, { runId: 'run-1' });
      await expectStoreError(store.commit({ ...repeated, requests: [request('request-1')] }), 'FAILED');
      const unknownRun = batch(epoch, {
        events: [event(2)],
        runs: [runStatus(7)],
        tasks: [taskStatus(1, 0)],
      });
      await expectStoreError(store.commit(unknownRun), 'FAILED');
      const withoutStatus = batch(epoch, { events: [event(2, { run: 2 })], newRuns: [newRun(2)] });
      await expectStoreError(store.commit(withoutStatus), 'FAILED');
      expect(await everything(store)).toEqual(before);
      await store.commit(submission(epoch, 2));
      expect(await store.latestRevision(NAMESPACE)).toBe(2);
    });

    it('S4: a read sees every commit that was answered before, and never part of one', async () => {
      const store = test.store();
      const { epoch } = await store.claim(NAMESPACE);
      let answered = 0;
      let done = false;
      const write = async (): Promise<void> => {
        for (let run = 1; run <= 90; run += 3) {
          const events = [event(run, { run }), event(run + 1, { run }), event(run + 2, { run })];
          await store.commit(batch(epoch, { events, newRuns: [newRun(run)], runs: [runStatus(run)] }));
          answered = run + 2;
        }
      };
      const read = async (): Promise<void> => {
        while (!done) {
          const atLeast = answered;
          const query = { afterRevision: 0, run: undefined, limit: 1_000, limitBytes: 1e9 };
          const events = await store.readEvents(NAMESPACE, query);
          expect(events.length).toBeGreaterThanOrEqual(atLeast);
          expect(events.length % 3).toBe(0);
          for (const run of await collect(store.loadActiveRuns(NAMESPACE)))
            expect(run.events).toHaveLength(3);
        }
      };
      await Promise.all([write().finally(() => (done = true)), read(), read()]);
      expect(answered).toBe(90);
    });

    it('S4: a read of many tasks never sees a commit for some of them only', async () => {
      const store = test.store();
      const { epoch } = await store.claim(NAMESPACE);
      const tasks = Array.from({ length: 200 }, (_, i) => i);
      await store.commit(submission(epoch, 1, { tasks: newTasks(tasks.length) }));
      let done = false;
      const write = async (): Promise<void> => {
        for (let last = 1; last < 60 * tasks.length; last += tasks.length) {
          await store.commit(batch(epoch, { events: tasks.map((task) => event(last + 1 + task, { task })) }));
        }
      };
      const read = async (): Promise<void> => {
        while (!done) {
          const events = await store.readTaskEvents(NAMESPACE, 1, tasks);
          expect(events.length % tasks.length).toBe(0);
        }
      };
      await Promise.all([write().finally(() => (done = true)), read()]);
      expect(await store.readTaskEvents(NAMESPACE, 1, tasks)).toHaveLength(60 * tasks.length);
    });

    it('keeps namespaces apart', async () => {
      const store = test.store();
      const here = await store.claim(NAMESPACE);
      const there = await store.claim('elsewhere');
      await store.commit({ ...submission(here.epoch, 1), requests: [request('request-1')] });
      expect(await store.latestRevision('elsewhere')).toBe(0);
      expect(await store.getRun('elsewhere', 'run-1')).toBeUndefined();
      expect(await store.getTask('elsewhere', 1, 'task-0')).toBeUndefined();
      expect((await store.findRequests('elsewhere', ['request-1'])).size).toBe(0);
      expect(await store.readTaskEvents('elsewhere', 1, [-1, 0])).toEqual([]);
      const elsewhere = { ...submission(there.epoch, 1, { name: 'Other' }), namespace: 'elsewhere' };
      await store.commit(elsewhere);
      expect((await store.getRun('elsewhere', 'run-1'))?.name).toBe('Other');
      expect((await store.getRun(NAMESPACE, 'run-1'))?.name).toBe('Run 1');
    });

    it('does not notice what the caller does with its buffers after the answer', async () => {
      const store = test.store();
      const { epoch } = await store.claim(NAMESPACE);
      const payload = bytes('as committed');
      await store.commit({ ...submission(epoch, 1), events: [event(1, { payload })] });
      payload.fill(0);
      const [read] = await store.readEvents(NAMESPACE, { afterRevision: 0, run: 1, limit: 1, limitBytes: 1 });
      expect(read?.payload).toEqual(bytes('as committed'));
    });

    it('S1: what was committed is there when the place is opened again; epochs go on', async () => {
      const { epoch } = await test.store().claim(NAMESPACE);
      await test
        .store()
        .commit({ ...submission(epoch, 1), tasks: [taskStatus(1, 0)], requests: [request('request-1')] });
      const before = await everything(test.store());
      await test.store().close();
      const again = await test.openAgain();
      try {
        expect(await everything(again)).toEqual(before);
        const claim = await again.claim(NAMESPACE);
        expect(claim).toEqual({ epoch: epoch + 1, latestRevision: 1 });
      } finally {
        await again.close();
      }
    });

    it('S6: refuses to open a place that is open', async () => {
      await expectStoreError(test.openAgain(), 'IN_USE');
      expect((await test.store().claim(NAMESPACE)).epoch).toBe(1);
    });

    it('rejects every call after close with CLOSED; close can be called again', async () => {
      const store = test.store();
      const { epoch } = await store.claim(NAMESPACE);
      const underWay = store.commit(submission(epoch, 1));
      await Promise.all([underWay, store.close()]);
      await store.close();
      await expectStoreError(store.claim(NAMESPACE), 'CLOSED');
      await expectStoreError(store.commit(submission(epoch, 2)), 'CLOSED');
      await expectStoreError(store.getRun(NAMESPACE, 'run-1'), 'CLOSED');
      await expectStoreError(store.latestRevision(NAMESPACE), 'CLOSED');
      await expectStoreError(store.activeNamespaces(), 'CLOSED');
      await expectStoreError(store.pruneRequests(0, 1), 'CLOSED');
      await expectStoreError(collect(store.loadActiveRuns(NAMESPACE)), 'CLOSED');
    });
  });
}
