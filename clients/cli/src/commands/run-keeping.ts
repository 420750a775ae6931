// `tutti copy`, `archive`, `unarchive`, `delete`, `retention`: what does each come to?

import { CopyRunResponseSchema } from '@tutti/proto/tutti/v1/run_life_service_pb.ts';
import type { CopyInput, DurationInput } from '../client.ts';
import { type ExitCode, exitCode } from '../failure.ts';
import type { CommandContext } from './context.ts';
import { followToTheEnd } from './finish.ts';

export async function copyRun(
  context: CommandContext,
  runId: string,
  part: CopyInput,
  wait: boolean,
): Promise<ExitCode> {
  const { client, output } = context;
  const copied = await client.copyRun(runId, part);
  output.text(`${copied.runId}  ${copied.copiedCount} copied, ${copied.linkedCount} linked`);
  if (wait) return followToTheEnd(context, copied.runId);
  output.message(CopyRunResponseSchema, copied);
  return exitCode.completed;
}

export type KeepAction = 'archive' | 'unarchive' | 'delete';

const DONE: Readonly<Record<KeepAction, string>> = {
  archive: 'archived: nothing changes it (tutti unarchive)',
  unarchive: 'not archived any more',
  delete: 'deleted',
};

export async function keepRun(
  { client, output }: CommandContext,
  action: KeepAction,
  runId: string,
): Promise<ExitCode> {
  switch (action) {
    case 'archive':
      await client.archiveRun(runId);
      break;
    case 'unarchive':
      await client.unarchiveRun(runId);
      break;
    case 'delete':
      await client.deleteRun(runId);
      break;
  }
  output.text(`${runId}  ${DONE[action]}`);
  return exitCode.completed;
}

/** @param keep how long; `for-ever`; undefined only asks */
export async function retention(
  { client, output }: CommandContext,
  keep: DurationInput | 'for-ever' | undefined,
): Promise<ExitCode> {
  if (keep !== undefined) await client.setRetention(keep === 'for-ever' ? undefined : keep);
  const keptMs = await client.getRetention();
  output.text(
    keptMs === undefined ? 'final runs are kept for ever' : `final runs are kept for ${keptMs / 1_000} s`,
  );
  return exitCode.completed;
}
