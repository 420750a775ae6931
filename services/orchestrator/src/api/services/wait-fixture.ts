// Runs that end when a test says so, behind both doors, for tests of those who wait for them.

import {
  type GetRunResponseSchema,
  OrchestratorService,
  type SubmitRunResponseSchema,
  type WaitRunResponseSchema,
} from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { PayloadForm } from '@tutti/proto/tutti/v1/payload_pb.ts';
import { expect } from 'vitest';
import type { AttemptOutcome } from '../../engine/inputs.ts';
import type { Fixture } from '../../runtime/orchestrator-fixture.ts';
import { type Doors, grpcClient, openDoors } from '../doors-fixture.ts';

export const AN_HOUR = { seconds: 3_600n };
export const work = { key: 'a', capability: 'work' };
export const spec = { tasks: [work] };
const bytesOf = (value: unknown) => new Uint8Array(Buffer.from(JSON.stringify(value)));
export const json = (value: unknown) => ({ data: { case: 'bytes', value: bytesOf(value) } });
export const completed = (value: unknown): AttemptOutcome => ({
  type: 'Completed',
  result: { bytes: bytesOf(value), contentType: '' },
});
export const FAILED: AttemptOutcome = {
  type: 'Failed',
  error: { code: 'BAD', message: 'no', details: undefined },
  final: true,
  retryAfterMs: undefined,
};

/** Both doors over a runtime with an executor, which reports what a test tells it to. Default: a runtime of its own. */
export async function open(doors?: Doors, runtime?: Fixture) {
  const opened = doors === undefined ? await openDoors() : { ...doors, runtime: runtime as Fixture };
  const { grpc, http } = opened;
  const client = grpcClient(grpc, OrchestratorService);
  const { orchestrator } = opened.runtime;
  return {
    client,
    call: client.call,
    http,
    grpc,
    runtime: opened.runtime,
    orchestrator,
    submit: (run: object, more: object = { wait: AN_HOUR }) =>
      client.call<typeof SubmitRunResponseSchema>('SubmitRun', { run, ...more }),
    wait: (runId: string, more: object = {}) =>
      client.call<typeof WaitRunResponseSchema>('WaitRun', { runId, timeout: AN_HOUR, ...more }),
    get: async (runId: string, payloadForm: PayloadForm = PayloadForm.UNSPECIFIED) =>
      (await client.call<typeof GetRunResponseSchema>('GetRun', { runId, payloadForm })).run,
    /** Resolves once so many wait or watch. */
    waiters: (count: number) => expect.poll(() => orchestrator.watcherCount()).toBe(count),
    act: await startExecutor(opened.runtime),
  };
}

/** Ends attempts one after the other, in the order in which they were assigned. */
async function startExecutor({ orchestrator, assigned }: Fixture) {
  const executorId = 'e';
  let session = '';
  let ended = 0;

  /** @param held what it has under way */
  async function register(held: readonly string[] = []): Promise<void> {
    const registered = await orchestrator.call('default', 'RegisterExecutor', {
      executorId,
      capabilities: [{ name: 'work', version: '', maxConcurrency: 0 }],
      labels: {},
      slots: 10,
      held,
      phase: 'ACTIVE',
    });
    if (!registered.ok) throw new Error(registered.rejection.message);
    session = registered.value.session;
  }

  /** Of the oldest attempt that is under way. */
  async function leaseToken(): Promise<string> {
    await expect.poll(() => assigned().length).toBeGreaterThan(ended);
    return assigned()[ended]?.leaseToken ?? '';
  }

  /** Ends it. Throws where that is not recorded. */
  async function report(outcome: AttemptOutcome): Promise<void> {
    const reports = [{ leaseToken: await leaseToken(), outcome, usage: undefined }];
    const reply = await orchestrator.call('default', 'Report', { executorId, session, reports });
    if (!reply.ok) throw new Error(reply.rejection.message);
    ended += 1;
  }

  await register();
  return { register, leaseToken, report };
}

export type Scene = Awaited<ReturnType<typeof open>>;
