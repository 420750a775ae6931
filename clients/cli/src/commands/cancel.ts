// `tutti cancel`: what does cancelling a run come to?

import { CancelRunResponseSchema } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { type ExitCode, exitCode } from '../failure.ts';
import type { CommandContext } from './context.ts';

export async function cancelRun(
  { client, output }: CommandContext,
  runId: string,
  message: string,
): Promise<ExitCode> {
  const cancelled = await client.cancelRun(runId, message);
  output.message(CancelRunResponseSchema, cancelled);
  output.text(
    `${runId}  ${cancelled.cancelledCount} tasks cancelled, ${cancelled.cancellingCount} running ones told to stop`,
  );
  return exitCode.completed;
}
