// How are runs submitted, one or many? One can be waited for in the same call.

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
import type { RunSpec } from '@tutti/proto/tutti/v1/run_pb.ts';
import { accept, type Refusal, type Rejection, type Result, reject } from '../../domain/rejection.ts';
import type { RequestKey, SubmitRun, SubmittedRun } from '../../engine/inputs.ts';
import type { Orchestrator } from '../../runtime/orchestrator.ts';
import { StoreError } from '../../store/port.ts';
import { payloadFormFromWire } from '../../wire/payload-form.ts';
import { durationToMs } from '../../wire/time.ts';
import { type Call, type CallContext, namespaceOf } from '../call.ts';
import { refusalOf, statusOf, toStatus } from '../errors.ts';
import { requestKeyAt, requestKeyOf } from '../fingerprint.ts';
import type { UnaryHandler } from '../method.ts';
import { validate } from '../validate.ts';
import { type ChildWorkflows, refersToWorkflows } from './child-workflows.ts';
import type { Languages } from './graph-of-spec.ts';
import { compileSpec, toSpec } from './graph-of-spec.ts';
import { hasLinks, withLinks } from './links.ts';
import { type Wait, type Waited, waitForRun } from './wait.ts';
import type { WorkflowCopies } from './workflow-copies.ts';

export interface SubmitDeps {
  readonly orchestrator: Pick<Orchestrator, 'call' | 'submitPrepared' | 'watch' | 'waitForEnd' | 'queries'>;
  readonly languages: Languages;
  readonly copies: WorkflowCopies;
  readonly children: ChildWorkflows;
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
      const { wait, payloadForm } = request;
      const key = requestKeyOf(SubmitRunRequestSchema, request);
      const submitted = await submit(deps, namespaceOf(request), request.run, key, call);
      if (!submitted.ok) return submitted;
      const response = toResponse(submitted.value);
      if (wait === undefined) return accept(response);
      call.taken();
      const waited = await waitIfPossible(
        deps,
        {
          namespace: namespaceOf(request),
          runId: response.runId,
          timeoutMs: durationToMs(wait),
          form: payloadFormFromWire(payloadForm),
        },
        call.context,
      );
      return accept(Object.assign(response, waited));
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

/**
 * Whoever is refused takes it that nothing was submitted. So what stands against waiting (a limit, a process that
 * is told to stop, a store that cannot be read) is not told here: the answer says that the run is on disk, and a
 * WaitRun is told the rest.
 */
async function waitIfPossible(deps: SubmitDeps, wait: Wait, context: CallContext): Promise<Partial<Waited>> {
  try {
    const waited = await waitForRun(deps, wait, context);
    return waited.ok ? waited.value : {};
  } catch (cause) {
    const isExpected = refusalOf(cause) !== undefined || cause instanceof StoreError;
    if (context.signal.aborted || !isExpected) throw cause;
    return {};
  }
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
  const misplaced = refuseMisplaced(submission);
  if (misplaced !== undefined) return misplaced;
  const { orchestrator } = deps;
  const chosenId = submission?.runId ?? '';
  // Ids are minted for runs only that may come to be.
  const input = (): Omit<SubmitRun, 'graph'> => ({
    runId: chosenId === '' ? deps.newRunId() : chosenId,
    chosen: chosenId !== '',
    onConflict: submission?.runIdConflict === RunIdConflict.USE_EXISTING ? 'USE_EXISTING' : 'FAIL',
    traceparent: call.traceparent,
    request,
  });
  const workflow = submission?.workflow;
  const submitted =
    workflow === undefined
      ? await submitSpec(deps, namespace, submission?.spec, input)
      : await orchestrator.submitPrepared(namespace, input(), () =>
          deps.copies.graphOf(namespace, workflow, submission?.input),
        );
  return submitted.ok ? submitted : { ok: false, rejection: atRunId(submitted.rejection) };
}

/** The engine knows of a run and its id only. */
function atRunId(rejection: Rejection): Rejection {
  return rejection.field === 'run_id' ? { ...rejection, field: 'run.run_id' } : rejection;
}

async function submitSpec(
  { orchestrator, languages, children }: SubmitDeps,
  namespace: string,
  message: RunSpec | undefined,
  input: () => Omit<SubmitRun, 'graph'>,
): Promise<Result<SubmittedRun>> {
  if (message === undefined) {
    const text = 'run.spec is missing: say which tasks to run, or which workflow';
    return reject('INVALID_FIELD', text, { field: 'run.spec' }, 'run.spec');
  }
  // What is linked to may be gone when the call is repeated: the first answer stands.
  if (hasLinks(message)) {
    return orchestrator.submitPrepared(namespace, input(), async () => {
      const linked = await withLinks(orchestrator.queries, namespace, message, 'run.spec');
      const linkedSpec = linked.ok ? toSpec(linked.value, 'run.spec') : linked;
      const whole = linkedSpec.ok
        ? await children.resolve(namespace, linkedSpec.value, 'run.spec')
        : linkedSpec;
      return whole.ok ? compileSpec(whole.value, languages, 'run.spec') : whole;
    });
  }
  const spec = toSpec(message, 'run.spec');
  if (!spec.ok) return spec;
  if (refersToWorkflows(spec.value)) {
    return orchestrator.submitPrepared(namespace, input(), async () => {
      const whole = await children.resolve(namespace, spec.value, 'run.spec');
      return whole.ok ? compileSpec(whole.value, languages, 'run.spec') : whole;
    });
  }
  const graph = compileSpec(spec.value, languages, 'run.spec');
  if (!graph.ok) return graph;
  return orchestrator.call(namespace, 'SubmitRun', { ...input(), graph: graph.value });
}

/** Fields that the way of submitting would ignore. */
function refuseMisplaced(submission: RunSubmission | undefined): Refusal | undefined {
  if (submission?.spec === undefined) return undefined;
  const { workflow, input } = submission;
  const field = workflow !== undefined ? 'run.workflow' : 'run.input';
  const message =
    workflow !== undefined
      ? 'run.workflow and run.spec are both given: start the run from one of them'
      : 'run.input is for runs from workflows: give it as run.spec.input';
  if (workflow === undefined && input === undefined) return undefined;
  return reject('INVALID_FIELD', message, { field }, field);
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
