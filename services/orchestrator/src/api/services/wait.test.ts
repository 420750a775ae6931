// G.3 from outside: one waits for the end of a run, in the call that submits it or in one of its own.

import type { ListRunsResponseSchema } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { PayloadForm } from '@tutti/proto/tutti/v1/payload_pb.ts';
import { RunLifeService } from '@tutti/proto/tutti/v1/run_life_service_pb.ts';
import { RunState } from '@tutti/proto/tutti/v1/run_pb.ts';
import { WorkflowService } from '@tutti/proto/tutti/v1/workflow_service_pb.ts';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { EMPTY_PAYLOAD } from '../../domain/payload.ts';
import { startFixture } from '../../runtime/orchestrator-fixture.ts';
import { grpcClient, openDoorsTo, postJson, refused } from '../doors-fixture.ts';
import { AN_HOUR, completed, FAILED, json, open, type Scene, spec, work } from './wait-fixture.ts';

describe('G.3: an end that is told from memory is what GetRun tells afterwards', () => {
  const labelled = { name: 'daily', labels: { b: '2', a: '1' } };
  const output = '{"twice": input.n * 2.0, "a": results.a}';

  test.each<[string, object, (scene: Scene) => Promise<unknown>, RunState]>([
    ['completed', spec, ({ act }) => act.report(completed(1)), RunState.COMPLETED],
    [
      'with labels, input and output',
      { ...spec, ...labelled, input: json({ n: 2 }), output },
      ({ act }) => act.report(completed({ words: ['x', null] })),
      RunState.COMPLETED,
    ],
    [
      'with a result that is no JSON',
      {
        ...spec,
        outputTask: 'a',
        input: { data: { case: 'bytes', value: Buffer.from([1, 2]) }, contentType: 'image/png' },
      },
      ({ act }) =>
        act.report({ type: 'Completed', result: { bytes: new Uint8Array([9]), contentType: 'image/png' } }),
      RunState.COMPLETED,
    ],
    [
      'whose task came to nothing',
      { ...spec, outputTask: 'a' },
      ({ act }) => act.report({ type: 'Completed', result: EMPTY_PAYLOAD }),
      RunState.COMPLETED,
    ],
    ['failed', { ...spec, input: json('x'), output }, ({ act }) => act.report(FAILED), RunState.FAILED],
    [
      'whose output cannot be computed',
      { ...spec, output: 'results.a.none' },
      ({ act }) => act.report(completed({})),
      RunState.FAILED,
    ],
    [
      'cancelled',
      { ...spec, tasks: [work, { key: 'b', capability: 'nobody' }] },
      async ({ act, call }) => {
        await act.leaseToken();
        await call('CancelRun', { runId: 'r', message: 'enough' });
        await act.report({ type: 'Cancelled', partialResult: undefined });
      },
      RunState.CANCELLED,
    ],
    [
      'that grew',
      spec,
      async ({ act, call }) => {
        await call('AddTasks', {
          runId: 'r',
          leaseToken: await act.leaseToken(),
          tasks: [{ ...work, key: 'b' }],
        });
        await act.report(completed(1));
        await act.report(completed(2));
      },
      RunState.COMPLETED,
    ],
    [
      'with a child run',
      { tasks: [{ key: 'c', childRun: { spec: 'inner' } }], childSpecs: { inner: spec }, outputTask: 'c' },
      ({ act }) => act.report(completed(1)),
      RunState.COMPLETED,
    ],
    [
      'that was paused',
      spec,
      async ({ act, grpc }) => {
        await act.leaseToken();
        await grpcClient(grpc, RunLifeService).call('PauseRun', { runId: 'r' });
        await act.report(completed(1));
      },
      RunState.COMPLETED,
    ],
  ])('%s', async (_what, input, end, state) => {
    const scene = await open();
    const looks = vi.spyOn(scene.orchestrator.queries, 'getRun');
    const inValues = scene.submit(
      { runId: 'r', spec: input },
      { wait: AN_HOUR, payloadForm: PayloadForm.VALUE },
    );
    await scene.waiters(1);
    const waited = scene.wait('r');
    await scene.waiters(2);
    looks.mockClear();
    await end(scene);
    const [submitted, { finished, run }] = await Promise.all([inValues, waited]);
    expect(looks).not.toHaveBeenCalled();
    expect([submitted.finished, finished, run?.state]).toEqual([true, true, state]);
    expect(run).toEqual(await scene.get('r'));
    expect(submitted.run).toEqual(await scene.get('r', PayloadForm.VALUE));
    await scene.waiters(0);
  });

  test('a child run, by its own id', async () => {
    const { submit, wait, get, act, call, waiters } = await open();
    const parent = { tasks: [{ key: 'c', childRun: { spec: 'inner' } }], childSpecs: { inner: spec } };
    const submitted = submit({ runId: 'r', spec: parent });
    await act.leaseToken();
    const { runs } = await call<typeof ListRunsResponseSchema>('ListRuns', {});
    const child = runs.find(({ runId }) => runId !== 'r')?.runId ?? '';
    const waited = wait(child);
    await waiters(2);
    await act.report(completed(1));
    expect((await waited).run).toEqual(await get(child));
    expect((await waited).run?.parent).toMatchObject({ runId: 'r', taskKey: 'c' });
    expect(await submitted).toMatchObject({ finished: true });
  });

  test('a run from a workflow', async () => {
    const { submit, get, act, grpc, waiters } = await open();
    await grpcClient(grpc, WorkflowService).call('PutWorkflow', {
      workflow: { name: 'daily', spec: { ...spec, labels: { a: '1' }, output: 'input' } },
    });
    const submitted = submit({ runId: 'r', workflow: { name: 'daily' }, input: json({ n: 1 }) });
    await waiters(1);
    await act.report(completed(1));
    const { finished, run } = await submitted;
    expect(finished).toBe(true);
    expect(run).toEqual(await get('r'));
    expect(run).toMatchObject({ workflow: { name: 'daily', version: 1 }, labels: { a: '1' } });
  });

  test('in JSON over HTTP', async () => {
    const { act, http, waiters } = await open();
    const run = { runId: 'r', spec: { ...spec, output: 'results.a', input: { value: { n: 1 } } } };
    const answer = postJson(http, 'SubmitRun', { run, wait: '60s', payloadForm: 'PAYLOAD_FORM_VALUE' });
    await waiters(1);
    await act.report(completed({ words: ['x'] }));
    const { status, body } = await answer;
    const got = await postJson(http, 'GetRun', { runId: 'r', payloadForm: 'PAYLOAD_FORM_VALUE' });
    expect(status).toBe(200);
    expect(body).toEqual({ runId: 'r', revision: '1', finished: true, ...(got.body as object) });
    expect(body).toMatchObject({ run: { input: { value: { n: 1 } }, output: { value: { words: ['x'] } } } });
  });
});

