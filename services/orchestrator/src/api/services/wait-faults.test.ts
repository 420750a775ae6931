// What becomes of those who wait for the end of a run when something goes wrong, or somebody goes away?

import { RerunScope } from '@tutti/proto/tutti/v1/event_pb.ts';
import { OrchestratorService } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { RunLifeService } from '@tutti/proto/tutti/v1/run_life_service_pb.ts';
import { RunState } from '@tutti/proto/tutti/v1/run_pb.ts';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type CommitFate, type Fixture, startFixture } from '../../runtime/orchestrator-fixture.ts';
import { type CommitBatch, StoreError } from '../../store/port.ts';
import { grpcClient, openDoorsTo, refused } from '../doors-fixture.ts';
import { AN_HOUR, completed, FAILED, open, type Scene, spec, work } from './wait-fixture.ts';

async function openLimited(maxWatchers: number) {
  const runtime = await startFixture({ maxWatchers });
  onTestFinished(() => runtime.orchestrator.stop());
  return open(await openDoorsTo(runtime.orchestrator), runtime);
}

/** From now on the commits are as `fate` says; resolves once the first is under way. */
function gateOf(runtime: Fixture, fate: Promise<CommitFate>): Promise<void> {
  const reached = Promise.withResolvers<void>();
  runtime.gate = (_batch: CommitBatch) => {
    reached.resolve();
    return fate;
  };
  return reached.promise;
}

const REPORT = completed(1);

describe('an end whose commit is under way', () => {
  test('is told to who begins to wait just then, once it is durable', async () => {
    const { submit, wait, act, runtime, waiters, get } = await open();
    await submit({ runId: 'r', spec }, {});
    await act.leaseToken();
    const fate = Promise.withResolvers<CommitFate>();
    const reached = gateOf(runtime, fate.promise);
    const reported = act.report(REPORT);
    await reached;
    let answered = false;
    const late = wait('r').finally(() => {
      answered = true;
    });
    await waiters(1);
    expect(answered).toBe(false);
    fate.resolve('COMMIT');
    await reported;
    expect(await late).toMatchObject({ finished: true, run: await get('r') });
  });

  test.each(['FAIL', 'COMMIT_AND_FAIL'] as const)(
    'and fails (%s) is not told; the wait goes on behind the engine that is loaded anew',
    async (how) => {
      const { submit, wait, act, runtime, waiters, get } = await open();
      const submitted = submit({ runId: 'r', spec });
      await waiters(1);
      const waits = [submitted, wait('r')];
      await waiters(2);
      await act.leaseToken();
      const fate = Promise.withResolvers<CommitFate>();
      const reached = gateOf(runtime, fate.promise);
      const reported = act.report(REPORT);
      await reached;
      runtime.gate = async () => 'COMMIT';
      fate.resolve(how);
      await expect(reported).rejects.toThrow('whether it took effect is unknown');
      if (how === 'FAIL') {
        // Nobody is told of an end that is not one.
        await waiters(2);
        expect(await get('r')).toMatchObject({ state: RunState.RUNNING });
        await act.register([await act.leaseToken()]);
        await act.report(REPORT);
      }
      for (const waited of await Promise.all(waits)) {
        expect(waited).toMatchObject({ finished: true, run: await get('r') });
      }
      await waiters(0);
    },
  );
});

describe('a process that stops', () => {
  test('answers a submission that waits, for its run is on disk, and refuses other waits (NOT_SERVING)', async () => {
    const { submit, wait, orchestrator, waiters } = await open();
    const submitted = submit({ runId: 'r', spec });
    await waiters(1);
    const waited = refused(wait('r'));
    await waiters(2);
    await orchestrator.stop();
    expect(await submitted).toMatchObject({ runId: 'r', revision: 1n, finished: false });
    expect(await waited).toMatchObject({ code: 14, reason: 'NOT_SERVING' });
    expect(orchestrator.watcherCount()).toBe(0);
  });
});

