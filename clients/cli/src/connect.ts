// How do the commands reach an orchestrator? By the SDK; its errors become failures with exit codes.

import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { bytesPayload, type Client, createClient, type PayloadInput, TuttiError } from '@tutti/client/client';
import {
  CancelRunResponseSchema,
  OrchestratorService,
  SignalRunResponseSchema,
  SubmitRunResponseSchema,
} from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { PayloadForm } from '@tutti/proto/tutti/v1/payload_pb.ts';
import {
  CopyRunResponseSchema,
  PauseRunResponseSchema,
  RerunRunResponseSchema,
  ResumeRunResponseSchema,
} from '@tutti/proto/tutti/v1/run_life_service_pb.ts';
import type { Run } from '@tutti/proto/tutti/v1/run_pb.ts';
import {
  DeleteWorkflowResponseSchema,
  PutWorkflowResponseSchema,
} from '@tutti/proto/tutti/v1/workflow_service_pb.ts';
import type { CommandClient, RunFilter, RunPage } from './client.ts';
import { type ExitCode, exitCode, Failure } from './failure.ts';

/** Where nobody listens a person is told so soon: the orchestrator may not have been started. */
const maxFirstAttempts = 3;
/** Large enough for the largest specification on a slow machine. */
const timeoutMs = 60_000;
/** How much later than asked an answer to WaitRun may come. */
const answerMs = 10_000;
const listPageSize = 1_000;
/** Of what comes with its inputs. */
const fullPageSize = 100;

/** What is stored apart is shown as any other payload, up to so much; above it, its size. */
const asShown = { payloadForm: PayloadForm.VALUE, maxFetchBytes: 8 * 1024 * 1024 };

export function connect(address: string, namespace: string): CommandClient {
  const client = createClient({ address, namespace, timeoutMs, retry: { maxFirstAttempts } });
  const orFailure = async <T>(answer: Promise<T>): Promise<T> => {
    try {
      return await answer;
    } catch (error) {
      throw toFailure(error, address);
    }
  };
  async function* eachOrFailure<T>(items: AsyncIterable<T>): AsyncGenerator<T, void, void> {
    try {
      yield* items;
    } catch (error) {
      throw toFailure(error, address);
    }
  }

  return {
    async submitRun(spec, { runId, useExisting }) {
      const onConflict = useExisting ? 'USE_EXISTING' : 'FAIL';
      const what = 'tasks' in spec ? spec : { workflow: spec.workflow, input: jsonPayload(spec.input) };
      const run = await orFailure(client.submit(what, { ...(runId !== '' && { runId }), onConflict }));
      const { revision = 0n, existed } = run;
      return create(SubmitRunResponseSchema, { runId: run.runId, revision, existed });
    },
    waitRun: async (runId, waitMs) => {
      const answer = await orFailure(
        client.call(
          OrchestratorService.method.waitRun,
          {
            namespace,
            runId,
            timeout: { seconds: BigInt(Math.floor(waitMs / 1_000)), nanos: (waitMs % 1_000) * 1_000_000 },
            payloadForm: PayloadForm.VALUE,
          },
          { timeoutMs: waitMs + answerMs },
        ),
      );
      if (answer.finished) await orFailure(client.fetchPayloads(answer, asShown));
      return answer;
    },
    getRun: (runId) => orFailure(client.getRun(runId, asShown)),
    getTask: (runId, taskKey) => orFailure(client.getTask(runId, taskKey, asShown)),
    getRunGraph: (runId, format) =>
      orFailure(client.call(OrchestratorService.method.getRunGraph, { namespace, runId, format })),
    listTasks: (runId) => eachOrFailure(client.listTasks(runId, { pageSize: listPageSize })),
    listReadyTasks: (runId) =>
      eachOrFailure(client.listTasks(runId, { states: ['READY'], full: true, pageSize: fullPageSize })),
    listRuns: (filter, limit, pageToken) => orFailure(listRuns(client, filter, limit, pageToken)),
    async signalRun(runId, name, json) {
      const signalled = await orFailure(client.signalRun(runId, name, jsonPayload(json)));
      return create(SignalRunResponseSchema, signalled);
    },
    async cancelRun(runId, message) {
      return create(CancelRunResponseSchema, await orFailure(client.cancelRun(runId, { message })));
    },
    async pauseRun(runId, message) {
      await orFailure(client.pauseRun(runId, { message }));
      return create(PauseRunResponseSchema);
    },
    async resumeRun(runId) {
      await orFailure(client.resumeRun(runId));
      return create(ResumeRunResponseSchema);
    },
    changeDependencies: (runId, taskKey, change) =>
      orFailure(client.changeDependencies(runId, taskKey, change)),
    rerunRun: async (runId, tasks) =>
      create(RerunRunResponseSchema, await orFailure(client.rerunRun(runId, tasks))),
    copyRun: async (runId, part) =>
      create(CopyRunResponseSchema, await orFailure(client.copyRun(runId, part))),
    archiveRun: (runId) => orFailure(client.archiveRun(runId)),
    unarchiveRun: (runId) => orFailure(client.unarchiveRun(runId)),
    deleteRun: (runId) => orFailure(client.deleteRun(runId)),
    getRetention: () => orFailure(client.getRetention()),
    setRetention: (keep) => orFailure(client.setRetention(keep)),
    putWorkflow: async (template) =>
      create(PutWorkflowResponseSchema, await orFailure(client.workflows.put(template))),
    getWorkflow: (workflow) => orFailure(client.workflows.get(workflow, asShown)),
    listWorkflows: (name) =>
      eachOrFailure(
        name === ''
          ? client.workflows.list({ pageSize: listPageSize })
          : client.workflows.versions(name, { pageSize: listPageSize }),
      ),
    deleteWorkflow: async (workflow) =>
      create(DeleteWorkflowResponseSchema, await orFailure(client.workflows.delete(workflow))),
    listExecutors: (capability) =>
      eachOrFailure(
        client.listExecutors({ ...(capability !== '' && { capability }), pageSize: listPageSize }),
      ),
    watchRun: (runId) => eachOrFailure(client.watch({ runId, payloadForm: PayloadForm.VALUE })),
    close: () => client.close(),
  };
}

