// `tutti pause`, `resume`, `rerun`, `depend`: what does each come to?

import { create } from '@bufbuild/protobuf';
import { ChangeDependenciesResponseSchema } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import {
  PauseRunResponseSchema,
  RerunRunResponseSchema,
  ResumeRunResponseSchema,
} from '@tutti/proto/tutti/v1/run_life_service_pb.ts';
import type { DependencyChange, RerunInput } from '../client.ts';
import { type ExitCode, exitCode } from '../failure.ts';
import type { CommandContext } from './context.ts';
import { followToTheEnd } from './finish.ts';

export async function pauseRun(
  { client, output }: CommandContext,
  runId: string,
  message: string,
): Promise<ExitCode> {
  output.message(PauseRunResponseSchema, await client.pauseRun(runId, message));
  output.text(`${runId}  paused; what runs goes on (tutti resume ${runId})`);
  return exitCode.completed;
}

export async function resumeRun({ client, output }: CommandContext, runId: string): Promise<ExitCode> {
  output.message(ResumeRunResponseSchema, await client.resumeRun(runId));
  output.text(`${runId}  goes on`);
  return exitCode.completed;
}

export async function rerunRun(
  context: CommandContext,
  runId: string,
  tasks: RerunInput,
  wait: boolean,
): Promise<ExitCode> {
  const { client, output } = context;
  const rerun = await client.rerunRun(runId, tasks);
  const count = rerun.resetCount === 1 ? '1 task is' : `${rerun.resetCount} tasks are`;
  output.text(`${runId}  ${count} done again`);
  if (wait) return followToTheEnd(context, runId);
  output.message(RerunRunResponseSchema, rerun);
  return exitCode.completed;
}

export async function changeDependencies(
  { client, output }: CommandContext,
  runId: string,
  taskKey: string,
  change: DependencyChange,
): Promise<ExitCode> {
  await client.changeDependencies(runId, taskKey, change);
  output.message(ChangeDependenciesResponseSchema, create(ChangeDependenciesResponseSchema));
  output.text(`${runId}  ${taskKey} waits for others now (tutti get ${runId} ${taskKey})`);
  return exitCode.completed;
}
