// What do clients see of an orchestrator that has too much to do?

import { once } from 'node:events';
import { connect } from 'node:http2';
import { OrchestratorService } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { RunLifeService } from '@tutti/proto/tutti/v1/run_life_service_pb.ts';
import { expect, onTestFinished, test } from 'vitest';
import { type Rejection, reject } from '../domain/rejection.ts';
import { grpcClient, openDoors, postJson, refusalOfJson, refused } from './doors-fixture.ts';

const OVERLOADED: Rejection = {
  ...reject('LIMIT_REACHED', 'too much to do', { resource: 'ready_tasks', limit: '7' }).rejection,
  retryAfterMs: 1_500,
};
const spec = { tasks: [{ key: 'x', capability: 'work' }] };
const REFUSAL = {
  reason: 'LIMIT_REACHED',
  domain: 'tutti.v1',
  metadata: { resource: 'ready_tasks', limit: '7' },
  retryDelayMs: 1_500,
};

/** What was asked of it, and whether it is overloaded. */
function scriptedAdmission() {
  const admission = {
    overloaded: true,
    entered: [] as { sizeBytes: number; tasks: number }[],
    left: 0,
    /** Also for those who come again. */
    hard: true,
    refusal: (_sizeBytes: number, comesAgain: boolean) =>
      admission.overloaded && (admission.hard || !comesAgain) ? OVERLOADED : undefined,
    enter(sizeBytes: number, tasks: number, comesAgain: boolean) {
      if (admission.refusal(sizeBytes, comesAgain) !== undefined) return OVERLOADED;
      admission.entered.push({ sizeBytes, tasks });
      return () => {
        admission.left += 1;
      };
    },
  };
  return admission;
}

test('more work is refused with RESOURCE_EXHAUSTED, a reason and a time to come again', async () => {
  const { grpc } = await openDoors({ admission: scriptedAdmission() });
  const runs = grpcClient(grpc, OrchestratorService);
  const lives = grpcClient(grpc, RunLifeService);
  const calls = [
    runs.call('SubmitRun', { run: { runId: 'r', spec } }),
    runs.call('SubmitRuns', { runs: [{ spec }] }),
    lives.call('CopyRun', { runId: 'r' }),
    lives.call('RerunRun', { runId: 'r' }),
  ];
  for (const call of calls) expect(await refused(call)).toMatchObject({ code: 8, ...REFUSAL });
});

test('who comes again, and says so with the header of gRPC for it, comes first', async () => {
  const admission = scriptedAdmission();
  admission.hard = false;
  const { grpc, http } = await openDoors({ admission });
  const client = grpcClient(grpc, OrchestratorService);
  expect(await refused(client.call('SubmitRun', { run: { spec } }))).toMatchObject(REFUSAL);
  const again = { 'grpc-previous-rpc-attempts': '1' };
  expect(await client.call('SubmitRun', { run: { runId: 'a', spec } }, again)).toMatchObject({ runId: 'a' });
  expect((await postJson(http, 'SubmitRun', { run: { spec } })).status).toBe(429);
  expect((await postJson(http, 'SubmitRun', { run: { spec } }, again)).status).toBe(200);
});

test('it is refused with its headers alone: nobody waits for the rest of the request', async () => {
  const { grpc } = await openDoors({ admission: scriptedAdmission() });
  const session = connect(`http://${grpc}`);
  onTestFinished(() => session.destroy());
  const stream = session.request({
    ':method': 'POST',
    ':path': '/tutti.v1.OrchestratorService/SubmitRun',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  const [headers] = await once(stream, 'response');
  expect(headers).toMatchObject({ 'grpc-status': '8' });
  await once(stream.resume(), 'close');
});

test('it is refused before it is read', async () => {
  const { grpc } = await openDoors({ admission: scriptedAdmission() });
  const bytes = Buffer.from('this is no message');
  const refusal = await refused(grpcClient(grpc, OrchestratorService).call('SubmitRun', bytes));
  expect(refusal).toMatchObject({ code: 8, ...REFUSAL });
});

test('over HTTP it is 429 with Retry-After in whole seconds, and the same details', async () => {
  const { http } = await openDoors({ admission: scriptedAdmission() });
  const response = await fetch(`${http}/tutti.v1.OrchestratorService/SubmitRun`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ run: { spec } }),
  });
  expect(response.status).toBe(429);
  expect(response.headers.get('retry-after')).toBe('2');
  expect(refusalOfJson(await response.json())).toMatchObject({ code: 'resource_exhausted', ...REFUSAL });
});

test('what is under way is seen, waited for and stopped all the same', async () => {
  const admission = scriptedAdmission();
  const { grpc, http } = await openDoors({ admission });
  const client = grpcClient(grpc, OrchestratorService);
  admission.overloaded = false;
  await client.call('SubmitRun', { run: { runId: 'r', spec } });
  admission.overloaded = true;
  expect(await client.call('GetRun', { runId: 'r' })).toMatchObject({ run: { runId: 'r' } });
  expect(await client.call('ListRuns', {})).toMatchObject({ runs: [{ runId: 'r' }] });
  expect(await client.call('SignalRun', { runId: 'r', name: 's' })).toBeDefined();
  expect((await postJson(http, 'CancelRun', { runId: 'r' })).status).toBe(200);
  expect(await client.call('WaitRun', { runId: 'r' })).toMatchObject({ finished: true });
});

test('each request is charged with its bytes and its tasks, and freed of them however it ends', async () => {
  const admission = scriptedAdmission();
  admission.overloaded = false;
  const { grpc, http } = await openDoors({ admission });
  const client = grpcClient(grpc, OrchestratorService);
  const large = {
    tasks: [
      { key: 'x', capability: 'work', input: { data: { case: 'bytes', value: new Uint8Array(100_000) } } },
    ],
  };
  await client.call('SubmitRun', { run: { runId: 'a', spec } });
  await client.call('SubmitRun', { run: { runId: 'b', spec: large } });
  await client.call('SubmitRuns', { runs: [{ spec }, { spec }, { spec }] });
  await refused(client.call('SubmitRun', { run: { runId: 'a', spec } }));
  await postJson(http, 'SubmitRun', { run: { spec } });
  const whole = JSON.stringify({
    run: { spec: { tasks: [{ key: 'x', capability: 'work', input: { value: 'y'.repeat(9_000) } }] } },
  });
  await postJson(http, 'SubmitRun', whole);
  expect(admission.entered).toEqual([
    { sizeBytes: 4_096, tasks: 1 },
    { sizeBytes: expect.toSatisfy((bytes: number) => bytes > 100_000 && bytes < 101_000), tasks: 1 },
    { sizeBytes: 4_096, tasks: 3 },
    { sizeBytes: 4_096, tasks: 1 },
    { sizeBytes: 4_096, tasks: 1 },
    { sizeBytes: Buffer.byteLength(whole), tasks: 1 },
  ]);
  expect(admission.left).toBe(6);
});
