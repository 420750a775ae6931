// How do workflows look to people?

import { toJson } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { RunSpecSchema } from '@tutti/proto/tutti/v1/run_pb.ts';
import type { Workflow } from '@tutti/proto/tutti/v1/workflow_pb.ts';
import { stringify } from 'yaml';
import { renderTable } from './output.ts';

export function describeWorkflows(workflows: readonly Workflow[]): string {
  if (workflows.length === 0) return 'no workflows';
  const rows = workflows.map((workflow) => [
    workflow.name,
    String(workflow.version),
    timeOf(workflow),
    workflow.description,
  ]);
  return renderTable([['WORKFLOW', 'VERSION', 'PUT', 'DESCRIPTION'], ...rows]);
}

/** A file that `tutti workflow put` takes again, with a remark that says which version it is. */
export function describeWorkflow(workflow: Workflow): string {
  const { name, version, description, inputSchema, spec } = workflow;
  const template = {
    name,
    ...(description !== '' && { description }),
    ...(inputSchema !== undefined && { inputSchema }),
    ...(spec !== undefined && { spec: toJson(RunSpecSchema, spec) }),
  };
  return `# version ${version}, put ${timeOf(workflow)}\n${stringify(template).trimEnd()}`;
}

function timeOf({ createTime }: Workflow): string {
  return createTime === undefined ? '' : new Date(timestampMs(createTime)).toISOString();
}