describe('a store that cannot be read', () => {
  test('lets a submission be, without the wait, and is told to other waits; a defect is told to all', async () => {
    let failure: Error = new StoreError('FAILED', 'the disk cannot be read');
    const runtime = await startFixture({}, undefined, () => ({ getRun: () => Promise.reject(failure) }));
    onTestFinished(() => runtime.orchestrator.stop());
    const doors = await openDoorsTo(runtime.orchestrator);
    const { call } = grpcClient(doors.grpc, OrchestratorService);
    const timeout = { seconds: 0n, nanos: 20_000_000 };
    const submitted = await call('SubmitRun', { run: { runId: 'r', spec }, wait: timeout });
    expect(submitted).toMatchObject({ runId: 'r', finished: false });
    expect(doors.logged).toEqual([]);
    expect(await refused(call('WaitRun', { runId: 'r', timeout }))).toMatchObject({ reason: 'INTERNAL' });
    failure = new Error('a defect');
    const other = call('SubmitRun', { run: { runId: 's', spec }, wait: timeout });
    expect(await refused(other)).toMatchObject({ reason: 'INTERNAL' });
  });
});

describe('as many watchers as there may be', () => {
  test('let a submission be, without the wait, and refuse other waits', async () => {
    const { submit, wait, act, waiters } = await openLimited(1);
    const first = submit({ runId: 'r', spec });
    await waiters(1);
    const beyond = await submit({ runId: 's', spec: { tasks: [{ ...work, key: 'b' }] } });
    expect(beyond).toMatchObject({ runId: 's', finished: false });
    expect(beyond.run).toBeUndefined();
    expect(await refused(wait('s'))).toMatchObject({
      reason: 'LIMIT_REACHED',
      metadata: { resource: 'watchers', limit: '1' },
    });
    await act.report(REPORT);
    expect(await first).toMatchObject({ finished: true });
    await act.report(REPORT);
    expect(await wait('s')).toMatchObject({ finished: true });
    await waiters(0);
  });
});

describe('a client that goes away leaves nobody waiting, and its run goes on', () => {
  const request = { run: { runId: 'r', spec }, wait: AN_HOUR };

  test.each<[string, (scene: Scene) => () => void]>([
    [
      'over gRPC',
      ({ client }) => {
        const submitted = client.stream('SubmitRun', request);
        submitted.on('error', () => {});
        return () => submitted.cancel();
      },
    ],
    [
      'over HTTP',
      ({ http }) => {
        const gone = new AbortController();
        const { signal } = gone;
        const body = JSON.stringify({ ...request, wait: '3600s' });
        const headers = { 'content-type': 'application/json' };
        const url = `${http}/tutti.v1.OrchestratorService/SubmitRun`;
        fetch(url, { method: 'POST', headers, body, signal }).catch(() => {});
        return () => gone.abort();
      },
    ],
  ])('%s', async (_door, submit) => {
    const scene = await open();
    const leave = submit(scene);
    await scene.waiters(1);
    leave();
    await scene.waiters(0);
    await scene.act.report(REPORT);
    expect(await scene.wait('r')).toMatchObject({ finished: true });
  });

  test('or whose deadline passes', async () => {
    const { submit, act, waiters, client, get } = await open();
    await submit(request.run, {});
    const existing = { ...request, run: { ...request.run, runIdConflict: 2 } };
    const overdue = client.call('SubmitRun', existing, {}, Date.now() + 100);
    expect(await refused(overdue)).toMatchObject({ code: 4 });
    await waiters(0);
    await act.report(REPORT);
    expect(await submit({ runId: 'r', runIdConflict: 2, spec })).toMatchObject({
      finished: true,
      run: await get('r'),
    });
  });
});

describe('after the end', () => {
  test('a re-run is under way at once, and has an end of its own', async () => {
    const { submit, wait, act, grpc, waiters, get } = await open();
    const first = submit({ runId: 'r', spec });
    await waiters(1);
    await act.report(REPORT);
    const before = await first;
    await grpcClient(grpc, RunLifeService).call('RerunRun', { runId: 'r', scope: RerunScope.ALL });
    const again = wait('r');
    await waiters(1);
    await act.report(FAILED);
    expect(await again).toMatchObject({ finished: true, run: { state: RunState.FAILED } });
    expect((await again).run).toEqual(await get('r'));
    expect(before.run).toMatchObject({ state: RunState.COMPLETED });
  });

  test('a run is deleted: a repeat of its submission is told its id, and that nobody can wait for it', async () => {
    const { submit, act, grpc, wait } = await open();
    const request = { requestId: 'once', wait: AN_HOUR };
    const first = submit({ spec }, request);
    await act.report(REPORT);
    const { runId } = await first;
    await grpcClient(grpc, RunLifeService).call('DeleteRun', { runId });
    const repeated = await submit({ spec }, request);
    expect(repeated).toMatchObject({ runId, finished: false });
    expect(repeated.run).toBeUndefined();
    expect(await refused(wait(runId))).toMatchObject({ reason: 'RUN_NOT_FOUND' });
  });
});
