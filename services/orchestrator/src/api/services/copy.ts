// What does a copy of a run look like, whole or a part of it (F.3, F.4)?

import { create, fromBinary } from '@bufbuild/protobuf';
import { RunRecordSchema } from '@tutti/proto/tutti/store/v1/record_pb.ts';
import {
  type CopyRunRequest,
  CopyRunRequestSchema,
  type CopyRunResponse,
  CopyRunResponseSchema,
} from '@tutti/proto/tutti/v1/run_life_service_pb.ts';
import { type RunSpec, RunSpecSchema } from '@tutti/proto/tutti/v1/run_pb.ts';
import { LinkSchema, type TaskSpec, TaskSpecSchema } from '@tutti/proto/tutti/v1/task_pb.ts';
import { accept, type Refusal, type Result, reject } from '../../domain/rejection.ts';
import type { SubmitRun } from '../../engine/inputs.ts';
import { taskNotFound } from '../../engine/requests.ts';
import type { Orchestrator, StoreQueries } from '../../runtime/orchestrator.ts';
import { readTaskSpec } from '../../wire/stored-spec.ts';
import { namespaceOf } from '../call.ts';
import { requestKeyOf } from '../fingerprint.ts';
import type { UnaryHandler } from '../method.ts';
import { type Languages, toGraph } from './graph-of-spec.ts';
import { withLinks } from './links.ts';
import { findRun } from './runs.ts';

export interface CopyDeps {
  readonly orchestrator: Pick<Orchestrator, 'submitPrepared' | 'queries'>;
  readonly languages: Languages;
  readonly newRunId: () => string;
}

export interface CopyHandlers {
  readonly copyRun: UnaryHandler<CopyRunRequest, CopyRunResponse>;
}

const TASKS_AT_ONCE = 1_000;

export function createCopyHandlers({ orchestrator, languages, newRunId }: CopyDeps): CopyHandlers {
  const { queries } = orchestrator;
  return {
    async copyRun(request, call) {
      const namespace = namespaceOf(request);
      let part: Part | undefined;
      const input: Omit<SubmitRun, 'graph'> = {
        runId: request.newRunId === '' ? newRunId() : request.newRunId,
        chosen: request.newRunId !== '',
        onConflict: 'FAIL',
        traceparent: call.traceparent,
        request: requestKeyOf(CopyRunRequestSchema, request),
      };
      const submitted = await orchestrator.submitPrepared(namespace, input, async () => {
        const chosen = await choose(queries, namespace, request);
        if (!chosen.ok) return chosen;
        part = chosen.value;
        const spec = await withLinks(queries, namespace, part.spec, 'run');
        return spec.ok ? toGraph(spec.value, languages, 'run') : spec;
      });
      if (!submitted.ok) return submitted;
      const { runId, revision } = submitted.value;
      const { copiedCount = 0, linkedCount = 0 } = part ?? (await recount(queries, namespace, runId));
      return accept(
        create(CopyRunResponseSchema, { runId, revision: BigInt(revision), copiedCount, linkedCount }),
      );
    },
  };
}

interface Part {
  readonly spec: RunSpec;
  readonly copiedCount: number;
  readonly linkedCount: number;
}

async function choose(
  queries: StoreQueries,
  namespace: string,
  request: CopyRunRequest,
): Promise<Result<Part>> {
  const run = await findRun(queries, namespace, request.runId);
  if (!run.ok) return run;
  const record = await queries.getRunRecord(namespace, run.value.run);
  const settings = record && fromBinary(RunRecordSchema, record).spec;
  if (settings === undefined) throw new Error(`stored run ${request.runId} has no record`);
  const manager = settings.manager === undefined ? '' : settings.manager.key || 'manager';
  const all = await readSpecs(queries, namespace, run.value.run, manager);
  const chosen = choosePart(all, request);
  if (!chosen.ok) return chosen;
  const { copied, linked } = chosen.value;
  const tasks: TaskSpec[] = [];
  for (const spec of all.values()) {
    if (copied.has(spec.key)) tasks.push(asCopied(spec, copied, linked));
    else if (linked.has(spec.key)) tasks.push(asLink(spec, request.runId));
  }
  const whole = copied.size + linked.size === all.size;
  const spec = create(RunSpecSchema, {
    ...settings,
    tasks,
    ...(whole ? {} : outputOfPart(settings, copied, linked)),
  });
  return accept({ spec, copiedCount: copied.size, linkedCount: linked.size });
}

