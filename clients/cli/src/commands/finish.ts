// How does a command that waited for a run end?

import { type Run, RunSchema, RunState } from '@tutti/proto/tutti/v1/run_pb.ts';
import { describeFailedTask, describeOutcome } from '../describe.ts';
import { type ExitCode, exitCode } from '../failure.ts';
import { runStateName } from '../names.ts';
import { followRun } from '../progress/follow.ts';
import { createProgressView } from '../progress/view.ts';
import type { CommandContext } from './context.ts';

/** Follows the run to its end, says how it ended, and answers with the exit code for that. */
export async function followToTheEnd(context: CommandContext, runId: string): Promise<ExitCode> {
  const { client, output } = context;
  const view = createProgressView(output);
  const onInterrupt = (): void => {
    view.end();
    output.remark(`run ${runId} goes on; follow it with: tutti watch ${runId}`);
    process.exit(130);
  };
  process.once('SIGINT', onInterrupt);
  try {
    const run = await followRun(client, runId, view);
    await tellTheEnd(context, run);
    return exitCodeOfRun(run.state);
  } finally {
    process.removeListener('SIGINT', onInterrupt);
  }
}

async function tellTheEnd({ client, output }: CommandContext, run: Run): Promise<void> {
  output.message(RunSchema, run);
  if (output.format === 'json') return;
  output.text(`${run.runId}  ${describeOutcome(run)}`);
  if (run.failedTask !== '') {
    const task = await client.getTask(run.runId, run.failedTask);
    output.text(`failed first: ${describeFailedTask(task)}`);
  }
  if (run.traceId !== '') output.text(`trace ${run.traceId}`);
}

/** Of a final state; any other is a defect of the caller. */
export function exitCodeOfRun(state: RunState): ExitCode {
  switch (state) {
    case RunState.COMPLETED:
      return exitCode.completed;
    case RunState.FAILED:
      return exitCode.failed;
    case RunState.CANCELLED:
      return exitCode.cancelled;
    case RunState.UNSPECIFIED:
    case RunState.RUNNING:
    case RunState.CANCELLING:
    case RunState.COMPENSATING:
      throw new Error(`${runStateName(state)} is not a final state`);
    default:
      throw new Error(`state ${state} is not known to this version`);
  }
}
