// How do the benchmarks submit runs and know that they are done?

import { type MessageInitShape, toJsonString } from '@bufbuild/protobuf';
import type { ServiceError } from '@grpc/grpc-js';
import { OrchestratorService } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { type Run, RunSchema, type RunSpecSchema, RunState } from '@tutti/proto/tutti/v1/run_pb.ts';
import { retryDelayMsOf } from '../support/refusal.ts';
import type { Rpc } from '../support/rpc.ts';

const { submitRun, submitRuns, waitRun, listRuns } = OrchestratorService.method;

export type RunInit = MessageInitShape<typeof RunSpecSchema>;

/** A run of independent no-ops. */
export function flatRun(tasks: number): RunInit {
  return {
    name: 'flat',
    tasks: Array.from({ length: tasks }, (_, index) => ({ key: `t${index}`, capability: 'noop' })),
  };
}

/** A run of one task that comes to the time at which its handler began. */
export const STAMPED_RUN: RunInit = {
  name: 'stamped',
  tasks: [{ key: 't0', capability: 'stamp' }],
  outputTask: 't0',
};

/** A run of no-ops, each after the one before. */
export function chainRun(steps: number): RunInit {
  return {
    name: 'chain',
    tasks: Array.from({ length: steps }, (_, index) => ({
      key: `t${index}`,
      capability: 'noop',
      dependencies: index === 0 ? [] : [{ key: `t${index - 1}` }],
    })),
  };
}

/** One before, so many at once, one after all of them. */
export function fanRun(width: number): RunInit {
  const middle = Array.from({ length: width }, (_, index) => `m${index}`);
  return {
    name: 'fan',
    tasks: [
      { key: 'first', capability: 'noop' },
      ...middle.map((key) => ({ key, capability: 'noop', dependencies: [{ key: 'first' }] })),
      { key: 'last', capability: 'noop', dependencies: middle.map((key) => ({ key })) },
    ],
  };
}

export async function submit(rpc: Rpc, spec: RunInit): Promise<string> {
  return (await rpc.call(submitRun, { run: { spec } })).runId;
}

/** Throws unless the run ends COMPLETED within two minutes. */
export async function completed(rpc: Rpc, runId: string): Promise<Run> {
  const deadlineMs = performance.now() + 120_000;
  while (performance.now() < deadlineMs) {
    const { finished, run } = await rpc.call(waitRun, { runId, timeout: { seconds: 60n } });
    if (!finished || run === undefined) continue;
    if (run.state === RunState.COMPLETED) return run;
    throw new Error(`the run did not complete: ${toJsonString(RunSchema, run)}`);
  }
  throw new Error(`run ${runId} did not end within two minutes`);
}

/** Submits a run and waits for its end in the same call. Throws unless it ends COMPLETED within two minutes. */
export async function execute(rpc: Rpc, spec: RunInit): Promise<Run> {
  const { runId, finished, run } = await rpc.call(submitRun, { run: { spec }, wait: { seconds: 60n } });
  return finished && run?.state === RunState.COMPLETED ? run : completed(rpc, runId);
}

/** Submits all of them, some calls at once. Returns their ids. */
export async function submitAll(
  rpc: Rpc,
  specs: readonly RunInit[],
  batch: number,
  inFlight: number,
): Promise<string[]> {
  const runIds: string[] = [];
  let next = 0;
  const submitter = async () => {
    while (next < specs.length) {
      const runs = specs.slice(next, next + batch).map((spec) => ({ spec }));
      next += batch;
      const { results } = await whileRefused(() => rpc.call(submitRuns, { runs }));
      for (const { result } of results) {
        if (result.case !== 'submitted')
          throw new Error(`a run was refused: ${result.value?.message ?? 'no reason'}`);
        runIds.push(result.value.runId);
      }
    }
  };
  await Promise.all(Array.from({ length: inFlight }, submitter));
  return runIds;
}

/** Comes again when it is told to, as clients do: docs/overload.md. */
async function whileRefused<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const delayMs = retryDelayMsOf(error as ServiceError);
      if (delayMs === undefined) throw error;
      await new Promise((resolve) => setTimeout(resolve, delayMs));
    }
  }
}

/** Resolves once no run is active; throws if one did not complete. */
export async function allCompleted(rpc: Rpc, runIds: readonly string[]): Promise<void> {
  // Ready first, served first: with the last ones the rest is done, or very nearly.
  for (const runId of runIds.slice(-4)) await completed(rpc, runId);
  const active = [RunState.RUNNING, RunState.CANCELLING];
  for (let page = await rpc.call(listRuns, { states: active, pageSize: 1 }); page.runs[0] !== undefined; ) {
    await completed(rpc, page.runs[0].runId);
    page = await rpc.call(listRuns, { states: active, pageSize: 1 });
  }
  const failed = await rpc.call(listRuns, { states: [RunState.FAILED, RunState.CANCELLED], pageSize: 1 });
  if (failed.runs[0] !== undefined) throw new Error(`run ${failed.runs[0].runId} did not complete`);
}
