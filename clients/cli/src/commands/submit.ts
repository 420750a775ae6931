// `tutti submit` and `tutti import wfformat`: how does a file become a run?

import { SubmitRunResponseSchema } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import type { RunSpec } from '@tutti/proto/tutti/v1/run_pb.ts';
import type { SubmitChoices } from '../client.ts';
import { type ExitCode, exitCode } from '../failure.ts';
import { inputName, readInput } from '../spec/read-input.ts';
import { parseRunSpec } from '../spec/spec-file.ts';
import { importWfformat } from '../spec/wfformat.ts';
import type { CommandContext } from './context.ts';
import { followToTheEnd } from './finish.ts';

export interface SubmitOptions extends SubmitChoices {
  readonly wait: boolean;
}

/** @param file a path, or `-` for standard input. */
export async function submitFile(
  context: CommandContext,
  file: string,
  options: SubmitOptions,
): Promise<ExitCode> {
  return submit(context, parseRunSpec(await readInput(file), inputName(file)), options);
}

export async function submitWfformat(
  context: CommandContext,
  file: string,
  timeScale: number,
  options: SubmitOptions,
): Promise<ExitCode> {
  return submit(context, importWfformat(await readInput(file), inputName(file), timeScale), options);
}

async function submit(context: CommandContext, spec: RunSpec, options: SubmitOptions): Promise<ExitCode> {
  const { client, output } = context;
  const submitted = await client.submitRun(spec, options);
  output.text(submitted.runId);
  if (options.wait) return followToTheEnd(context, submitted.runId);
  output.message(SubmitRunResponseSchema, submitted);
  return exitCode.completed;
}
