// `tutti signal`, `approve` and `reject`: whose wait does a signal end?

import { SignalRunResponseSchema } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { type ExitCode, exitCode } from '../failure.ts';
import { inputName, readInput } from '../spec/read-input.ts';
import { isJsonText, parseJsonText } from '../spec/spec-file.ts';
import type { CommandContext } from './context.ts';

/** @param data JSON itself, or the path of a file with JSON or YAML; undefined: an empty payload */
export async function signalRun(
  context: CommandContext,
  runId: string,
  name: string,
  data: string | undefined,
): Promise<ExitCode> {
  return send(context, runId, name, data === undefined ? undefined : await textOf(data));
}

/** An approval is a signal with `{"approved": true}`, or false, and why. */
export function decideRun(
  context: CommandContext,
  runId: string,
  name: string,
  approved: boolean,
  reason: string,
): Promise<ExitCode> {
  return send(context, runId, name, JSON.stringify(reason === '' ? { approved } : { approved, reason }));
}

async function send(
  { client, output }: CommandContext,
  runId: string,
  name: string,
  json: string | undefined,
): Promise<ExitCode> {
  const signalled = await client.signalRun(runId, name, json);
  output.message(SignalRunResponseSchema, signalled);
  const { taskKey } = signalled;
  output.text(
    `${runId}  ${taskKey === '' ? `nobody waits for "${name}" yet: it is kept` : `"${name}" was taken by ${taskKey}`}`,
  );
  return exitCode.completed;
}

async function textOf(data: string): Promise<string> {
  const isScalar = /^\s*(-?\d[\d.eE+-]*|true|false|null)\s*$/.test(data);
  if (isScalar || isJsonText(data)) return parseJsonText(data, '--data');
  return parseJsonText(await readInput(data), inputName(data));
}
