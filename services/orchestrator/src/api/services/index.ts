// Which services do the doors serve? Written once; each door binds them in its own way.

import { toBinary } from '@bufbuild/protobuf';
import { ExecutorService } from '@tutti/proto/tutti/v1/executor_service_pb.ts';
import {
  OrchestratorService,
  type WatchRequest,
  WatchResponseSchema,
} from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { PayloadService } from '@tutti/proto/tutti/v1/payload_service_pb.ts';
import { RunLifeService } from '@tutti/proto/tutti/v1/run_life_service_pb.ts';
import { WorkflowService } from '@tutti/proto/tutti/v1/workflow_service_pb.ts';
import type { ExpressionCompiler } from '../../domain/expression.ts';
import { accept } from '../../domain/rejection.ts';
import type { Admission } from '../../runtime/admission.ts';
import type { Orchestrator, WatchPage } from '../../runtime/orchestrator.ts';
import { payloadFormFromWire } from '../../wire/payload-form.ts';
import { type Bounds, type BoundsLimits, createBounds } from '../bounds.ts';
import type { IncidentLog } from '../errors.ts';
import { createInputSchemas } from '../input-schema.ts';
import { encodeWatchResponse, toWatchResponse } from '../messages/watch-page.ts';
import { type StreamHandler, serverStream, unary } from '../method.ts';
import { createSchemaChecker } from '../schema-checker.ts';
import type { ApiTracing } from '../tracing.ts';
import { createCancelHandlers } from './cancel.ts';
import { createChildWorkflows } from './child-workflows.ts';
import { createCopyHandlers } from './copy.ts';
import { createExecutorHandlers } from './executors.ts';
import { createGraphHandlers } from './graph.ts';
import type { Languages } from './graph-of-spec.ts';
import { createGrowthHandlers } from './growth.ts';
import { createPayloadHandlers } from './payloads.ts';
import { createRunControlHandlers } from './run-control.ts';
import { createRunLifeHandlers } from './run-life.ts';
import { createRunHandlers } from './runs.ts';
import { createSignalHandlers } from './signal.ts';
import { createSubmitHandlers } from './submit.ts';
import { createTaskHandlers } from './tasks.ts';
import { createWaitHandler } from './wait.ts';
import { createWatchHandler } from './watch.ts';
import { createWorkflowCopies } from './workflow-copies.ts';
import { createWorkflowHandlers } from './workflows.ts';

export interface ServicesDeps {
  readonly orchestrator: Orchestrator;
  readonly expressions: ExpressionCompiler;
  readonly tracing: ApiTracing;
  readonly log: IncidentLog;
  /** Unique in every namespace for all time; 1 to 64 of letters, digits, `_`, `-`. */
  readonly newRunId: () => string;
  readonly newIncident: () => string;
  /** How long a watcher may take nothing before it is cut. Default 60 s. */
  readonly slowReaderMs?: number;
  /** Told of each watcher that is cut for it. */
  readonly watcherCut?: () => void;
  /** Who may add work. Default: everybody. */
  readonly admission?: Pick<Admission, 'enter'>;
  readonly boundsLimits?: BoundsLimits;
}

type MethodDeps = ServicesDeps & { readonly bounds: Bounds };

export type Services = ReturnType<typeof createServices>;

const SLOW_READER_MS = 60_000;

