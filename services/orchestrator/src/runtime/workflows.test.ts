// The bounds of workflows, and what is answered when the disk fails (proto: WorkflowService).

import { expect, test } from 'vitest';
import { createMemoryPlace } from '../store/memory/memory-store.ts';
import { StoreError } from '../store/port.ts';
import { startFixture } from './orchestrator-fixture.ts';
import { MAX_WORKFLOW_VERSIONS, MAX_WORKFLOWS, type PutWorkflow } from './workflows.ts';

function template(name: string, digest: string, requestId?: string): PutWorkflow {
  const request = requestId === undefined ? undefined : { requestId, fingerprint: digest };
  return { name, description: '', digest, template: new Uint8Array([1]), references: [], request };
}

async function start(...parts: Parameters<typeof startFixture>) {
  const fixture = await startFixture(...parts);
  const { workflows } = fixture.orchestrator;
  return {
    ...fixture,
    put: (name: string, digest: string, requestId?: string) =>
      workflows.put('default', template(name, digest, requestId)),
    remove: (name: string, version?: number) =>
      workflows.remove('default', { name, version, request: undefined }),
  };
}

test('a namespace takes so many workflows; more once one is gone, and new versions all the time', async () => {
  const { put, remove } = await start();
  for (let i = 0; i < MAX_WORKFLOWS; i += 1) await put(`w${i}`, 'a');
  expect(await put('one-more', 'a')).toMatchObject({
    ok: false,
    rejection: { code: 'LIMIT_REACHED', metadata: { resource: 'workflows', limit: '1000' } },
  });
  expect(await put('w1', 'b')).toEqual({ ok: true, value: { version: 2, existed: false } });
  await remove('w0');
  expect(await put('one-more', 'a')).toMatchObject({ ok: true });
});

test('a workflow takes so many versions; more once one is gone', async () => {
  const { put, remove } = await start();
  for (let i = 1; i <= MAX_WORKFLOW_VERSIONS; i += 1) await put('w', `${i}`);
  expect(await put('w', 'more')).toMatchObject({
    ok: false,
    rejection: { code: 'LIMIT_REACHED', metadata: { resource: 'workflow_versions', limit: '1000' } },
  });
  // The latest again is no new one.
  expect(await put('w', '1000')).toMatchObject({ ok: true, value: { version: 1_000, existed: true } });
  await remove('w', 1);
  expect(await put('w', 'more')).toMatchObject({ ok: true, value: { version: 1_001 } });
});

test('a change whose commit fails is told so, and is made by a repeat', async () => {
  let failing = true;
  const { put } = await start({}, createMemoryPlace(), (inner) => ({
    changeWorkflows: async (change) => {
      await inner.changeWorkflows(change);
      if (failing) throw new StoreError('FAILED', 'the answer was lost');
    },
  }));
  expect(await put('w', 'a', 'r')).toMatchObject({ ok: false, rejection: { code: 'COMMIT_FAILED' } });
  failing = false;
  // It had taken effect: the repeat gets its answer, and no second version.
  expect(await put('w', 'a', 'r')).toEqual({ ok: true, value: { version: 1, existed: false } });
});
