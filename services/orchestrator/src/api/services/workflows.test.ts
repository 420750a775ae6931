// Workflows through the native gRPC door, over a real runtime (issue 3, item 5).

import type { JsonObject } from '@bufbuild/protobuf';
import type {
  GetRunResponseSchema,
  ListTasksResponseSchema,
  SubmitRunResponseSchema,
  SubmitRunsResponseSchema,
} from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { OrchestratorService } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { PayloadForm } from '@tutti/proto/tutti/v1/payload_pb.ts';
import {
  type GetWorkflowResponseSchema,
  type ListWorkflowsResponseSchema,
  type PutWorkflowResponseSchema,
  WorkflowService,
} from '@tutti/proto/tutti/v1/workflow_service_pb.ts';
import { describe, expect, test } from 'vitest';
import { startWorker } from '../../runtime/orchestrator-fixture.ts';
import { grpcClient, openDoors, refused } from '../doors-fixture.ts';

const inputSchema: JsonObject = {
  type: 'object',
  properties: { name: { type: 'string' }, count: { type: 'integer' } },
  required: ['name'],
};
const spec = { name: 'daily', labels: { b: '2', a: '1' }, tasks: [{ key: 'a', capability: 'work' }] };
const template = { name: 'reports.daily', inputSchema, spec };
const json = (value: unknown) => ({ data: { case: 'bytes', value: Buffer.from(JSON.stringify(value)) } });

async function open() {
  const doors = await openDoors();
  const runs = grpcClient(doors.grpc, OrchestratorService);
  const workflows = grpcClient(doors.grpc, WorkflowService);
  return {
    doors,
    runs,
    workflows,
    put: (parts: object = {}, requestId = '') =>
      workflows.call<typeof PutWorkflowResponseSchema>('PutWorkflow', {
        requestId,
        workflow: { ...template, ...parts },
      }),
    get: (name: string, version = 0, more: object = {}) =>
      workflows.call<typeof GetWorkflowResponseSchema>('GetWorkflow', {
        workflow: { name, version },
        ...more,
      }),
    list: (request: object = {}) =>
      workflows.call<typeof ListWorkflowsResponseSchema>('ListWorkflows', request),
    submit: (run: object, requestId = '') =>
      runs.call<typeof SubmitRunResponseSchema>('SubmitRun', { requestId, run }),
  };
}

const daily = (version = 0) => ({ name: 'reports.daily', version });

describe('a template', () => {
  test('gets the next version, unless it equals the latest', async () => {
    const { put, get } = await open();
    expect(await put()).toMatchObject({ version: 1, existed: false });
    const reordered = { ...spec, labels: { a: '1', b: '2' } };
    expect(await put({ spec: reordered })).toMatchObject({ version: 1, existed: true });
    expect(await put({ description: 'Every day' })).toMatchObject({ version: 2, existed: false });
    expect(await put()).toMatchObject({ version: 3, existed: false });
    const { workflow } = await get('reports.daily', 2);
    expect(workflow).toMatchObject({
      ...template,
      namespace: 'default',
      version: 2,
      description: 'Every day',
      inputSchema,
      createTime: {},
    });
    expect((await get('reports.daily')).workflow).toMatchObject({ version: 3, description: '' });
  });

  test('is put once, however often a request is repeated', async () => {
    const { put } = await open();
    expect(await put({}, 'r')).toMatchObject({ version: 1, existed: false });
    expect(await put({ description: 'other' })).toMatchObject({ version: 2 });
    expect(await put({}, 'r')).toMatchObject({ version: 1, existed: false });
    const other = await refused(put({ description: 'more' }, 'r'));
    expect(other).toMatchObject({ reason: 'REQUEST_ID_REUSED', fields: ['request_id'] });
    expect(await put({ description: 'other' })).toMatchObject({ version: 2, existed: true });
  });

  test('put many times at once gets versions without a gap', async () => {
    const { put, list } = await open();
    const puts = Array.from({ length: 20 }, (_, i) => put({ description: `${i}` }));
    const versions = (await Promise.all(puts)).map(({ version }) => version).sort((a, b) => a - b);
    expect(versions).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect((await list({ name: 'reports.daily' })).workflows).toHaveLength(20);
  });

  test('tells its payloads in the form that is asked for', async () => {
    const { put, get } = await open();
    await put({ spec: { ...spec, input: json({ name: 'x' }) } });
    const asValue = await get('reports.daily', 0, { payloadForm: PayloadForm.VALUE });
    expect(asValue.workflow?.spec?.input?.data.case).toBe('value');
    expect((await get('reports.daily')).workflow?.spec?.input?.data.case).toBe('bytes');
  });

  test.each<[string, object, string, string]>([
    [
      'of which no run could be',
      { spec: { tasks: [{ key: 'a', capability: 'w', dependencies: [{ key: 'z' }] }] } },
      'UNKNOWN_DEPENDENCY',
      'workflow.spec.tasks[0].dependencies[0].key',
    ],
    ['without tasks', { spec: {} }, 'INVALID_FIELD', 'workflow.spec.tasks'],
    ['without a specification', { spec: undefined }, 'INVALID_FIELD', 'workflow.spec'],
    ['with a bad name', { name: 'Reports Daily' }, 'INVALID_FIELD', 'workflow.name'],
    ['without a name', { name: '' }, 'INVALID_FIELD', 'workflow.name'],
    [
      'with a schema that is none',
      { inputSchema: { type: 'strong' } },
      'INVALID_FIELD',
      'workflow.input_schema.type',
    ],
    [
      'with a remote reference',
      { inputSchema: { $ref: 'http://127.0.0.1/x' } },
      'INVALID_FIELD',
      'workflow.input_schema',
    ],
    [
      'whose own input does not match',
      { spec: { ...spec, input: json({ name: 1 }) } },
      'INVALID_FIELD',
      'workflow.spec.input.name',
    ],
  ])('%s is refused, and nothing is kept', async (_what, parts, reason, field) => {
    const { put, list } = await open();
    const refusal = await refused(put(parts));
    expect(refusal).toMatchObject({ code: 3, reason });
    expect(refusal.fields).toContain(field);
    expect((await list()).workflows).toEqual([]);
  });

  test('beyond 3 MiB is refused, and waiting does not help', async () => {
    const { put } = await open();
    const tasks = Array.from({ length: 13 }, (_, i) => ({
      key: `t${i}`,
      capability: 'work',
      input: { data: { case: 'bytes', value: Buffer.alloc(262_000, 'x') } },
    }));
    expect(await refused(put({ spec: { tasks } }))).toMatchObject({
      code: 8,
      reason: 'LIMIT_REACHED',
      metadata: { resource: 'workflow_bytes', limit: '3145728' },
      retryDelayMs: undefined,
    });
  });
});

