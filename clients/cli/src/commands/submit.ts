// `tutti submit` and `tutti import wfformat`: how does a file become a run?

import { SubmitRunResponseSchema } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import type { RunSpec } from '@tutti/proto/tutti/v1/run_pb.ts';
import type { SubmitChoices, WorkflowName, WorkflowStart } from '../client.ts';
import { type ExitCode, exitCode } from '../failure.ts';
import { addItems, type ItemsOf, type ItemsOptions } from '../spec/items.ts';
import { inputName, readInput } from '../spec/read-input.ts';
import { isJsonText, parseJsonText, parseRunSpec } from '../spec/spec-file.ts';
import { importWfformat } from '../spec/wfformat.ts';
import type { CommandContext } from './context.ts';
import { followToTheEnd } from './finish.ts';

export interface SubmitOptions extends SubmitChoices {
  readonly wait: boolean;
}

export interface SubmitFileOptions extends SubmitOptions, ItemsOptions {
  readonly items: readonly ItemsOf[];
}

/** @param file a path, or `-` for standard input. */
export async function submitFile(
  context: CommandContext,
  file: string,
  options: SubmitFileOptions,
): Promise<ExitCode> {
  const spec = parseRunSpec(await readInput(file), inputName(file));
  await addItems(spec, options.items, options);
  return submit(context, spec, options);
}

/** @param input a path, `-` for standard input, or JSON itself; undefined leaves it out */
export async function submitWorkflow(
  context: CommandContext,
  workflow: WorkflowName,
  input: string | undefined,
  options: SubmitOptions,
): Promise<ExitCode> {
  return submit(context, { workflow, input: await inputText(input) }, options);
}

async function inputText(input: string | undefined): Promise<string | undefined> {
  if (input === undefined) return undefined;
  if (isJsonText(input)) return parseJsonText(input, '--input');
  return parseJsonText(await readInput(input), inputName(input));
}

export async function submitWfformat(
  context: CommandContext,
  file: string,
  timeScale: number,
  options: SubmitOptions,
): Promise<ExitCode> {
  return submit(context, importWfformat(await readInput(file), inputName(file), timeScale), options);
}

async function submit(
  context: CommandContext,
  spec: RunSpec | WorkflowStart,
  options: SubmitOptions,
): Promise<ExitCode> {
  const { client, output } = context;
  const submitted = await client.submitRun(spec, options);
  output.text(submitted.runId);
  if (options.wait) return followToTheEnd(context, submitted.runId);
  output.message(SubmitRunResponseSchema, submitted);
  return exitCode.completed;
}
