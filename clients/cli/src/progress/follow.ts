// How does a command stay with a run until its end?

import { setTimeout as pause } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { type Run, TaskCountsSchema } from '@tutti/proto/tutti/v1/run_pb.ts';
import type { CommandClient } from '../client.ts';
import { exitCode, Failure } from '../failure.ts';
import type { ProgressView } from './view.ts';

/** An orchestrator that is restarted is back by then; the run goes on by itself meanwhile. */
const patienceMs = 60_000;
const retryPauseMs = 500;

/**
 * Shows the progress of a run that the orchestrator has just told of, until it is final, and answers with
 * how it ended. An orchestrator that cannot be reached is asked again for a minute.
 */
export async function followRun(client: CommandClient, runId: string, view: ProgressView): Promise<Run> {
  let lastSeenMs = performance.now();
  try {
    for (;;) {
      try {
        const { finished, run } = await client.waitRun(runId, view.intervalMs);
        lastSeenMs = performance.now();
        if (run === undefined) throw new Error('the orchestrator answered WaitRun without a run');
        view.show(runId, run.tasks ?? create(TaskCountsSchema));
        if (finished) return run;
      } catch (error) {
        if (!isUnreachable(error)) throw error;
        if (performance.now() - lastSeenMs > patienceMs) throw error;
        view.remark('the orchestrator cannot be reached; the run goes on when it is back; asking again');
        await pause(retryPauseMs);
      }
    }
  } finally {
    view.end();
  }
}

function isUnreachable(error: unknown): boolean {
  return error instanceof Failure && error.exitCode === exitCode.unreachable;
}