describe('a submission that waits', () => {
  test('for a run that ends in the commit that begins it is told that end', async () => {
    const { submit, get, waiters } = await open();
    const atOnce = { tasks: [{ key: 'a', expression: '1 + 1' }], outputTask: 'a' };
    const { finished, run } = await submit({ runId: 'r', spec: atOnce });
    expect(finished).toBe(true);
    expect(run).toEqual(await get('r'));
    await waiters(0);
  });

  test('for no time at all is told how the run stands; one that does not say is told nothing', async () => {
    const { submit } = await open();
    const { finished, run } = await submit({ runId: 'r', spec }, { wait: {} });
    expect(finished).toBe(false);
    expect(run).toMatchObject({ runId: 'r', state: RunState.RUNNING });
    expect((await submit({ spec }, {})).run).toBeUndefined();
  });

  test('is told how the run stands when its time is over first, and nobody waits then', async () => {
    const { submit, waiters, orchestrator } = await open();
    const nobody = { tasks: [{ key: 'a', capability: 'nobody' }] };
    const { finished, run, runId } = await submit({ spec: nobody }, { wait: { nanos: 5_000_000 } });
    expect(finished).toBe(false);
    expect(run).toMatchObject({ runId, state: RunState.RUNNING, tasks: { ready: 1 } });
    await waiters(0);
    expect(orchestrator.watcherCount()).toBe(0);
  });

  test('and is repeated with its request id gets the same run, however long and in which form it waits', async () => {
    const { submit, act, waiters } = await open();
    const requestId = 'once';
    const first = await submit({ spec }, { requestId });
    const [second, third] = [
      submit({ spec }, { requestId, wait: AN_HOUR }),
      submit({ spec }, { requestId, wait: { seconds: 60n }, payloadForm: PayloadForm.VALUE }),
    ];
    await waiters(2);
    await act.report(completed(1));
    for (const answer of [await second, await third]) {
      expect(answer).toMatchObject({ runId: first.runId, revision: first.revision, finished: true });
    }
    // Final by now.
    expect(await submit({ spec }, { requestId, wait: {} })).toMatchObject({
      runId: first.runId,
      finished: true,
    });
    const other = submit({ spec: { ...spec, name: 'other' } }, { requestId, wait: AN_HOUR });
    expect(await refused(other)).toMatchObject({ reason: 'REQUEST_ID_REUSED' });
  });

  test('for a run that exists waits for that one, be it under way or final', async () => {
    const { submit, act, waiters, get } = await open();
    await submit({ runId: 'r', spec }, {});
    const existing = { runId: 'r', runIdConflict: 2, spec };
    const waited = submit(existing);
    await waiters(1);
    await act.report(completed(1));
    expect(await waited).toMatchObject({ existed: true, finished: true, run: { runId: 'r' } });
    expect(await submit(existing)).toMatchObject({ existed: true, finished: true, run: await get('r') });
  });

  test('and is refused does not wait', async () => {
    const { submit, waiters } = await open();
    await submit({ runId: 'r', spec }, {});
    expect(await refused(submit({ runId: 'r', spec }))).toMatchObject({ reason: 'RUN_ALREADY_EXISTS' });
    expect(await refused(submit({ spec: { tasks: [] } }))).toMatchObject({ fields: ['run.spec.tasks'] });
    await waiters(0);
  });

  test.each([
    ['less than nothing', { seconds: -1n }],
    ['more than an hour', { seconds: 3_600n, nanos: 1 }],
  ])('%s is refused with the field, and nothing is submitted', async (_what, wait) => {
    const { submit, call } = await open();
    expect(await refused(submit({ runId: 'r', spec }, { wait }))).toMatchObject({
      code: 3,
      reason: 'INVALID_FIELD',
      fields: ['wait'],
    });
    expect(await refused(call('GetRun', { runId: 'r' }))).toMatchObject({ reason: 'RUN_NOT_FOUND' });
  });

  test('counts for admission until it is on disk, and no longer', async () => {
    const runtime = await startFixture();
    onTestFinished(() => runtime.orchestrator.stop());
    let inside = 0;
    const enter = () => {
      inside += 1;
      return () => {
        inside -= 1;
      };
    };
    const admission = { enter, refusal: () => undefined };
    const scene = await open(await openDoorsTo(runtime.orchestrator, { admission }), runtime);
    const submitted = scene.submit({ spec });
    await scene.waiters(1);
    expect(inside).toBe(0);
    await scene.act.report(completed(1));
    await submitted;
    expect(inside).toBe(0);
  });
});
