// Which call of the orchestrator stands behind each method of the client?

import { randomUUID } from 'node:crypto';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { ExecutorService } from '@tutti/proto/tutti/v1/executor_service_pb.ts';
import {
  GraphFormat,
  type ListRunsRequestSchema,
  type ListTasksRequestSchema,
  OrchestratorService,
  RunIdConflict,
  type RunSubmission,
  RunSubmissionSchema,
  SignalRunRequestSchema,
  TaskView,
} from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { PayloadForm, PayloadSchema } from '@tutti/proto/tutti/v1/payload_pb.ts';
import { type Run, RunState } from '@tutti/proto/tutti/v1/run_pb.ts';
import { type Task, TaskState } from '@tutti/proto/tutti/v1/task_pb.ts';
import { withClientSpan } from '../tracing.ts';
import { type Caller, createCaller } from './caller.ts';
import { fromStatus, TuttiError } from './errors.ts';
import { executeRun } from './execute.ts';
import { pages } from './pages.ts';
import { createRunControl } from './run-control.ts';
import { createRunHandle } from './run-handle.ts';
import { createRunKeeping } from './run-keeping.ts';
import { refuseUnknown, toInput, toRunSpec } from './spec.ts';
import { createStoredPayloads, type StoredPayloads } from './stored-payloads.ts';
import type {
  Client,
  ClientOptions,
  ListRunsOptions,
  ListTasksOptions,
  Submission,
  WorkflowRun,
} from './types.ts';
import { watchEvents } from './watch.ts';
import { createWorkflowsClient, toWorkflowRef } from './workflows.ts';

const { method } = OrchestratorService;
const DEFAULT_ADDRESS = '127.0.0.1:7420';
const DEFAULT_TIMEOUT_MS = 30_000;

/** Connects on the first call. */
export function createClient(options: ClientOptions = {}): Client {
  const address = options.address ?? (process.env.TUTTI_ADDRESS || DEFAULT_ADDRESS);
  const namespace = options.namespace ?? (process.env.TUTTI_NAMESPACE || 'default');
  const caller = createCaller({
    address,
    credentials: options.credentials,
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    retry: {
      maxAttempts: undefined,
      maxFirstAttempts: 8,
      maxRefusals: 30,
      initialDelayMs: 100,
      maxDelayMs: 2_000,
      ...options.retry,
    },
  });
  const payloads = createStoredPayloads(caller, namespace);
  const client: Client = {
    address,
    namespace,
    ...submitting(caller, namespace, payloads, () => client),
    ...reading(caller, namespace, payloads),
    ...signalling(caller, namespace, payloads),
    ...cancelling(caller, namespace),
    ...createRunControl(caller, namespace),
    ...createRunKeeping(caller, namespace),
    workflows: createWorkflowsClient(caller, namespace, payloads),
    fetchPayloads: (message, fetchOptions) => payloads.fetch(message, fetchOptions),
    run: (runId) => createRunHandle(client, runId, undefined, false),
    watch: (watchOptions = {}) => watchEvents(caller, namespace, watchOptions),
    call: (anyMethod, request, callOptions) => caller.unary(anyMethod, request, callOptions),
    close: () => caller.close(),
  };
  return client;
}

function submitting(
  caller: Caller,
  namespace: string,
  payloads: StoredPayloads,
  client: () => Client,
): Pick<Client, 'submit' | 'execute' | 'submitMany'> {
  return {
    async submit(spec, options = {}) {
      const { requestId = randomUUID() } = options;
      const submission = toSubmission({ ...options, spec });
      const run = await payloads.store(RunSubmissionSchema, submission, options);
      const response = await withClientSpan('tutti submit', (traceContext) =>
        caller.unary(method.submitRun, { namespace, requestId, run }, options, traceContext),
      );
      return createRunHandle(client(), response.runId, response.revision, response.existed);
    },
    async execute(spec, options = {}) {
      const submission = toSubmission({ ...options, spec });
      const { signal } = options;
      const stored = await payloads.store(RunSubmissionSchema, submission, signal && { signal });
      return executeRun(caller, client(), stored, options);
    },
    async submitMany(submissions, options = {}) {
      const { requestId = randomUUID() } = options;
      const runs = submissions.map(toSubmission);
      for (const [index, run] of runs.entries()) {
        runs[index] = await payloads.store(RunSubmissionSchema, run, options);
      }
      const { results } = await withClientSpan('tutti submit', (traceContext) =>
        caller.unary(method.submitRuns, { namespace, requestId, runs }, options, traceContext),
      );
      return results.map(({ result }) => {
        if (result.case === 'submitted') {
          const { runId, revision, existed } = result.value;
          return { ok: true, run: createRunHandle(client(), runId, revision, existed) };
        }
        const error =
          result.case === 'error'
            ? fromStatus(result.value)
            : new TuttiError('an empty result', { code: 'INTERNAL' });
        return { ok: false, error };
      });
    },
  };
}

