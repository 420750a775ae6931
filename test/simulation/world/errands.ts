// Runs that need what is there already: the result of another run, or a payload that was stored before.

import { createHash } from 'node:crypto';
import { compileGraph } from '../../../services/orchestrator/src/domain/compile.ts';
import type { Graph } from '../../../services/orchestrator/src/domain/graph.ts';
import type { Payload } from '../../../services/orchestrator/src/domain/payload.ts';
import type { TaskSpec } from '../../../services/orchestrator/src/domain/spec.ts';
import type { RunRow, TaskRow } from '../../../services/orchestrator/src/store/port.ts';
import { edge, plainRun, plainTask } from '../scenario/tasks.ts';
import type { Cluster } from './cluster.ts';
import type { Process } from './process.ts';
import { json } from './work.ts';

/** Two tasks, the first of which is done by what a task of another run came to (F.4). */
export function linkTo(cluster: Cluster, row: RunRow, tasks: readonly TaskRow[]): Graph | undefined {
  const done = tasks.find(({ state }) => state === 'COMPLETED');
  if (done === undefined) return undefined;
  const work = { type: 'LINK', runId: row.runId, taskKey: done.key, result: json('linked') } as const;
  return compiled(cluster, [
    plainTask('t0', '', { work }),
    plainTask('t1', 'work', { dependencies: [edge('t0', 'SUCCESS')] }),
  ]);
}

/** One task with an input that is stored apart (B.4); undefined if it could not be stored. */
export async function storeAndRefer(
  cluster: Cluster,
  process: Process,
  namespace: string,
  uploadId: string,
): Promise<Graph | undefined> {
  const bytes = Buffer.from(`"content of ${uploadId}"`);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const sizeBytes = bytes.length;
  const part = { namespace, uploadId, sha256, sizeBytes, offset: 0, bytes };
  const stored = await process.orchestrator.payloads.put(part);
  if (!stored.ok) return undefined;
  const input: Payload = { bytes: Buffer.alloc(0), contentType: '', ref: { sha256, sizeBytes } };
  return compiled(cluster, [plainTask('t0', 'work', { input })]);
}

function compiled(cluster: Cluster, tasks: readonly TaskSpec[]): Graph | undefined {
  const graph = compileGraph(plainRun(tasks), cluster.expressions, cluster.schemas);
  return graph.ok ? graph.value : undefined;
}
