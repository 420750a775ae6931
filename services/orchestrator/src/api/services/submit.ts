// How are runs submitted, one or many?

import { create } from '@bufbuild/protobuf';
import type { Status } from '@tutti/proto/google/rpc/error_pb.ts';
import {
  RunIdConflict,
  type RunSubmission,
  type SubmitRunRequest,
  SubmitRunRequestSchema,
  type SubmitRunResponse,
  SubmitRunResponseSchema,
  type SubmitRunsRequest,
  SubmitRunsRequestSchema,
  type SubmitRunsResponse,
  SubmitRunsResponseSchema,
  type SubmitRunsResult,
  SubmitRunsResultSchema,
} from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { compileGraph } from '../../domain/compile.ts';
import type { ExpressionCompiler } from '../../domain/expression.ts';
import type { Graph } from '../../domain/graph.ts';
import { accept, type Rejection, type Result, reject } from '../../domain/rejection.ts';
import type { RequestKey, SubmittedRun } from '../../engine/inputs.ts';
import type { Orchestrator } from '../../runtime/orchestrator.ts';
import { toRunSpec } from '../../wire/spec.ts';
import { type Call, namespaceOf } from '../call.ts';
import { statusOf, toStatus } from '../errors.ts';
import { requestKeyAt, requestKeyOf } from '../fingerprint.ts';
import type { UnaryHandler } from '../method.ts';
import { validate } from '../validate.ts';

export interface SubmitDeps {
  readonly orchestrator: Pick<Orchestrator, 'call'>;
  readonly expressions: ExpressionCompiler;
  /** For a run whose client chose none: unique in every namespace for all time. */
  readonly newRunId: () => string;
}

/** Of one call. A single run is bounded by the proto's own rule. */
const MAX_TASKS_PER_CALL = 100_000;
/** How many runs of one call are with the engine at once: enough for a large commit. */
const RUNS_AT_ONCE = 1_000;

export interface SubmitHandlers {
  readonly submitRun: UnaryHandler<SubmitRunRequest, SubmitRunResponse>;
  readonly submitRuns: UnaryHandler<SubmitRunsRequest, SubmitRunsResponse>;
}

export function createSubmitHandlers(deps: SubmitDeps): SubmitHandlers {
  return {
    async submitRun(request, call) {
      const key = requestKeyOf(SubmitRunRequestSchema, request);
      const submitted = await submit(deps, namespaceOf(request), request.run, key, call);
      return submitted.ok ? accept(toResponse(submitted.value)) : submitted;
    },

    async submitRuns(request, call) {
      const tooMany = refuseTooManyTasks(request);
      if (tooMany !== undefined) return { ok: false, rejection: tooMany };
      const namespace = namespaceOf(request);
      const key = requestKeyOf(SubmitRunsRequestSchema, request);
      // First the id as a whole: a different call with the same one must not start any of its runs.
      const claimed = key === undefined ? accept(true) : await claim(deps, namespace, key);
      if (!claimed.ok) return claimed;
      const results: SubmitRunsResult[] = [];
      for (let begin = 0; begin < request.runs.length; begin += RUNS_AT_ONCE) {
        const some = request.runs.slice(begin, begin + RUNS_AT_ONCE);
        const pending = some.map(async (run, index) => {
          const invalid = validate(SubmitRunRequestSchema, create(SubmitRunRequestSchema, { run }), false);
          if (invalid !== undefined) return toFailure(statusOf(invalid));
          return toResult(await submit(deps, namespace, run, requestKeyAt(key, begin + index), call));
        });
        results.push(...(await Promise.all(pending)));
      }
      return accept(create(SubmitRunsResponseSchema, { results }));
    },
  };
}

function claim(deps: SubmitDeps, namespace: string, request: RequestKey): Promise<Result<true>> {
  return deps.orchestrator.call(namespace, 'ClaimRequest', { request });
}

async function submit(
  deps: SubmitDeps,
  namespace: string,
  submission: RunSubmission | undefined,
  request: RequestKey | undefined,
  call: Call,
): Promise<Result<SubmittedRun>> {
  const graph = toGraph(submission, deps.expressions);
  if (!graph.ok) return graph;
  const chosenId = submission?.runId ?? '';
  const submitted = await deps.orchestrator.call(namespace, 'SubmitRun', {
    runId: chosenId === '' ? deps.newRunId() : chosenId,
    chosen: chosenId !== '',
    onConflict: submission?.runIdConflict === RunIdConflict.USE_EXISTING ? 'USE_EXISTING' : 'FAIL',
    graph: graph.value,
    traceparent: call.traceparent,
    request,
  });
  return submitted.ok ? submitted : { ok: false, rejection: atRunId(submitted.rejection) };
}

/** The engine knows of a run and its id only. */
function atRunId(rejection: Rejection): Rejection {
  return rejection.field === 'run_id' ? { ...rejection, field: 'run.run_id' } : rejection;
}

function toGraph(submission: RunSubmission | undefined, expressions: ExpressionCompiler): Result<Graph> {
  if (submission?.spec === undefined) {
    return reject('INVALID_FIELD', 'run.spec is missing: say which tasks to run', {}, 'run.spec');
  }
  const spec = toRunSpec(submission.spec);
  const graph = spec.ok ? compileGraph(spec.value, expressions) : spec;
  return graph.ok ? graph : { ok: false, rejection: inRequest(graph.rejection) };
}

/** The domain names fields from the specification on; clients want them from the request on. */
function inRequest(rejection: Rejection): Rejection {
  return rejection.field === '' ? rejection : { ...rejection, field: `run.spec.${rejection.field}` };
}

function refuseTooManyTasks(request: SubmitRunsRequest): Rejection | undefined {
  let tasks = 0;
  for (const run of request.runs) tasks += run.spec?.tasks.length ?? 0;
  if (tasks <= MAX_TASKS_PER_CALL) return undefined;
  const message = `runs have ${tasks} tasks in all; one call may have ${MAX_TASKS_PER_CALL}: split it into several`;
  return reject('INVALID_FIELD', message, { field: 'runs' }, 'runs').rejection;
}

function toResponse(submitted: SubmittedRun): SubmitRunResponse {
  const { runId, revision, existed } = submitted;
  return create(SubmitRunResponseSchema, { runId, revision: BigInt(revision), existed });
}

function toResult(submitted: Result<SubmittedRun>): SubmitRunsResult {
  if (!submitted.ok) return toFailure(toStatus(submitted.rejection));
  const result = { case: 'submitted' as const, value: toResponse(submitted.value) };
  return create(SubmitRunsResultSchema, { result });
}

function toFailure(error: Status): SubmitRunsResult {
  return create(SubmitRunsResultSchema, { result: { case: 'error', value: error } });
}
