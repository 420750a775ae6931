// Is a repeated request id a repeat of the same call? Its fingerprint says so.
//
// Maps have no order on the wire, and some clients write them in another one each time: they are
// sorted first. The namespace is left out, since request ids count within one.

import { createHash } from 'node:crypto';
import {
  create,
  type DescMessage,
  type JsonObject,
  type JsonValue,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { type Value, ValueSchema } from '@bufbuild/protobuf/wkt';
import type {
  AddTasksRequest,
  RunSubmission,
  SubmitRunRequest,
  SubmitRunsRequest,
} from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { type Payload, PayloadForm } from '@tutti/proto/tutti/v1/payload_pb.ts';
import type { RunSpec } from '@tutti/proto/tutti/v1/run_pb.ts';
import type { TaskSpec } from '@tutti/proto/tutti/v1/task_pb.ts';
import type { WorkflowTemplate } from '@tutti/proto/tutti/v1/workflow_pb.ts';
import type { PutWorkflowRequest } from '@tutti/proto/tutti/v1/workflow_service_pb.ts';
import type { RequestKey } from '../engine/inputs.ts';

/** Undefined for a call without a request id: it has no protection. */
export function requestKeyOf<Desc extends DescMessage>(
  schema: Desc,
  request: MessageShape<Desc> & { readonly requestId: string; readonly namespace: string },
): RequestKey | undefined {
  const { requestId } = request;
  if (requestId === '') return undefined;
  const content = toBinary(schema, { ...canonical(request), requestId: '', namespace: '' });
  const fingerprint = createHash('sha256').update(schema.typeName).update(content).digest('base64url');
  return { requestId, fingerprint };
}

/** The key of one run of many: what a client cannot choose itself, for it holds a colon. */
export function requestKeyAt(key: RequestKey | undefined, index: number): RequestKey | undefined {
  return key === undefined ? undefined : { ...key, requestId: `${key.requestId}:${index}` };
}

function canonical<Request extends object>(request: Request): Request {
  if (isSubmitRun(request)) {
    // How the answer is to be given is no part of what is asked.
    const { wait: _, ...asked } = request;
    return {
      ...asked,
      run: request.run && canonicalSubmission(request.run),
      payloadForm: PayloadForm.UNSPECIFIED,
    } as typeof request;
  }
  if (isPutWorkflow(request)) {
    return { ...request, workflow: request.workflow && canonicalTemplate(request.workflow) };
  }
  if (isAddTasks(request)) return { ...request, tasks: request.tasks.map(canonicalTask) };
  if (isSubmitRuns(request)) return { ...request, runs: request.runs.map(canonicalSubmission) };
  return request;
}

function isSubmitRun(request: object): request is SubmitRunRequest {
  return '$typeName' in request && request.$typeName === 'tutti.v1.SubmitRunRequest';
}

function isAddTasks(request: object): request is AddTasksRequest {
  return '$typeName' in request && request.$typeName === 'tutti.v1.AddTasksRequest';
}

function isSubmitRuns(request: object): request is SubmitRunsRequest {
  return '$typeName' in request && request.$typeName === 'tutti.v1.SubmitRunsRequest';
}

function isPutWorkflow(request: object): request is PutWorkflowRequest {
  return '$typeName' in request && request.$typeName === 'tutti.v1.PutWorkflowRequest';
}

/** Equal templates come out equal, byte for byte. */
export function canonicalTemplate(template: WorkflowTemplate): WorkflowTemplate {
  const { inputSchema, spec, ...rest } = template;
  return {
    ...rest,
    ...(inputSchema !== undefined && { inputSchema: canonicalJson(inputSchema) as JsonObject }),
    ...(spec !== undefined && { spec: canonicalSpec(spec) }),
  };
}

function canonicalJson(json: JsonValue): JsonValue {
  if (Array.isArray(json)) return json.map(canonicalJson);
  if (typeof json !== 'object' || json === null) return json;
  const entries = Object.entries(sorted(json)).map(([key, value]) => [key, canonicalJson(value)]);
  return Object.fromEntries(entries) as JsonObject;
}

function canonicalSubmission(submission: RunSubmission): RunSubmission {
  const { spec, input } = submission;
  return {
    ...submission,
    ...(spec !== undefined && { spec: canonicalSpec(spec) }),
    ...(input !== undefined && { input: canonicalPayload(input) }),
  };
}

function canonicalSpec(spec: RunSpec): RunSpec {
  const { labels, tasks, input } = spec;
  return {
    ...spec,
    labels: sorted(labels),
    tasks: tasks.map(canonicalTask),
    ...(input !== undefined && { input: canonicalPayload(input) }),
  };
}

function canonicalTask(task: TaskSpec): TaskSpec {
  return task.input?.data.case === 'value' ? { ...task, input: canonicalPayload(task.input) } : task;
}

function canonicalPayload(payload: Payload): Payload {
  if (payload.data.case !== 'value') return payload;
  return { ...payload, data: { case: 'value', value: canonicalValue(payload.data.value) } };
}

function canonicalValue(value: Value): Value {
  const { kind } = value;
  if (kind.case === 'listValue') {
    const values = kind.value.values.map(canonicalValue);
    return create(ValueSchema, { kind: { case: 'listValue', value: { ...kind.value, values } } });
  }
  if (kind.case === 'structValue') {
    const entries = Object.entries(sorted(kind.value.fields));
    const fields = Object.fromEntries(entries.map(([key, field]) => [key, canonicalValue(field)]));
    return create(ValueSchema, { kind: { case: 'structValue', value: { ...kind.value, fields } } });
  }
  return value;
}

function sorted<T>(map: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}