function toSubmission({ spec, runId = '', onConflict }: Submission): RunSubmission {
  return create(RunSubmissionSchema, {
    runId,
    runIdConflict: onConflict === undefined ? RunIdConflict.UNSPECIFIED : RunIdConflict[onConflict],
    ...('workflow' in spec ? toCopy(spec) : { spec: toRunSpec(spec) }),
  });
}

function toCopy({ workflow, input, ...rest }: WorkflowRun): MessageInitShape<typeof RunSubmissionSchema> {
  refuseUnknown(rest, '');
  const payload = toInput(input, 'input');
  return { workflow: toWorkflowRef(workflow), ...(payload !== undefined && { input: payload }) };
}

function reading(
  caller: Caller,
  namespace: string,
  payloads: StoredPayloads,
): Pick<Client, 'getRun' | 'getTask' | 'graph' | 'listRuns' | 'listTasks' | 'listExecutors'> {
  return {
    async getRun(runId, options = {}) {
      const payloadForm = options.payloadForm ?? PayloadForm.BYTES;
      const { run } = await caller.unary(method.getRun, { namespace, runId, payloadForm }, options);
      return payloads.fetch(present(run, `run ${runId}`), options);
    },
    async getTask(runId, taskKey, options = {}) {
      const payloadForm = options.payloadForm ?? PayloadForm.BYTES;
      const request = { namespace, runId, taskKey, payloadForm };
      const { task } = await caller.unary(method.getTask, request, options);
      return payloads.fetch(present(task, `task ${taskKey} of run ${runId}`), options);
    },
    async graph(runId, format = 'MERMAID', options = {}) {
      const request = { namespace, runId, format: GraphFormat[format] };
      return (await caller.unary(method.getRunGraph, request, options)).text;
    },
    async *listRuns(options = {}) {
      const request = listRunsRequest(namespace, options);
      for await (const page of pages((pageToken) =>
        caller.unary(method.listRuns, { ...request, pageToken }, options),
      )) {
        yield* page.runs satisfies Run[];
      }
    },
    async *listTasks(runId, options = {}) {
      const request = listTasksRequest(namespace, runId, options);
      for await (const page of pages((pageToken) =>
        caller.unary(method.listTasks, { ...request, pageToken }, options),
      )) {
        yield* page.tasks satisfies Task[];
      }
    },
    async *listExecutors(options = {}) {
      const { capability = '', pageSize = 0 } = options;
      for await (const page of pages((pageToken) =>
        caller.unary(
          ExecutorService.method.listExecutors,
          { namespace, capability, pageSize, pageToken },
          options,
        ),
      )) {
        yield* page.executors;
      }
    },
  };
}

function signalling(caller: Caller, namespace: string, payloads: StoredPayloads): Pick<Client, 'signalRun'> {
  return {
    async signalRun(runId, name, payload, options = {}) {
      const { requestId = randomUUID() } = options;
      const request = create(SignalRunRequestSchema, { namespace, runId, name, requestId });
      const converted = toInput(payload, 'payload');
      if (converted !== undefined) request.payload = create(PayloadSchema, converted);
      const stored = await payloads.store(SignalRunRequestSchema, request, options);
      const { taskKey } = await caller.unary(method.signalRun, stored, options);
      return { taskKey };
    },
  };
}

function cancelling(caller: Caller, namespace: string): Pick<Client, 'cancelRun' | 'cancelTask'> {
  return {
    async cancelRun(runId, options = {}) {
      const { message = '', requestId = randomUUID() } = options;
      const { cancelledCount, cancellingCount } = await caller.unary(
        method.cancelRun,
        { namespace, runId, message, requestId },
        options,
      );
      return { cancelledCount, cancellingCount };
    },
    async cancelTask(runId, taskKey, options = {}) {
      const { subtree = false, requestId = randomUUID() } = options;
      const { cancelledCount, cancellingCount } = await caller.unary(
        method.cancelTask,
        { namespace, runId, taskKey, subtree, requestId },
        options,
      );
      return { cancelledCount, cancellingCount };
    },
  };
}

function listRunsRequest(namespace: string, options: ListRunsOptions) {
  const request: MessageInitShape<typeof ListRunsRequestSchema> = {
    namespace,
    states: (options.states ?? []).map((state) => RunState[state]),
    labels: { ...options.labels },
    pageSize: options.pageSize ?? 0,
  };
  if (options.submittedAfter) request.submittedAfter = timestampFromDate(options.submittedAfter);
  if (options.submittedBefore) request.submittedBefore = timestampFromDate(options.submittedBefore);
  return request;
}

function listTasksRequest(
  namespace: string,
  runId: string,
  options: ListTasksOptions,
): MessageInitShape<typeof ListTasksRequestSchema> {
  return {
    namespace,
    runId,
    states: (options.states ?? []).map((state) => TaskState[state]),
    view: options.full ? TaskView.FULL : TaskView.BASIC,
    payloadForm: options.payloadForm ?? PayloadForm.BYTES,
    pageSize: options.pageSize ?? 0,
  };
}

function present<T>(value: T | undefined, what: string): T {
  if (value !== undefined) return value;
  throw new TuttiError(`the answer has no ${what}`, { code: 'INTERNAL' });
}
