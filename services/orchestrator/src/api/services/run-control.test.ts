// F.2 from outside: pause, resume and re-run over both doors.

import { OrchestratorService } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { RunLifeService } from '@tutti/proto/tutti/v1/run_life_service_pb.ts';
import { RunState } from '@tutti/proto/tutti/v1/run_pb.ts';
import { expect, test } from 'vitest';
import { startWorker } from '../../runtime/orchestrator-fixture.ts';
import { grpcClient, openDoors, refused } from '../doors-fixture.ts';

const tasks = [
  { key: 'a', capability: 'work' },
  { key: 'b', capability: 'work', dependencies: [{ key: 'a' }] },
];

async function open() {
  const { grpc, http, runtime } = await openDoors();
  const { call } = grpcClient(grpc, OrchestratorService);
  const life = grpcClient(grpc, RunLifeService).call;
  const post = async (method: string, body: object) => {
    const answer = await fetch(`${http}/tutti.v1.RunLifeService/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: answer.status, body: (await answer.json()) as unknown };
  };
  await call('SubmitRun', { run: { runId: 'r', spec: { tasks } } });
  return { call, life, post, runtime };
}

test('F.2: a run is paused and goes on; GetRun and ListRuns tell which', async () => {
  const { call, life, post } = await open();

  await life('PauseRun', { runId: 'r', message: 'lunch' });
  expect(await call('GetRun', { runId: 'r' })).toMatchObject({ run: { paused: true } });
  expect(await call('ListRuns', {})).toMatchObject({ runs: [{ paused: true }] });
  expect(await post('ResumeRun', { runId: 'r' })).toEqual({ status: 200, body: {} });
  expect(await call('GetRun', { runId: 'r' })).toMatchObject({ run: { paused: false } });
});

test('F.2: a final run is done again, and waited for again', async () => {
  const { call, life, post, runtime } = await open();
  expect(await post('RerunRun', { runId: 'r', scope: 'RERUN_SCOPE_ALL' })).toMatchObject({ status: 400 });
  const worker = await startWorker(runtime);
  await worker.complete(2);
  expect(await call('WaitRun', { runId: 'r' })).toMatchObject({ finished: true });

  const again = await life('RerunRun', { runId: 'r', scope: 2, taskKey: 'b' });
  expect(again).toMatchObject({ resetCount: 1 });
  expect(await call('WaitRun', { runId: 'r', timeout: { seconds: 0n, nanos: 0 } })).toMatchObject({
    finished: false,
    run: { state: RunState.RUNNING, tasks: { completed: 1 } },
  });
  await worker.complete(1);
  expect(await call('WaitRun', { runId: 'r' })).toMatchObject({
    finished: true,
    run: { state: RunState.COMPLETED },
  });
  const task = (await call('GetTask', { runId: 'r', taskKey: 'b' })) as unknown as {
    task: { attempts: unknown[] };
  };
  expect(task.task.attempts).toHaveLength(2);
});

test('F.2: what makes no sense is refused with its field', async () => {
  const { life, runtime, call } = await open();
  const refusal = (method: string, request: object) => refused(life(method, request));
  const worker = await startWorker(runtime);
  await worker.complete(2);
  await call('WaitRun', { runId: 'r' });

  expect(await refusal('RerunRun', { runId: 'r' })).toMatchObject({
    fields: ['scope'],
    message: 'scope is 0: say which one; 0 stands for none',
  });
  expect(await refusal('RerunRun', { runId: 'r', scope: 2 })).toMatchObject({ fields: ['task_key'] });
  expect(await refusal('RerunRun', { runId: 'r', scope: 3, taskKey: 'a' })).toMatchObject({
    fields: ['task_key'],
  });
  expect(await refusal('RerunRun', { runId: 'r', scope: 7 })).toMatchObject({ fields: ['scope'] });
  expect(await refusal('RerunRun', { runId: 'r', scope: 1 })).toMatchObject({ reason: 'WRONG_STATE' });
  expect(await refusal('RerunRun', { runId: '', scope: 1 })).toMatchObject({ fields: ['run_id'] });
  expect(await refusal('PauseRun', { runId: 'r' })).toMatchObject({ reason: 'ALREADY_FINAL' });
  expect(await refusal('ResumeRun', { runId: 'x' })).toMatchObject({ reason: 'RUN_NOT_FOUND' });
});
