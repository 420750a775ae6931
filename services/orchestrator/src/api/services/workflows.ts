// How are workflows kept, told and forgotten?

import { createHash } from 'node:crypto';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  type Workflow,
  WorkflowSchema,
  type WorkflowTemplate,
  WorkflowTemplateSchema,
} from '@tutti/proto/tutti/v1/workflow_pb.ts';
import {
  type DeleteWorkflowRequest,
  DeleteWorkflowRequestSchema,
  type DeleteWorkflowResponse,
  DeleteWorkflowResponseSchema,
  type GetWorkflowRequest,
  type GetWorkflowResponse,
  GetWorkflowResponseSchema,
  type ListWorkflowsRequest,
  type ListWorkflowsResponse,
  ListWorkflowsResponseSchema,
  type PutWorkflowRequest,
  PutWorkflowRequestSchema,
  type PutWorkflowResponse,
  PutWorkflowResponseSchema,
} from '@tutti/proto/tutti/v1/workflow_service_pb.ts';
import { accept, type Refusal, type Result, reject } from '../../domain/rejection.ts';
import type { Orchestrator } from '../../runtime/orchestrator.ts';
import { type PlacedRef, referencesOfTemplate } from '../../runtime/payload-references.ts';
import { workflowNotFound } from '../../runtime/workflows.ts';
import type { WorkflowSummary } from '../../store/port.ts';
import { fromPayload, toPayload } from '../../wire/payload.ts';
import { inForm, type PayloadForm, payloadFormFromWire } from '../../wire/payload-form.ts';
import { WORKFLOW_BYTES } from '../../wire/retry-hint.ts';
import { timestampFromMs } from '../../wire/time.ts';
import { namespaceOf } from '../call.ts';
import { canonicalTemplate, requestKeyOf } from '../fingerprint.ts';
import type { InputSchemas } from '../input-schema.ts';
import type { UnaryHandler } from '../method.ts';
import { countFitting, type PagedCall, pageSizeOf, readPageToken, writePageToken } from '../page.ts';
import type { Languages } from './graph-of-spec.ts';
import { toGraph } from './graph-of-spec.ts';
import { refuse, refuseInput } from './workflow-input.ts';

export interface WorkflowHandlers {
  readonly putWorkflow: UnaryHandler<PutWorkflowRequest, PutWorkflowResponse>;
  readonly getWorkflow: UnaryHandler<GetWorkflowRequest, GetWorkflowResponse>;
  readonly listWorkflows: UnaryHandler<ListWorkflowsRequest, ListWorkflowsResponse>;
  readonly deleteWorkflow: UnaryHandler<DeleteWorkflowRequest, DeleteWorkflowResponse>;
}

/** What clients accept by default is 4 MiB, and it has to be told in one piece. */
export const MAX_TEMPLATE_BYTES = 3 * 1024 * 1024;
/** Above every version: the first page begins at the latest. */
const LATEST = Number.MAX_SAFE_INTEGER;

export function createWorkflowHandlers(
  { workflows, queries }: Pick<Orchestrator, 'workflows' | 'queries'>,
  schemas: InputSchemas,
  languages: Languages,
): WorkflowHandlers {
  return {
    async putWorkflow(request) {
      const template = toTemplate(request.workflow, schemas, languages);
      if (!template.ok) return template;
      const { references } = template.value;
      const { name, description } = template.value.template;
      const bytes = toBinary(WorkflowTemplateSchema, template.value.template);
      if (bytes.byteLength > MAX_TEMPLATE_BYTES) return tooLarge(name, bytes.byteLength);
      const digest = createHash('sha256').update(bytes).digest('base64url');
      const key = requestKeyOf(PutWorkflowRequestSchema, request);
      const input = { name, description, digest, template: bytes, references, request: key };
      const kept = await workflows.put(namespaceOf(request), input);
      return kept.ok ? accept(create(PutWorkflowResponseSchema, { ...kept.value })) : kept;
    },

    async getWorkflow(request) {
      const namespace = namespaceOf(request);
      const { name, version } = referenceOf(request);
      const row = await queries.getWorkflow(namespace, name, version);
      if (row === undefined) return workflowNotFound(namespace, name, version);
      const { spec, inputSchema } = fromBinary(WorkflowTemplateSchema, row.template);
      const message = toMessage(namespace, row);
      const form = payloadFormFromWire(request.payloadForm);
      if (spec !== undefined) message.spec = inFormOfSpec(spec, form);
      if (inputSchema !== undefined) message.inputSchema = inputSchema;
      return accept(create(GetWorkflowResponseSchema, { workflow: message }));
    },

    async listWorkflows(request) {
      const namespace = namespaceOf(request);
      const { name } = request;
      const paged: PagedCall = { name: 'ListWorkflows', fields: [namespace, name] };
      const limit = pageSizeOf(request);
      // One more tells whether there is a next page.
      if (name === '') {
        const after = readPageToken(request.pageToken, paged, '');
        if (!after.ok) return after;
        const rows = await queries.listWorkflows(namespace, after.value, limit + 1);
        return accept(toPage(namespace, rows, limit, (last) => writePageToken(paged, last.name)));
      }
      const before = readPageToken(request.pageToken, paged, LATEST);
      if (!before.ok) return before;
      const rows = await queries.listWorkflowVersions(namespace, name, before.value, limit + 1);
      return accept(toPage(namespace, rows, limit, (last) => writePageToken(paged, last.version)));
    },

    async deleteWorkflow(request) {
      const key = requestKeyOf(DeleteWorkflowRequestSchema, request);
      const input = { ...referenceOf(request), request: key };
      const removed = await workflows.remove(namespaceOf(request), input);
      return removed.ok ? accept(create(DeleteWorkflowResponseSchema, { ...removed.value })) : removed;
    },
  };
}

