// `tutti pause`, `tutti resume`, `tutti rerun`: what does each come to?

import {
  PauseRunResponseSchema,
  RerunRunResponseSchema,
  ResumeRunResponseSchema,
} from '@tutti/proto/tutti/v1/run_life_service_pb.ts';
import type { RerunInput } from '../client.ts';
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
