// F.4 at the door: a submission with links, repeated.

import type {
  GetTaskResponseSchema,
  SubmitRunResponseSchema,
} from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { OrchestratorService } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { RunLifeService } from '@tutti/proto/tutti/v1/run_life_service_pb.ts';
import { describe, expect, it } from 'vitest';
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

describe('F.4: a link to a link', () => {
  async function withLinks() {
    const { grpc, runtime } = await openDoors();
    const { call } = grpcClient(grpc, OrchestratorService);
    const submit = (runId: string, tasks: readonly object[]) =>
      call('SubmitRun', { run: { runId, spec: { tasks } } });
    await submit('origin', [{ key: 'a', capability: 'work' }]);
    await (await startWorker(runtime)).complete(1);
    const link = { runId: 'origin', taskKey: 'a' };
    await submit('first', [
      { key: 'plain', link },
      { key: 'refused', link, guardrails: [{ check: 'false' }] },
      { key: 'skipped', link, when: 'false' },
      { key: 'list', link, foreach: { items: [{ value: 1 }, { value: 2 }] } },
    ]);
    const linkTo = (taskKey: string) =>
      submit(`to-${taskKey}`, [{ key: 'b', link: { runId: 'first', taskKey } }]);
    const linkOf = async (runId: string) => {
      const { task } = await call<typeof GetTaskResponseSchema>('GetTask', { runId, taskKey: 'b' });
      return task?.spec?.link;
    };
    return { linkTo, linkOf };
  }

  it('is one to its origin', async () => {
    const { linkTo, linkOf } = await withLinks();
    await linkTo('plain');
    expect(await linkOf('to-plain')).toMatchObject({ runId: 'origin', taskKey: 'a' });
  });

  it('is refused if that did not complete', async () => {
    const { linkTo } = await withLinks();
    expect(await refused(linkTo('refused'))).toMatchObject({ reason: 'WRONG_STATE' });
    expect(await refused(linkTo('skipped'))).toMatchObject({ reason: 'WRONG_STATE' });
  });

  it('takes what it came to, where that is not what its origin did', async () => {
    const { linkTo, linkOf } = await withLinks();
    await linkTo('list');
    const link = await linkOf('to-list');
    expect(link).toMatchObject({ runId: 'first', taskKey: 'list' });
    expect(JSON.parse(new TextDecoder().decode(link?.result?.data.value as Uint8Array))).toHaveLength(2);
  });
});