/** Validation has seen to it that there is one. */
function referenceOf({ workflow }: GetWorkflowRequest | DeleteWorkflowRequest) {
  const { name = '', version = 0 } = workflow ?? {};
  return { name, version: version === 0 ? undefined : version };
}

interface Kept {
  readonly template: WorkflowTemplate;
  readonly references: readonly PlacedRef[];
}

/** As it is kept, in one form for all that mean the same; refused where a run of it would be. */
function toTemplate(
  template: WorkflowTemplate | undefined,
  schemas: InputSchemas,
  languages: Languages,
): Result<Kept> {
  if (template?.spec === undefined) throw new Error('validation let a template without a spec through');
  const graph = toGraph(template.spec, languages, 'workflow.spec');
  if (!graph.ok) return graph;
  const { inputSchema } = template;
  if (inputSchema !== undefined) {
    const problem = schemas.problemOf(inputSchema, 'workflow.input_schema');
    if (problem !== undefined) return refuse([problem]) as Refusal;
    if (template.spec.input !== undefined) {
      const { input } = graph.value.spec;
      const refused = refuseInput(schemas, inputSchema, input, 'workflow.spec.input');
      if (refused !== undefined) return refused;
    }
  }
  const canonical = canonicalTemplate(template);
  const kept = { ...canonical, ...(canonical.spec && { spec: asBytes(canonical.spec) }) };
  return accept({ template: kept, references: referencesOfTemplate(graph.value.spec) });
}

type Spec = NonNullable<WorkflowTemplate['spec']>;

function asBytes(spec: Spec): Spec {
  return mapPayloads(spec, (payload) => fromPayload(toPayload(payload), 'BYTES'));
}

function inFormOfSpec(spec: Spec, form: PayloadForm): Spec {
  return form === 'BYTES' ? spec : mapPayloads(spec, (payload) => inForm(payload, form));
}

function mapPayloads(spec: Spec, convert: (payload: NonNullable<Spec['input']>) => Spec['input']): Spec {
  const convertInput = <T extends { input?: Spec['input'] }>(holder: T): T =>
    holder.input === undefined ? holder : { ...holder, input: convert(holder.input) };
  return { ...convertInput(spec), tasks: spec.tasks.map(convertInput) };
}

function tooLarge(name: string, bytes: number): Refusal {
  const message = `workflow ${name} has ${bytes} bytes; a workflow may have ${MAX_TEMPLATE_BYTES}: keep large inputs elsewhere, or split it`;
  const metadata = { resource: WORKFLOW_BYTES, limit: String(MAX_TEMPLATE_BYTES) };
  return reject('LIMIT_REACHED', message, metadata, 'workflow');
}

function toMessage(namespace: string, row: WorkflowSummary): Workflow {
  const { name, version, description } = row;
  const createTime = timestampFromMs(row.createdAtMs);
  return create(WorkflowSchema, { namespace, name, version, description, createTime });
}

function toPage(
  namespace: string,
  rows: readonly WorkflowSummary[],
  limit: number,
  tokenAfter: (last: WorkflowSummary) => string,
): ListWorkflowsResponse {
  const candidates = rows.slice(0, limit).map((row) => toMessage(namespace, row));
  const workflows = candidates.slice(0, countFitting(WorkflowSchema, candidates).count);
  const last = rows[workflows.length - 1];
  const isLastPage = rows.length === workflows.length || last === undefined;
  const nextPageToken = isLastPage ? '' : tokenAfter(last);
  return create(ListWorkflowsResponseSchema, { workflows, nextPageToken });
}
