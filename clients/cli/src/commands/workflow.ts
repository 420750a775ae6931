// `tutti workflow put|get|list|delete`, and how a run is started from one.

import { create } from '@bufbuild/protobuf';
import { type Workflow, WorkflowSchema } from '@tutti/proto/tutti/v1/workflow_pb.ts';
import {
  DeleteWorkflowResponseSchema,
  ListWorkflowsResponseSchema,
  PutWorkflowResponseSchema,
} from '@tutti/proto/tutti/v1/workflow_service_pb.ts';
import type { WorkflowName } from '../client.ts';
import { describeWorkflow, describeWorkflows } from '../describe-workflow.ts';
import { type ExitCode, exitCode } from '../failure.ts';
import { inputName, readInput } from '../spec/read-input.ts';
import { parseWorkflowTemplate } from '../spec/spec-file.ts';
import type { CommandContext } from './context.ts';

/** @param file a path, or `-` for standard input. */
export async function putWorkflow({ client, output }: CommandContext, file: string): Promise<ExitCode> {
  const template = parseWorkflowTemplate(await readInput(file), inputName(file));
  const kept = await client.putWorkflow(template);
  output.message(PutWorkflowResponseSchema, kept);
  output.text(`${template.name}@${kept.version}`);
  if (kept.existed) output.remark('nothing has changed since that version');
  return exitCode.completed;
}

export async function getWorkflow(
  { client, output }: CommandContext,
  workflow: WorkflowName,
): Promise<ExitCode> {
  const found = await client.getWorkflow(workflow);
  output.message(WorkflowSchema, found);
  output.text(describeWorkflow(found));
  return exitCode.completed;
}

/** @param name empty: the latest version of each */
export async function listWorkflows({ client, output }: CommandContext, name: string): Promise<ExitCode> {
  // A namespace holds 1,000 at most, and so many versions of each.
  const workflows: Workflow[] = [];
  for await (const workflow of client.listWorkflows(name)) workflows.push(workflow);
  output.message(ListWorkflowsResponseSchema, create(ListWorkflowsResponseSchema, { workflows }));
  output.text(describeWorkflows(workflows));
  return exitCode.completed;
}

export async function deleteWorkflow(
  { client, output }: CommandContext,
  workflow: WorkflowName,
): Promise<ExitCode> {
  const deleted = await client.deleteWorkflow(workflow);
  output.message(DeleteWorkflowResponseSchema, deleted);
  output.text(`deleted ${deleted.deletedCount} versions of ${workflow.name}`);
  return exitCode.completed;
}
