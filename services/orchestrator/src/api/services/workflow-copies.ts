// What does a run look like that is started from a workflow?

import { fromBinary } from '@bufbuild/protobuf';
import type { Payload as PayloadMessage } from '@tutti/proto/tutti/v1/payload_pb.ts';
import { type WorkflowRef, WorkflowTemplateSchema } from '@tutti/proto/tutti/v1/workflow_pb.ts';
import type { Graph } from '../../domain/graph.ts';
import type { Result } from '../../domain/rejection.ts';
import type { StoreQueries } from '../../runtime/orchestrator.ts';
import { workflowNotFound } from '../../runtime/workflows.ts';
import { acceptPayload } from '../../wire/limits.ts';
import type { InputSchemas } from '../input-schema.ts';
import type { ChildWorkflows } from './child-workflows.ts';
import { compileSpec, type Languages, toSpec } from './graph-of-spec.ts';
import { withLinks } from './links.ts';
import { refuseInput } from './workflow-input.ts';

export interface WorkflowCopies {
  /** The graph of a run of this version with this input. */
  graphOf(
    namespace: string,
    workflow: WorkflowRef,
    input: PayloadMessage | undefined,
  ): Promise<Result<Graph>>;
}

export function createWorkflowCopies(
  queries: Pick<StoreQueries, 'getWorkflow' | 'getRun' | 'getTask' | 'readTaskEvents'>,
  schemas: InputSchemas,
  languages: Languages,
  children: ChildWorkflows,
): WorkflowCopies {
  return {
    async graphOf(namespace, { name, version: asked }, given) {
      const wanted = asked === 0 ? undefined : asked;
      const row = await queries.getWorkflow(namespace, name, wanted);
      if (row === undefined) return atRun(workflowNotFound(namespace, name, wanted));
      const { spec, inputSchema } = fromBinary(WorkflowTemplateSchema, row.template);
      if (spec === undefined) throw new Error(`stored workflow ${name}@${row.version} has no specification`);
      const message = given ?? spec.input;
      const input = acceptPayload(message, 'run.input');
      if (!input.ok) return input;
      const refused = refuseInput(schemas, inputSchema, input.value, 'run.input');
      if (refused !== undefined) return refused;
      const copy = message === undefined ? spec : { ...spec, input: message };
      const path = 'run.workflow.spec';
      const linked = await withLinks(queries, namespace, copy, path);
      const own = linked.ok ? toSpec(linked.value, path) : linked;
      const whole = own.ok ? await children.resolve(namespace, own.value, path) : own;
      if (!whole.ok) return whole;
      const workflow = { name, version: row.version };
      return compileSpec({ ...whole.value, workflow }, languages, path);
    },
  };
}

function atRun<T extends Result<never>>(refusal: T): T {
  if (refusal.ok) return refusal;
  return { ...refusal, rejection: { ...refusal.rejection, field: 'run.workflow' } };
}
