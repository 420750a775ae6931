// Has every run that was acknowledged come to its end?

import { OrchestratorService } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { RunState } from '@tutti/proto/tutti/v1/run_pb.ts';
import { createRpc, type Rpc } from '../support/rpc.ts';
import type { Stack } from '../support/stack.ts';
import { pause } from './load.ts';
import { metricsOf, sumOf } from './progress.ts';
import { acknowledgedIn } from './submissions.ts';

const PATIENCE_MS = 180_000;
const PAGE_SIZE = 1_000;

/** Waits until no run is active, and then looks for each one that was acknowledged. */
export async function findUnended(
  stack: Stack,
  answers: readonly Buffer[],
  say: (line: string) => void,
): Promise<{ acknowledged: number; lost: readonly string[] }> {
  await untilIdle(stack);
  const missing = new Set(answers.flatMap(acknowledgedIn));
  const acknowledged = missing.size;
  say(`overload: looking for each of ${acknowledged} acknowledged runs among those that completed`);
  const rpc = createRpc(stack.addresses.grpc);
  for await (const runId of completedRuns(rpc)) missing.delete(runId);
  rpc.close();
  return { acknowledged, lost: [...missing] };
}

async function untilIdle(stack: Stack): Promise<void> {
  const deadlineMs = performance.now() + PATIENCE_MS;
  while (sumOf(await metricsOf(stack), 'tutti_runs_active') > 0) {
    if (performance.now() > deadlineMs) throw new Error(`runs are still active after ${PATIENCE_MS} ms`);
    await pause(200);
  }
}

async function* completedRuns(rpc: Rpc): AsyncGenerator<string> {
  const { listRuns } = OrchestratorService.method;
  for (let pageToken = '', isFirst = true; isFirst || pageToken !== ''; isFirst = false) {
    const page = await rpc.call(listRuns, { states: [RunState.COMPLETED], pageSize: PAGE_SIZE, pageToken });
    for (const { runId } of page.runs) yield runId;
    pageToken = page.nextPageToken;
  }
}
