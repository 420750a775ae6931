// How does a command stay with a run until its end?

import { setTimeout as pause } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { type Run, TaskCountsSchema } from '@tutti/proto/tutti/v1/run_pb.ts';
import { StateReason } from '@tutti/proto/tutti/v1/state_reason_pb.ts';
import type { CommandClient } from '../client.ts';
import { exitCode, Failure } from '../failure.ts';
import { createStillness } from './idle.ts';
import type { ProgressView } from './view.ts';

/** An orchestrator that is restarted is back by then; the run goes on by itself meanwhile. */
const patienceMs = 60_000;
const retryPauseMs = 500;
/** Enough to see every capability that a run usually needs, and no burden. */
const maxReadyTasks = 500;

/**
 * Shows the progress of a run that the orchestrator has just told of, until it is final, and answers with
 * how it ended. An orchestrator that cannot be reached is asked again for a minute. When nothing runs for
 * a while because nobody offers what is needed, it says so.
 */
export async function followRun(client: CommandClient, runId: string, view: ProgressView): Promise<Run> {
  let lastSeenMs = performance.now();
  const stillness = createStillness();
  const missed = new Set<string>();
  try {
    for (;;) {
      try {
        const { finished, run } = await client.waitRun(runId, view.intervalMs);
        lastSeenMs = performance.now();
        if (run === undefined) throw new Error('the orchestrator answered WaitRun without a run');
        const counts = run.tasks ?? create(TaskCountsSchema);
        view.show(runId, counts);
        if (finished) return run;
        if (stillness.see(counts, lastSeenMs)) await noteWhatIsMissing(client, runId, view, missed);
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

/** @param missed the capabilities that were told of already; those told of now are added. */
async function noteWhatIsMissing(
  client: CommandClient,
  runId: string,
  view: ProgressView,
  missed: Set<string>,
): Promise<void> {
  let seenCount = 0;
  for await (const { reason, spec } of client.listReadyTasks(runId)) {
    const capability = spec?.capability;
    if (reason === StateReason.NO_EXECUTOR && capability !== undefined && !missed.has(capability)) {
      missed.add(capability);
      view.note(`no executor offers ${capability}; what there is: tutti executors`);
    }
    seenCount += 1;
    if (seenCount === maxReadyTasks) return;
  }
}

function isUnreachable(error: unknown): boolean {
  return error instanceof Failure && error.exitCode === exitCode.unreachable;
}
