// `tutti get`, `tutti list` and `tutti executors`: how do things stand?

import { create } from '@bufbuild/protobuf';
import { ListExecutorsResponseSchema } from '@tutti/proto/tutti/v1/executor_service_pb.ts';
import {
  ListRunsResponseSchema,
  ListTasksResponseSchema,
} from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { RunSchema } from '@tutti/proto/tutti/v1/run_pb.ts';
import { TaskSchema } from '@tutti/proto/tutti/v1/task_pb.ts';
import type { RunFilter } from '../client.ts';
import { describeExecutors, describeRun, describeRuns, describeTask, describeTasks } from '../describe.ts';
import { type ExitCode, exitCode } from '../failure.ts';
import type { CommandContext } from './context.ts';

/** Beyond what a run may have. */
const maxListed = 100_000;

export async function getRun({ client, output }: CommandContext, runId: string): Promise<ExitCode> {
  const run = await client.getRun(runId);
  output.message(RunSchema, run);
  if (output.format === 'json') return exitCode.completed;
  const failedTask = run.failedTask === '' ? undefined : await client.getTask(runId, run.failedTask);
  output.text(describeRun(run, failedTask));
  return exitCode.completed;
}

export async function getTask(context: CommandContext, runId: string, taskKey: string): Promise<ExitCode> {
  const task = await context.client.getTask(runId, taskKey);
  context.output.message(TaskSchema, task);
  context.output.text(describeTask(task));
  return exitCode.completed;
}

export async function listTasks({ client, output }: CommandContext, runId: string): Promise<ExitCode> {
  const tasks = await take(client.listTasks(runId), maxListed);
  output.message(ListTasksResponseSchema, create(ListTasksResponseSchema, { tasks }));
  output.text(describeTasks(tasks));
  return exitCode.completed;
}

/** Which of the runs that pass the filter. */
export interface RunRange {
  readonly limit: number;
  /** Empty: from the latest on. */
  readonly pageToken: string;
}

export async function listRuns(
  { client, output }: CommandContext,
  filter: RunFilter,
  { limit, pageToken }: RunRange,
): Promise<ExitCode> {
  const { runs, nextPageToken } = await client.listRuns(filter, limit, pageToken);
  output.message(ListRunsResponseSchema, create(ListRunsResponseSchema, { runs: [...runs], nextPageToken }));
  output.text(describeRuns(runs));
  if (nextPageToken !== '') {
    output.remark(`there are more: give --limit, or go on with --page-token ${nextPageToken}`);
  }
  return exitCode.completed;
}

export async function listExecutors(
  { client, output }: CommandContext,
  capability: string,
): Promise<ExitCode> {
  const executors = await take(client.listExecutors(capability), maxListed);
  output.message(ListExecutorsResponseSchema, create(ListExecutorsResponseSchema, { executors }));
  output.text(describeExecutors(executors));
  return exitCode.completed;
}

async function take<T>(items: AsyncIterable<T>, limit: number): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of items) {
    taken.push(item);
    if (taken.length >= limit) break;
  }
  return taken;
}
