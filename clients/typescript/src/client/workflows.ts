// Which call of the orchestrator stands behind each method of `client.workflows`?

import { randomUUID } from 'node:crypto';
import { create, type JsonObject } from '@bufbuild/protobuf';
import { PayloadForm } from '@tutti/proto/tutti/v1/payload_pb.ts';
import type { RunSpec } from '@tutti/proto/tutti/v1/run_pb.ts';
import {
  type Workflow,
  type WorkflowRef,
  WorkflowRefSchema,
  type WorkflowTemplate,
  WorkflowTemplateSchema,
} from '@tutti/proto/tutti/v1/workflow_pb.ts';
import { WorkflowService } from '@tutti/proto/tutti/v1/workflow_service_pb.ts';
import type { Caller, CallOptions } from './caller.ts';
import { TuttiError } from './errors.ts';
import { pages } from './pages.ts';
import { type RunInput, refuseUnknown, SpecError, toRunSpec } from './spec.ts';
import type { FetchOptions, StoredPayloads } from './stored-payloads.ts';

/** A named template from which runs are started. */
export interface WorkflowInput {
  /** A dotted name such as `reports.daily`. */
  readonly name: string;
  /** For people; at most 1,024 characters. */
  readonly description?: string;
  /** JSON Schema (draft 2020-12) that the input of every run must match. Default: any input will do. */
  readonly inputSchema?: JsonObject;
  /** What is run. Its `input` stands in for an input that is left out. */
  readonly spec: RunInput | RunSpec;
}

/** A name, which means the latest version, or a name and a version. */
export type WorkflowName = string | { readonly name: string; readonly version?: number };

/** Which workflows to list. */
export interface ListWorkflowsOptions extends CallOptions {
  /** How many to fetch at once: 1 to 1,000. Default 100. */
  readonly pageSize?: number;
}

/** Keeps workflows, from which runs are started by `client.submit({ workflow })`. */
export interface WorkflowsClient {
  /** Resolves when it is on disk as the next version, or is found to equal the latest one. */
  put(
    workflow: WorkflowInput | WorkflowTemplate,
    options?: CallOptions & { readonly requestId?: string },
  ): Promise<{ readonly version: number; readonly existed: boolean }>;
  /** In full. */
  get(workflow: WorkflowName, options?: FetchOptions): Promise<Workflow>;
  /** The latest version of each, by name, page after page. */
  list(options?: ListWorkflowsOptions): AsyncGenerator<Workflow, void, void>;
  /** The versions of one, latest first, page after page. */
  versions(name: string, options?: ListWorkflowsOptions): AsyncGenerator<Workflow, void, void>;
  /** The version that is named, or all of them. Runs that were started from it go on. */
  delete(
    workflow: WorkflowName,
    options?: CallOptions & { readonly requestId?: string },
  ): Promise<{ readonly deletedCount: number }>;
}

const { method } = WorkflowService;

export function createWorkflowsClient(
  caller: Caller,
  namespace: string,
  payloads: StoredPayloads,
): WorkflowsClient {
  async function* list(name: string, options: ListWorkflowsOptions = {}) {
    const { pageSize = 0 } = options;
    for await (const page of pages((pageToken) =>
      caller.unary(method.listWorkflows, { namespace, name, pageSize, pageToken }, options),
    )) {
      yield* page.workflows;
    }
  }

  return {
    async put(workflow, options = {}) {
      const { requestId = randomUUID() } = options;
      const template = toWorkflowTemplate(workflow);
      const stored = await payloads.store(WorkflowTemplateSchema, template, options);
      const request = { namespace, requestId, workflow: stored };
      const { version, existed } = await caller.unary(method.putWorkflow, request, options);
      return { version, existed };
    },
    async get(name, options = {}) {
      const payloadForm = options.payloadForm ?? PayloadForm.BYTES;
      const request = { namespace, workflow: toWorkflowRef(name), payloadForm };
      const { workflow } = await caller.unary(method.getWorkflow, request, options);
      if (workflow !== undefined) return payloads.fetch(workflow, options);
      throw new TuttiError('the answer has no workflow', { code: 'INTERNAL' });
    },
    list: (options) => list('', options),
    versions: (name, options) => list(name, options),
    async delete(workflow, options = {}) {
      const { requestId = randomUUID() } = options;
      const request = { namespace, requestId, workflow: toWorkflowRef(workflow) };
      const { deletedCount } = await caller.unary(method.deleteWorkflow, request, options);
      return { deletedCount };
    },
  };
}

export function toWorkflowRef(workflow: WorkflowName): WorkflowRef {
  if (typeof workflow === 'string') return create(WorkflowRefSchema, { name: workflow });
  const { name, version = 0, ...rest } = workflow;
  refuseUnknown(rest, 'workflow');
  if (!Number.isInteger(version) || version < 0 || version > 0xffff_ffff) {
    throw new SpecError('workflow.version', `${version} is no version: give a whole number from 1`);
  }
  return create(WorkflowRefSchema, { name, version });
}

/** Throws SpecError. */
export function toWorkflowTemplate(input: WorkflowInput | WorkflowTemplate): WorkflowTemplate {
  if ('$typeName' in input) return input;
  const { name, description = '', inputSchema, spec, ...rest } = input;
  refuseUnknown(rest, '');
  const template = create(WorkflowTemplateSchema, { name, description, spec: toRunSpec(spec) });
  if (inputSchema !== undefined) template.inputSchema = inputSchema;
  return template;
}
