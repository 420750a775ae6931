// Workflows: kept by name and version, found again, forgotten; what runs were started from.

import { describe, expect, it } from 'vitest';
import type { StoreUnderTest } from '../contract.ts';
import type { WorkflowChange, WorkflowRow, WorkflowSummary } from '../port.ts';
import { bytes, NAMESPACE, newRun, request, SUBMITTED_AT_MS, submission } from './batches.ts';
import { expectStoreError } from './expect-store-error.ts';

function row(name: string, version: number): WorkflowRow {
  return {
    name,
    version,
    description: `${name}, as of ${version}`,
    createdAtMs: SUBMITTED_AT_MS + version,
    digest: `digest ${version}`,
    template: bytes(`template ${name} ${version}`),
  };
}

function summary(name: string, version: number): WorkflowSummary {
  const { digest: _digest, template: _template, ...rest } = row(name, version);
  return rest;
}

function change(parts: Partial<WorkflowChange>): WorkflowChange {
  return { namespace: NAMESPACE, add: undefined, remove: undefined, requests: [], references: [], ...parts };
}

export function describeWorkflows(test: StoreUnderTest): void {
  const put = (...rows: WorkflowRow[]) =>
    rows.reduce<Promise<void>>(
      (before, add) => before.then(() => test.store().changeWorkflows(change({ add }))),
      Promise.resolve(),
    );
  const remove = (name: string, version?: number) =>
    test.store().changeWorkflows(change({ remove: { name, version } }));

  describe('workflows', () => {
    it('are found by version, or the latest, in a namespace that nobody has claimed', async () => {
      await put(row('a', 1), row('a', 2), row('b', 1));
      const store = test.store();
      expect(await store.getWorkflow(NAMESPACE, 'a')).toEqual(row('a', 2));
      expect(await store.getWorkflow(NAMESPACE, 'a', 1)).toEqual(row('a', 1));
      expect(await store.getWorkflow(NAMESPACE, 'a', 3)).toBeUndefined();
      expect(await store.getWorkflow(NAMESPACE, 'c')).toBeUndefined();
      expect(await store.getWorkflow('nowhere', 'a')).toBeUndefined();
      expect(await store.claim(NAMESPACE)).toEqual({ epoch: 1, latestRevision: 0 });
    });

    it('are listed by name, their versions latest first, a page at a time', async () => {
      await put(row('b', 1), row('c', 1), row('a', 1), row('b', 2), row('b', 3));
      const store = test.store();
      expect(await store.listWorkflows(NAMESPACE, '', 2)).toEqual([summary('a', 1), summary('b', 3)]);
      expect(await store.listWorkflows(NAMESPACE, 'b', 2)).toEqual([summary('c', 1)]);
      expect(await store.listWorkflows('nowhere', '', 2)).toEqual([]);
      const versions = (before?: number) => store.listWorkflowVersions(NAMESPACE, 'b', before, 2);
      expect(await versions()).toEqual([summary('b', 3), summary('b', 2)]);
      expect(await versions(2)).toEqual([summary('b', 1)]);
    });

    it('are counted, and remember the last number that was given', async () => {
      const store = test.store();
      expect(await store.countWorkflows('nowhere', 'a')).toEqual({
        workflows: 0,
        versions: 0,
        lastVersion: 0,
      });
      await put(row('a', 1), row('a', 2), row('b', 1));
      expect(await store.countWorkflows(NAMESPACE, 'a')).toEqual({
        workflows: 2,
        versions: 2,
        lastVersion: 2,
      });
      await remove('a', 2);
      expect(await store.countWorkflows(NAMESPACE, 'a')).toEqual({
        workflows: 2,
        versions: 1,
        lastVersion: 2,
      });
      expect(await store.getWorkflow(NAMESPACE, 'a')).toEqual(row('a', 1));
    });

    it('are gone when all or the last of their versions are removed; removing nothing is no error', async () => {
      await put(row('a', 1), row('a', 2), row('b', 1), row('c', 1));
      await remove('a');
      await remove('b', 1);
      await remove('b', 1);
      const store = test.store();
      expect(await store.listWorkflows(NAMESPACE, '', 10)).toEqual([summary('c', 1)]);
      expect(await store.countWorkflows(NAMESPACE, 'b')).toEqual({
        workflows: 1,
        versions: 0,
        lastVersion: 0,
      });
      await put(row('b', 1));
      expect(await store.getWorkflow(NAMESPACE, 'b')).toEqual(row('b', 1));
    });

    it('refuse with OUT_OF_ORDER a version that is not above every one before, and change nothing (S7)', async () => {
      await put(row('a', 1), row('a', 2));
      await remove('a', 2);
      const repeated = change({ add: { ...row('a', 2), digest: 'other' }, requests: [request('r')] });
      await expectStoreError(test.store().changeWorkflows(repeated), 'OUT_OF_ORDER');
      expect(await test.store().getWorkflow(NAMESPACE, 'a')).toEqual(row('a', 1));
      expect(await test.store().findRequests(NAMESPACE, ['r'])).toEqual(new Map());
    });

    it('keep the request that a change answers', async () => {
      await test.store().changeWorkflows(change({ add: row('a', 1), requests: [request('r')] }));
      expect(await test.store().findRequests(NAMESPACE, ['r'])).toEqual(new Map([['r', request('r')]]));
    });

    it('are told by the runs that were started from them, whose records can be read again', async () => {
      const { epoch } = await test.store().claim(NAMESPACE);
      const workflow = { name: 'a', version: 7 };
      const plain = submission(epoch, 1);
      await test.store().commit({ ...plain, newRuns: [newRun(1, { workflow })] });
      const told = await test.store().getRun(NAMESPACE, 'run-1');
      expect(told?.workflow).toEqual(workflow);
      expect(await test.store().getRunRecord(NAMESPACE, 1)).toEqual(bytes('record 1'));
      expect(await test.store().getRunRecord(NAMESPACE, 2)).toBeUndefined();
    });
  });
}
