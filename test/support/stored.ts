// What does an orchestrator hold? For tests of what must leave no trace: equal before and after.

import type { JsonValue } from '@bufbuild/protobuf';
import { OrchestratorService } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { openHttpDoor } from './door.ts';
import type { Stack } from './stack.ts';

export interface Stored {
  /** Of the namespace `default`: every event that there is has one. */
  readonly latestRevision: string;
  /** All of the namespace `default`, in full. */
  readonly runs: JsonValue;
  /** How many runs were taken in, by namespace: also by namespaces nobody should have. */
  readonly submitted: readonly string[];
}

export async function readStored({ addresses }: Pick<Stack, 'addresses'>): Promise<Stored> {
  const beyond = { afterRevision: String(Number.MAX_SAFE_INTEGER) };
  const [refused, runs, metrics] = await Promise.all([
    // The refusal names the latest one.
    openHttpDoor(addresses.http).call(OrchestratorService.method.watch, beyond),
    fetch(`${addresses.http}/${OrchestratorService.typeName}/ListRuns`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ pageSize: 1_000 }),
    }),
    fetch(`${addresses.http}/metrics`),
  ]);
  if (refused.ok || refused.reason !== 'REVISION_IN_FUTURE') {
    throw new Error(`the latest revision is not told: ${JSON.stringify(refused)}`);
  }
  const lines = (await metrics.text()).split('\n');
  return {
    latestRevision: refused.metadata.latest ?? '',
    runs: (await runs.json()) as JsonValue,
    submitted: lines.filter((line) => line.startsWith('tutti_runs_submitted_total')).sort(),
  };
}