/** Tasks that others made for themselves are left out, and the manager's own, which comes with its run. */
async function readSpecs(
  queries: StoreQueries,
  namespace: string,
  run: number,
  manager: string,
): Promise<ReadonlyMap<string, TaskSpec>> {
  const specs = new Map<string, TaskSpec>();
  let after = -1;
  for (;;) {
    const rows = await queries.listTasks(namespace, run, { states: [], after, limit: TASKS_AT_ONCE });
    for (const row of rows) {
      if (!row.key.includes('#') && row.key !== manager) {
        specs.set(row.key, readTaskSpec(row));
      }
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < TASKS_AT_ONCE) return specs;
    after = last.task;
  }
}

interface Chosen {
  readonly copied: ReadonlySet<string>;
  readonly linked: ReadonlySet<string>;
}

function choosePart(all: ReadonlyMap<string, TaskSpec>, request: CopyRunRequest): Result<Chosen> {
  for (const key of [...request.copy, ...request.link]) {
    if (!all.has(key)) return taskNotFound(request.runId, key);
  }
  const linked = new Set(request.link);
  const copied = request.copy.length === 0 ? new Set(all.keys()) : withChildren(all, request.copy);
  for (const key of linked) {
    if (!copied.delete(key) || !request.copy.includes(key)) continue;
    const message = `task "${key}" is to be copied and to be linked; keep one of the two`;
    return reject('INVALID_FIELD', message, { key }, 'link');
  }
  for (const key of copied) {
    for (const dependency of all.get(key)?.dependencies ?? []) {
      if (copied.has(dependency.key) || linked.has(dependency.key)) continue;
      if (!request.linkOutside) return outside(key, dependency.key);
      linked.add(dependency.key);
    }
  }
  if (copied.size > 0) return accept({ copied, linked });
  return reject(
    'INVALID_FIELD',
    'nothing is left to copy: name at least one task that is not linked',
    {},
    'copy',
  );
}

/** The tasks named, with all that is grouped under them. */
function withChildren(all: ReadonlyMap<string, TaskSpec>, keys: readonly string[]): Set<string> {
  const children = Map.groupBy(all.values(), ({ parent }) => parent);
  const found = new Set(keys);
  for (const key of found) for (const child of children.get(key) ?? []) found.add(child.key);
  return found;
}

function outside(key: string, dependency: string): Refusal {
  const message = `task "${key}" depends on "${dependency}", which is not copied; copy it, link it, or ask for link_outside`;
  return reject('DEPENDENCY_OUTSIDE', message, { key, dependency }, 'copy');
}

/** As it was submitted. What it is sent back to or grouped under may not be there. */
function asCopied(spec: TaskSpec, copied: ReadonlySet<string>, linked: ReadonlySet<string>): TaskSpec {
  const copy = { ...spec };
  if (spec.parent !== '' && !copied.has(spec.parent) && !linked.has(spec.parent)) copy.parent = '';
  copy.sendBack = spec.sendBack.filter(({ to }) => copied.has(to));
  if (copy.link !== undefined) {
    const { runId, taskKey } = copy.link;
    copy.link = create(LinkSchema, { runId, taskKey });
  }
  // What a workflow said then stands among the child specifications.
  if (copy.childRun !== undefined && copy.childRun.spec !== '') {
    copy.childRun = { ...copy.childRun, workflow: '', version: 0 };
  }
  return copy;
}

function asLink(spec: TaskSpec, runId: string): TaskSpec {
  return create(TaskSpecSchema, { key: spec.key, link: { runId, taskKey: spec.key } });
}

/** A part comes to what it can: an expression over the whole would fail. */
function outputOfPart({ outputTask }: RunSpec, copied: ReadonlySet<string>, linked: ReadonlySet<string>) {
  return { output: '', outputTask: copied.has(outputTask) || linked.has(outputTask) ? outputTask : '' };
}

/** For an answer that is repeated: what the run that was made then consists of. */
async function recount(queries: StoreQueries, namespace: string, runId: string): Promise<Omit<Part, 'spec'>> {
  const run = await findRun(queries, namespace, runId);
  if (!run.ok) return { copiedCount: 0, linkedCount: 0 };
  const specs = [...(await readSpecs(queries, namespace, run.value.run, '')).values()];
  const linkedCount = specs.filter(({ link }) => link !== undefined).length;
  return { copiedCount: specs.length - linkedCount, linkedCount };
}
