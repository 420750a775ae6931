// How is a run drawn? From what is durable, within bounds that make one answer of it.

import { create } from '@bufbuild/protobuf';
import {
  type GetRunGraphRequest,
  type GetRunGraphResponse,
  GetRunGraphResponseSchema,
  GraphFormat,
} from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { performsItself } from '../../domain/admission.ts';
import { accept, type Refusal, type Result, reject } from '../../domain/rejection.ts';
import type { Orchestrator } from '../../runtime/orchestrator.ts';
import type { RunRow, TaskRow } from '../../store/port.ts';
import { GRAPH_BYTES, GRAPH_DEPENDENCIES, GRAPH_TASKS } from '../../wire/retry-hint.ts';
import { toTaskSpec } from '../../wire/spec.ts';
import { readTaskSpec } from '../../wire/stored-spec.ts';
import { namespaceOf } from '../call.ts';
import { toDot } from '../graph/dot.ts';
import { createRunGraph, isPart, type RunGraph, type TaskStanding } from '../graph/graph.ts';
import { toGraphJson } from '../graph/json.ts';
import { toMermaid } from '../graph/mermaid.ts';
import type { UnaryHandler } from '../method.ts';
import { findRun } from './runs.ts';

/** As the proto promises. */
const MAX_TASKS = 5_000;
/** With the items and checks, which are counted and not drawn. */
const MAX_ROWS = 100_000;
const MAX_DEPENDENCIES = 20_000;
/** Clients of gRPC take 4 MiB at once where nothing else is set. */
const MAX_BYTES = 3 * 1024 * 1024;

export interface GraphHandlers {
  readonly getRunGraph: UnaryHandler<GetRunGraphRequest, GetRunGraphResponse>;
}

type GraphOrchestrator = Pick<Orchestrator, 'offers'> & {
  readonly queries: Pick<Orchestrator['queries'], 'getRun' | 'listTasks'>;
};

export function createGraphHandlers(orchestrator: GraphOrchestrator): GraphHandlers {
  const { queries } = orchestrator;
  return {
    async getRunGraph(request) {
      const namespace = namespaceOf(request);
      const run = await findRun(queries, namespace, request.runId);
      if (!run.ok) return run;
      const rows = await readRows(queries, namespace, run.value);
      if (!rows.ok) return rows;
      const tasks = standings(rows.value, (capability) => orchestrator.offers(namespace, capability));
      if (!tasks.ok) return tasks;
      return answer(createRunGraph(toGraphRun(namespace, run.value), tasks.value), request.format);
    },
  };
}

/** A run of up to so many tasks is read at one moment; one with more, by items, page by page. */
async function readRows(
  queries: GraphOrchestrator['queries'],
  namespace: string,
  { run, counts }: RunRow,
): Promise<Result<readonly TaskRow[]>> {
  const taskCount = Object.values(counts).reduce((sum, count) => sum + count, 0);
  if (taskCount > MAX_ROWS) return tooLarge(GRAPH_TASKS, MAX_ROWS, 'tasks, items included');
  const kept: TaskRow[] = [];
  let nodes = 0;
  for (let after = -1; ; ) {
    const rows = await queries.listTasks(namespace, run, { states: [], after, limit: MAX_TASKS });
    for (const row of rows) if (!isPart(row.key)) nodes += 1;
    if (nodes > MAX_TASKS) return tooLarge(GRAPH_TASKS, MAX_TASKS, 'tasks');
    kept.push(...rows);
    const last = rows.at(-1);
    if (last === undefined || rows.length < MAX_TASKS) return accept(kept);
    after = last.task;
  }
}

function toGraphRun(namespace: string, { runId, name, phase, reason }: RunRow): RunGraph['run'] {
  return { namespace, runId, name, state: phase, reason };
}

/**
 * Stops at the first dependency too many: there could be millions of them.
 * @param offers as Orchestrator.offers; asked once for each capability that a READY task needs
 */
function standings(
  rows: readonly TaskRow[],
  offers: (capability: string) => boolean | undefined,
): Result<readonly TaskStanding[]> {
  const offered = new Map<string, boolean | undefined>();
  const isOffered = (capability: string): boolean | undefined => {
    if (!offered.has(capability)) offered.set(capability, offers(capability));
    return offered.get(capability);
  };
  const tasks: TaskStanding[] = [];
  let dependencyCount = 0;
  for (const row of rows) {
    const { state, reason, attemptCount } = row;
    const spec = toTaskSpec(readTaskSpec(row));
    dependencyCount += spec.dependencies.length;
    if (dependencyCount > MAX_DEPENDENCIES) {
      return tooLarge(GRAPH_DEPENDENCIES, MAX_DEPENDENCIES, 'dependencies');
    }
    const asked = reason === 'FALLBACK' ? spec.handling.fallback : spec.capability;
    const hasNoExecutor = state === 'READY' && !performsItself(spec) && isOffered(asked) === false;
    tasks.push({ spec, state, reason: hasNoExecutor ? 'NO_EXECUTOR' : reason, attemptCount });
  }
  return accept(tasks);
}

function answer(graph: RunGraph, format: GraphFormat): Result<GetRunGraphResponse> {
  const text = render(graph, format);
  if (Buffer.byteLength(text) > MAX_BYTES) return tooLarge(GRAPH_BYTES, MAX_BYTES, 'bytes of text');
  return accept(create(GetRunGraphResponseSchema, { text }));
}

/** Mermaid is the default. */
function render(graph: RunGraph, format: GraphFormat): string {
  if (format === GraphFormat.DOT) return toDot(graph);
  if (format === GraphFormat.JSON) return toGraphJson(graph);
  return toMermaid(graph);
}

function tooLarge(resource: string, limit: number, what: string): Refusal {
  const message = `the graph has more than ${limit} ${what}, the most that is drawn; use ListTasks, which tells the same page by page`;
  return reject('LIMIT_REACHED', message, { resource, limit: String(limit) });
}
