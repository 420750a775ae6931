// What can be done with one run?

import { OrchestratorService } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { type Run, RunState } from '@tutti/proto/tutti/v1/run_pb.ts';
import { TaskState } from '@tutti/proto/tutti/v1/task_pb.ts';
import { createBackoff, pause } from '../backoff.ts';
import { toDuration } from '../durations.ts';
import { json } from '../payloads.ts';
import { TaskNotCompletedError, TuttiError } from './errors.ts';
import { isResumable, isUnanswered } from './retryable.ts';
import { SINGLE_TASK_KEY } from './spec.ts';
import type { Client, RunHandle, WaitOptions, WaitOutcome } from './types.ts';

// One poll; the orchestrator answers earlier if the run ends.
export const POLL_MS = 30_000;
export const POLL_MARGIN_MS = 10_000;
/** How long nobody may answer. */
export const GIVE_UP_AFTER_MS = 60_000;

export function createRunHandle(
  client: Client,
  runId: string,
  revision: bigint | undefined,
  existed: boolean,
): RunHandle {
  return {
    runId,
    revision,
    existed,
    wait: (options = {}) => waitForRun(client, runId, options),
    get: (options) => client.getRun(runId, options),
    graph: (format, options) => client.graph(runId, format, options),
    tasks: (options) => client.listTasks(runId, options),
    async result(taskKey = SINGLE_TASK_KEY, options = {}) {
      const task = await client.getTask(runId, taskKey, { ...options, maxFetchBytes: 0 });
      if (task.state === TaskState.COMPLETED) return json(await client.fetchPayloads(task.result, options));
      const { code = '', message = '' } = task.error ?? {};
      throw new TaskNotCompletedError(taskKey, stateName(task.state), code, message);
    },
    cancel: (options) => client.cancelRun(runId, options),
    pause: (options) => client.pauseRun(runId, options),
    resume: (options) => client.resumeRun(runId, options),
    changeDependencies: (taskKey, change, options) =>
      client.changeDependencies(runId, taskKey, change, options),
    rerun: (tasks, options) => client.rerunRun(runId, tasks, options),
    watch(options = {}) {
      const start = revision === undefined ? {} : { afterRevision: revision - 1n };
      return client.watch({ ...start, ...options, runId });
    },
  };
}

/** Long-polls until the run is final or the time is over; bears breaks of the connection. */
async function waitForRun(client: Client, runId: string, options: WaitOptions): Promise<WaitOutcome> {
  const { signal, giveUpAfterMs = GIVE_UP_AFTER_MS } = options;
  const deadlineMs = Date.now() + (options.timeoutMs ?? Number.POSITIVE_INFINITY);
  const backoff = createBackoff(100, 2_000);
  let lastAnswerAtMs = Date.now();
  for (;;) {
    const leftMs = Math.max(0, deadlineMs - Date.now());
    const pollMs = Math.min(POLL_MS, leftMs);
    try {
      const { finished, run } = await client.call(
        OrchestratorService.method.waitRun,
        { namespace: client.namespace, runId, timeout: toDuration(pollMs, 'timeoutMs') },
        { timeoutMs: pollMs + POLL_MARGIN_MS, ...(signal === undefined ? {} : { signal }) },
      );
      if (run === undefined) throw new TuttiError('the answer has no run', { code: 'INTERNAL' });
      lastAnswerAtMs = Date.now();
      backoff.reset();
      if (finished || Date.now() >= deadlineMs) {
        return await waitOutcome(client, finished, run, signal);
      }
    } catch (error) {
      const isOver = Date.now() - lastAnswerAtMs >= giveUpAfterMs || Date.now() >= deadlineMs;
      if (!(isResumable(error) || isUnanswered(error)) || isOver || signal?.aborted) throw error;
      await pause(Math.max(error.retryDelayMs ?? 0, backoff.nextMs()), signal);
    }
  }
}

export async function waitOutcome(
  client: Client,
  finished: boolean,
  run: Run,
  signal: AbortSignal | undefined,
): Promise<WaitOutcome> {
  await client.fetchPayloads(run.output, signal === undefined ? {} : { signal });
  return { finished, succeeded: run.state === RunState.COMPLETED, run };
}

function stateName(state: TaskState): string {
  return Object.entries(TaskState).find(([, value]) => value === state)?.[0] ?? String(state);
}
