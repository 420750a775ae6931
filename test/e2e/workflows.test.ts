// Workflows from the file of the example to the end of a run, against real processes (issue 3, item 5):
// the SDK, both doors and a killed orchestrator. docs/workflows.md tells the same.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromJson, type JsonValue } from '@bufbuild/protobuf';
import {
  createClient,
  json,
  StateReason,
  TaskState,
  TuttiError,
  WorkflowTemplateSchema,
} from '@tutti/client/client';
import { OrchestratorService } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { WorkflowService } from '@tutti/proto/tutti/v1/workflow_service_pb.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type Door, openGrpcDoor, openHttpDoor } from '../support/door.ts';
import { type Stack, startStack } from '../support/stack.ts';

const example = join(import.meta.dirname, '..', 'examples', 'workflow-report.yaml');
let template: JsonValue;
let stack: Stack;

beforeAll(async () => {
  template = parse(await readFile(example, 'utf8')) as JsonValue;
  stack = await startStack({ executors: 1 });
});
afterAll(() => stack?.stop());

test('a run is started from a version, and goes on when that is gone and the orchestrator was killed', async () => {
  const client = createClient({ address: stack.addresses.grpc });
  try {
    const report = fromJson(WorkflowTemplateSchema, template);
    expect(await client.workflows.put(report)).toEqual({ version: 1, existed: false });
    expect(await client.workflows.put(report)).toEqual({ version: 1, existed: true });
    const next = { ...report, description: 'The next one' };
    expect(await client.workflows.put(next)).toEqual({ version: 2, existed: false });

    const input = { customer: { name: 'Ada' }, pages: 2 };
    const run = await client.submit({ workflow: { name: 'report', version: 1 }, input });
    expect(await run.wait()).toMatchObject({ succeeded: true, run: { labels: { kind: 'report' } } });
    expect(await run.result('page')).toEqual({ page: 1 });

    await stack.orchestrator.kill();
    await stack.restartOrchestrator();

    const after = await run.get();
    expect(after.workflow).toMatchObject({ name: 'report', version: 1 });
    expect(JSON.parse(Buffer.from(after.input?.data.value as Uint8Array).toString())).toEqual(input);
    expect(await client.workflows.get('report')).toMatchObject({ version: 2, description: 'The next one' });
    const versions: number[] = [];
    for await (const { version } of client.workflows.versions('report')) versions.push(version);
    expect(versions).toEqual([2, 1]);

    const latest = await client.submit({ workflow: 'report', input });
    expect(await client.workflows.delete('report')).toEqual({ deletedCount: 2 });
    expect(await latest.wait()).toMatchObject({ succeeded: true, run: { workflow: { version: 2 } } });
    const gone = await client.submit({ workflow: 'report', input }).catch((error: unknown) => error);
    expect(gone).toMatchObject({ reason: 'WORKFLOW_NOT_FOUND', code: 'NOT_FOUND' });
    expect(gone).toBeInstanceOf(TuttiError);
  } finally {
    client.close();
  }
});

test('what a run is started with decides what runs, on what, and what the run comes to (B.3, B.5, C.1)', async () => {
  const client = createClient({ address: stack.addresses.grpc });
  try {
    await client.workflows.put({
      name: 'routed-report',
      inputSchema: { type: ['object', 'null'], properties: { pages: { type: 'integer' } } },
      spec: {
        output: '{"states": states, "pages": input.pages}',
        tasks: [
          { key: 'page', capability: 'echo', inputExpression: '{"page": input.pages}' },
          { key: 'index', capability: 'echo', after: ['page'], when: 'input.pages > 1' },
        ],
      },
    });
    const start = (input: JsonValue | undefined) => client.submit({ workflow: 'routed-report', input });

    const long = await start({ pages: 2 });
    const longEnd = await long.wait();
    expect(longEnd.succeeded).toBe(true);
    expect(await long.result('page')).toEqual({ page: 2 });
    expect(json(longEnd.run.output)).toEqual({ states: { page: 'COMPLETED', index: 'COMPLETED' }, pages: 2 });

    const short = await start({ pages: 1 });
    const shortEnd = await short.wait();
    expect(json(shortEnd.run.output)).toEqual({ states: { page: 'COMPLETED', index: 'SKIPPED' }, pages: 1 });
    expect(await client.getTask(short.runId, 'index')).toMatchObject({
      state: TaskState.SKIPPED,
      reason: StateReason.CONDITION_FALSE,
    });

    // Left out, it is null.
    const bare = await start(undefined);
    expect(await bare.wait()).toMatchObject({ succeeded: false, run: { failedTask: 'page' } });
    expect(await client.getTask(bare.runId, 'page')).toMatchObject({
      state: TaskState.FAILED,
      reason: StateReason.EXPRESSION_FAILED,
    });

    const misspelt = { tasks: [{ key: 'page', capability: 'echo', when: 'imput.pages > 1' }] };
    const refused = client.workflows.put({ name: 'misspelt', spec: misspelt });
    await expect(refused).rejects.toMatchObject({
      reason: 'INVALID_EXPRESSION',
      fieldViolations: [expect.objectContaining({ field: 'workflow.spec.tasks[0].when' })],
    });
  } finally {
    client.close();
  }
});

test('bad input gets the same answer through both doors, with every field that is wrong', async () => {
  const doors: Door[] = [openGrpcDoor(stack.addresses.grpc), openHttpDoor(stack.addresses.http)];
  const { submitRun } = OrchestratorService.method;
  const { putWorkflow, getWorkflow, deleteWorkflow, listWorkflows } = WorkflowService.method;
  for (const door of doors) {
    const refused = async (...call: Parameters<Door['call']>) => {
      const outcome = await door.call(...call);
      if (outcome.ok) throw new Error('it was accepted');
      return outcome;
    };
    try {
      expect(await door.call(putWorkflow, { workflow: template })).toEqual({ ok: true });
      const input = { value: { customer: {}, pages: 0.5, more: 1 } };
      expect(await refused(submitRun, { run: { workflow: { name: 'report' }, input } })).toMatchObject({
        reason: 'INVALID_FIELD',
        fields: expect.arrayContaining(['run.input.customer.name', 'run.input.more', 'run.input.pages']),
      });
      const remote = { name: 'x', inputSchema: { $ref: 'http://127.0.0.1:1/' }, spec: { tasks: [] } };
      expect(await refused(putWorkflow, { workflow: remote })).toMatchObject({
        fields: ['workflow.spec.tasks'],
      });
      for (const [method, request] of [
        [getWorkflow, { workflow: { name: 'none' } }],
        [deleteWorkflow, { workflow: { name: 'report', version: 99 } }],
      ] as const) {
        expect(await refused(method, request)).toMatchObject({ reason: 'WORKFLOW_NOT_FOUND' });
      }
      expect(await refused(getWorkflow, {})).toMatchObject({ fields: ['workflow'] });
      expect(await refused(listWorkflows, { pageSize: -1 })).toMatchObject({ fields: ['page_size'] });
    } finally {
      door.close();
    }
  }
});