export function createServices(options: ServicesDeps) {
  const bounds = createBounds(options.boundsLimits);
  const deps: MethodDeps = { ...options, bounds };
  const { orchestrator } = deps;
  const { queries } = orchestrator;
  const method = OrchestratorService.method;
  const schemas = createInputSchemas();
  const languages = { expressions: deps.expressions, schemas: createSchemaChecker(schemas) };
  const children = createChildWorkflows(queries, schemas);
  const copies = createWorkflowCopies(queries, schemas, languages, children);
  const submit = createSubmitHandlers({ ...deps, languages, children, copies });
  const workflows = createWorkflowHandlers(orchestrator, schemas, languages);
  const cancel = createCancelHandlers(orchestrator);
  const signals = createSignalHandlers(orchestrator);
  const payloads = createPayloadHandlers(orchestrator);
  const growth = createGrowthHandlers(orchestrator);
  const runs = createRunHandlers(queries);
  const tasks = createTaskHandlers(orchestrator);
  const graphs = createGraphHandlers(orchestrator);
  const executors = createExecutorHandlers(orchestrator);
  const watching = createWatchHandler({
    orchestrator,
    slowReaderMs: deps.slowReaderMs ?? SLOW_READER_MS,
    watcherCut: deps.watcherCut ?? (() => {}),
  });

  return {
    orchestrator: {
      submitRun: unary(deps, method.submitRun, submit.submitRun),
      submitRuns: unary(deps, method.submitRuns, submit.submitRuns),
      getRun: unary(deps, method.getRun, runs.getRun),
      waitRun: unary(deps, method.waitRun, createWaitHandler(deps)),
      listRuns: unary(deps, method.listRuns, runs.listRuns),
      getTask: unary(deps, method.getTask, tasks.getTask),
      listTasks: unary(deps, method.listTasks, tasks.listTasks),
      getRunGraph: unary(deps, method.getRunGraph, graphs.getRunGraph),
      cancelRun: unary(deps, method.cancelRun, cancel.cancelRun),
      cancelTask: unary(deps, method.cancelTask, cancel.cancelTask),
      signalRun: unary(deps, method.signalRun, signals.signalRun),
      addTasks: unary(deps, method.addTasks, growth.addTasks),
      changeDependencies: unary(deps, method.changeDependencies, growth.changeDependencies),
      watch: serverStream(deps, method.watch, mapped(watching, toMessage)),
    },
    executors: {
      listExecutors: unary(deps, ExecutorService.method.listExecutors, executors.listExecutors),
    },
    workflows: {
      putWorkflow: unary(deps, WorkflowService.method.putWorkflow, workflows.putWorkflow),
      getWorkflow: unary(deps, WorkflowService.method.getWorkflow, workflows.getWorkflow),
      listWorkflows: unary(deps, WorkflowService.method.listWorkflows, workflows.listWorkflows),
      deleteWorkflow: unary(deps, WorkflowService.method.deleteWorkflow, workflows.deleteWorkflow),
    },
    runLife: createRunLife(deps, languages),
    payloads: {
      putPayload: unary(deps, PayloadService.method.putPayload, payloads.putPayload),
      getPayload: unary(deps, PayloadService.method.getPayload, payloads.getPayload),
    },
    /** For doors that send binary messages: the same streams, encoded already. */
    encoded: {
      watch: serverStream(deps, method.watch, mapped(watching, toBytes)),
    },
    /** For doors: of the answers that they are handed. */
    bounds,
    serving: () => orchestrator.serving(),
    failingNamespaces: () => orchestrator.failingNamespaces(),
  };
}

function createRunLife(deps: MethodDeps, languages: Languages) {
  const { method } = RunLifeService;
  const control = createRunControlHandlers(deps.orchestrator);
  const copying = createCopyHandlers({ ...deps, languages });
  const life = createRunLifeHandlers(deps.orchestrator);
  return {
    pauseRun: unary(deps, method.pauseRun, control.pauseRun),
    resumeRun: unary(deps, method.resumeRun, control.resumeRun),
    rerunRun: unary(deps, method.rerunRun, control.rerunRun),
    copyRun: unary(deps, method.copyRun, copying.copyRun),
    archiveRun: unary(deps, method.archiveRun, life.archiveRun),
    unarchiveRun: unary(deps, method.unarchiveRun, life.unarchiveRun),
    deleteRun: unary(deps, method.deleteRun, life.deleteRun),
    getRetention: unary(deps, method.getRetention, life.getRetention),
    setRetention: unary(deps, method.setRetention, life.setRetention),
  };
}

function toMessage(page: WatchPage, request: WatchRequest) {
  return toWatchResponse(page, payloadFormFromWire(request.payloadForm));
}

function toBytes(page: WatchPage, request: WatchRequest): Uint8Array {
  return payloadFormFromWire(request.payloadForm) === 'BYTES'
    ? encodeWatchResponse(page)
    : toBinary(WatchResponseSchema, toMessage(page, request));
}

function mapped<Request, From, To>(
  handle: StreamHandler<Request, From>,
  convert: (item: From, request: Request) => To,
): StreamHandler<Request, To> {
  return async (request, call) => {
    const items = await handle(request, call);
    return items.ok ? accept(convertAll(items.value, (item) => convert(item, request))) : items;
  };
}

async function* convertAll<From, To>(
  items: AsyncIterable<From>,
  convert: (item: From) => To,
): AsyncGenerator<To> {
  for await (const item of items) yield convert(item);
}