test.each([
  '{"type":"object","__proto__":{"required":["a"]}}',
  '{"properties":{"__proto__":{"type":"string"}}}',
  '{"properties":{"constructor":{"type":"string"}}}',
])('a schema of strange keys leaves the process as it was: %s', async (schema) => {
  const { doors } = await open();
  const body = `{"workflow":{"name":"x","inputSchema":${schema},"spec":{"tasks":[{"key":"a","capability":"w"}]}}}`;
  const response = await fetch(`${doors.http}/tutti.v1.WorkflowService/PutWorkflow`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  expect([200, 400]).toContain(response.status);
  expect(({} as Record<string, unknown>)['required']).toBeUndefined();
  expect(doors.logged).toEqual([]);
});

describe('workflows', () => {
  test('are listed page by page, the latest of each or the versions of one', async () => {
    const { put, list } = await open();
    for (const name of ['c', 'a', 'b']) await put({ name });
    await put({ name: 'b', description: 'second' });
    const first = await list({ pageSize: 2 });
    expect(first.workflows.map(({ name, version }) => `${name}@${version}`)).toEqual(['a@1', 'b@2']);
    expect(first.workflows[1]).toMatchObject({ description: 'second' });
    expect(first.workflows[1]?.spec).toBeUndefined();
    const second = await list({ pageSize: 2, pageToken: first.nextPageToken });
    expect(second.workflows.map(({ name }) => name)).toEqual(['c']);
    expect(second.nextPageToken).toBe('');
    const versions = await list({ name: 'b', pageSize: 1 });
    expect(versions.workflows.map(({ version }) => version)).toEqual([2]);
    const older = await list({ name: 'b', pageSize: 1, pageToken: versions.nextPageToken });
    expect(older.workflows.map(({ version }) => version)).toEqual([1]);
    const foreign = await refused(list({ pageToken: versions.nextPageToken }));
    expect(foreign).toMatchObject({ reason: 'INVALID_PAGE_TOKEN' });
    expect((await list({ namespace: 'other' })).workflows).toEqual([]);
  });

  test('are forgotten by version or whole; their numbers are not given twice', async () => {
    const { put, get, workflows } = await open();
    await put();
    await put({ description: 'second' });
    const remove = (version: number, requestId = '') =>
      workflows.call('DeleteWorkflow', { requestId, workflow: daily(version) });
    expect(await remove(2, 'd')).toMatchObject({ deletedCount: 1 });
    expect(await remove(2, 'd')).toMatchObject({ deletedCount: 1 });
    expect(await refused(remove(2))).toMatchObject({
      code: 5,
      reason: 'WORKFLOW_NOT_FOUND',
      metadata: { namespace: 'default', workflow: 'reports.daily', version: '2' },
      fields: ['workflow'],
    });
    expect(await put({ description: 'third' })).toMatchObject({ version: 3 });
    expect(await remove(0)).toMatchObject({ deletedCount: 2 });
    expect(await refused(get('reports.daily'))).toMatchObject({ reason: 'WORKFLOW_NOT_FOUND' });
    expect(await put()).toMatchObject({ version: 1 });
  });
});

describe('a run from a workflow', () => {
  test('is a copy of that version, and tells its origin and its input', async () => {
    const { doors, put, runs, submit } = await open();
    const worker = await startWorker(doors.runtime);
    await put();
    await put({ spec: { name: 'two', tasks: [...spec.tasks, { key: 'b', capability: 'work' }] } });
    await submit({ runId: 'old', workflow: daily(1), input: json({ name: 'x' }) });
    await submit({ runId: 'new', workflow: daily(), input: json({ name: 'y' }) });
    const get = (runId: string) =>
      runs.call<typeof GetRunResponseSchema>('GetRun', { runId, payloadForm: PayloadForm.VALUE });
    const old = (await get('old')).run;
    expect(old).toMatchObject({ name: 'daily', labels: { a: '1' }, workflow: { ...daily(1) } });
    expect(old?.input?.data.value).toMatchObject({
      kind: { value: { fields: { name: { kind: { value: 'x' } } } } },
    });
    expect((await get('new')).run?.workflow).toMatchObject(daily(2));
    const tasks = await runs.call<typeof ListTasksResponseSchema>('ListTasks', { runId: 'new' });
    expect(tasks.tasks.map(({ key }) => key)).toEqual(['a', 'b']);
    // The workflow goes, its runs go on.
    await grpcClient(doors.grpc, WorkflowService).call('DeleteWorkflow', { workflow: daily() });
    await worker.complete(3);
    expect(await runs.call('WaitRun', { runId: 'new' })).toMatchObject({
      finished: true,
      run: { workflow: daily(2), input: {} },
    });
    expect(await runs.call('ListRuns', {})).toMatchObject({
      runs: [{ workflow: daily(2) }, { workflow: daily(1) }],
    });
  });

  test('with an input that does not match is told each field', async () => {
    const { put, runs, submit } = await open();
    await put();
    const refusal = await refused(submit({ workflow: daily(), input: json({ count: 1.5 }) }));
    expect(refusal).toMatchObject({
      code: 3,
      reason: 'INVALID_FIELD',
      fields: ['run.input.name', 'run.input.count'],
    });
    expect(refusal.message).toMatch(/^run\.input\.name is missing.*\(and 1 more\)$/);
    expect(await refused(submit({ workflow: daily() }))).toMatchObject({ fields: ['run.input'] });
    const noJson = { data: { case: 'bytes', value: Buffer.from('{') } };
    expect(await refused(submit({ workflow: daily(), input: noJson }))).toMatchObject({
      fields: ['run.input'],
    });
    expect(await runs.call('ListRuns', {})).toMatchObject({ runs: [] });
  });

  test('that gives none takes the input of the template', async () => {
    const { put, runs, submit } = await open();
    await put({ spec: { ...spec, input: json({ name: 'default' }) } });
    await submit({ runId: 'r', workflow: daily() });
    const { run } = await runs.call<typeof GetRunResponseSchema>('GetRun', { runId: 'r' });
    expect(Buffer.from(run?.input?.data.value as Uint8Array).toString()).toBe('{"name":"default"}');
  });

  test.each<[string, object, string, string]>([
    ['of no workflow', { workflow: { name: 'none' } }, 'WORKFLOW_NOT_FOUND', 'run.workflow'],
    ['of no such version', { workflow: daily(9) }, 'WORKFLOW_NOT_FOUND', 'run.workflow'],
    ['of a bad name', { workflow: { name: 'A b' } }, 'INVALID_FIELD', 'run.workflow.name'],
    ['of a specification too', { workflow: daily(), spec }, 'INVALID_FIELD', 'run.workflow'],
    ['of nothing', {}, 'INVALID_FIELD', 'run.spec'],
    ['with an input besides a specification', { spec, input: json(1) }, 'INVALID_FIELD', 'run.input'],
  ])('%s is refused', async (_what, run, reason, field) => {
    const { put, submit } = await open();
    await put();
    expect(await refused(submit(run))).toMatchObject({ reason, fields: [field] });
  });

  test('is answered as before when its request or its run id is repeated, whatever became of the workflow', async () => {
    const { put, submit, workflows } = await open();
    await put();
    const run = { workflow: daily(), input: json({ name: 'x' }) };
    const first = await submit(run, 'r');
    const chosen = { ...run, runId: 'chosen', runIdConflict: 2 };
    await submit(chosen);
    await workflows.call('DeleteWorkflow', { workflow: daily() });
    expect(await submit(run, 'r')).toEqual(first);
    expect(await submit(chosen)).toMatchObject({ runId: 'chosen', existed: true });
    expect(await refused(submit({ ...chosen, runIdConflict: 1 }))).toMatchObject({
      reason: 'RUN_ALREADY_EXISTS',
    });
    expect(await refused(submit(run))).toMatchObject({ reason: 'WORKFLOW_NOT_FOUND' });
  });

  test('of many is accepted or refused on its own', async () => {
    const { put, runs } = await open();
    await put();
    const { results } = await runs.call<typeof SubmitRunsResponseSchema>('SubmitRuns', {
      runs: [
        { workflow: daily(), input: json({ name: 'x' }) },
        { workflow: daily(), input: json({ name: 1 }) },
        { spec },
      ],
    });
    expect(results.map(({ result }) => result.case)).toEqual(['submitted', 'error', 'submitted']);
  });
});
