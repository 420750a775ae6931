// F.4 at the door: a submission with links, repeated.

import type { SubmitRunResponseSchema } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { OrchestratorService } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { RunLifeService } from '@tutti/proto/tutti/v1/run_life_service_pb.ts';
import { expect, it } from 'vitest';
import { startWorker } from '../../runtime/orchestrator-fixture.ts';
import { grpcClient, openDoors, refused } from '../doors-fixture.ts';

it('F.4: a repeated submission with a link gets its first answer, though both runs are gone', async () => {
  const { grpc, runtime } = await openDoors();
  const { call } = grpcClient(grpc, OrchestratorService);
  const life = grpcClient(grpc, RunLifeService);
  await call('SubmitRun', {
    run: { runId: 'origin', spec: { tasks: [{ key: 'a', capability: 'work' }] } },
  });
  await (await startWorker(runtime)).complete(1);
  const link = { runId: 'origin', taskKey: 'a' };
  const submission = { requestId: 'once', run: { runId: 'linking', spec: { tasks: [{ key: 'b', link }] } } };
  const first = await call<typeof SubmitRunResponseSchema>('SubmitRun', submission);
  expect((await refused(life.call('DeleteRun', { runId: 'origin' }))).reason).toBe('LINKED');
  await life.call('DeleteRun', { runId: 'linking' });
  await life.call('DeleteRun', { runId: 'origin' });
  expect(await call('SubmitRun', submission)).toEqual(first);
  const another = { ...submission, requestId: 'twice' };
  expect((await refused(call('SubmitRun', another))).reason).toBe('RUN_NOT_FOUND');
});