/** The text as it is: numbers keep their digits. */
function jsonPayload(text: string | undefined): PayloadInput {
  return text === undefined ? undefined : bytesPayload(new TextEncoder().encode(text), 'application/json');
}

async function listRuns(
  client: Client,
  { states, labels, submittedAfter, submittedBefore }: RunFilter,
  limit: number,
  first: string,
): Promise<RunPage> {
  const runs: Run[] = [];
  let pageToken = first;
  do {
    const page = await client.call(OrchestratorService.method.listRuns, {
      namespace: client.namespace,
      states: [...states],
      labels: { ...labels },
      ...(submittedAfter !== undefined && { submittedAfter: timestampFromDate(submittedAfter) }),
      ...(submittedBefore !== undefined && { submittedBefore: timestampFromDate(submittedBefore) }),
      pageSize: Math.min(listPageSize, limit - runs.length),
      pageToken,
    });
    runs.push(...page.runs);
    pageToken = page.nextPageToken;
  } while (pageToken !== '' && runs.length < limit);
  return { runs, nextPageToken: pageToken };
}

/** Exported for its test. Anything but a TuttiError is a defect and stays what it is. */
export function toFailure(error: unknown, address: string): unknown {
  if (!(error instanceof TuttiError)) return error;
  const code = exitCodeOf(error);
  const message =
    code === exitCode.unreachable && error.reason === ''
      ? `no orchestrator can be reached at ${address} (${withoutNote(error.message)}); start one with \`tutti up\`, or give --address`
      : error.message;
  const { reason, metadata, fieldViolations } = error;
  return new Failure(code, { code: error.code, reason, message, metadata, fields: fieldViolations });
}

/** grpc-js ends its message with a note about name resolution, mostly an empty one. */
function withoutNote(message: string): string {
  return message.replace(/\.? ?Resolution note: ?;?\s*$/, '');
}

function exitCodeOf(error: TuttiError): ExitCode {
  switch (error.code) {
    case 'UNAVAILABLE':
    case 'DEADLINE_EXCEEDED':
      return exitCode.unreachable;
    case 'INVALID_ARGUMENT':
    case 'OUT_OF_RANGE':
      return exitCode.usage;
    // A refusal for what is stored or allowed, or a defect.
    case 'OK':
    case 'CANCELLED':
    case 'UNKNOWN':
    case 'NOT_FOUND':
    case 'ALREADY_EXISTS':
    case 'PERMISSION_DENIED':
    case 'RESOURCE_EXHAUSTED':
    case 'FAILED_PRECONDITION':
    case 'ABORTED':
    case 'UNIMPLEMENTED':
    case 'INTERNAL':
    case 'DATA_LOSS':
    case 'UNAUTHENTICATED':
      return exitCode.failed;
  }
}
