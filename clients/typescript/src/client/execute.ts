// How is a run submitted and waited for in one call?
//
// The first call does both. Where it ends before the run, the run is waited for as any other.

import { randomUUID } from 'node:crypto';
import type { Context } from '@opentelemetry/api';
import {
  OrchestratorService,
  type RunSubmission,
  type SubmitRunResponse,
} from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { createBackoff, pause } from '../backoff.ts';
import { toDuration } from '../durations.ts';
import { withClientSpan } from '../tracing.ts';
import type { Caller } from './caller.ts';
import { isBroken, isUnanswered } from './retryable.ts';
import { createRunHandle, GIVE_UP_AFTER_MS, POLL_MARGIN_MS, POLL_MS, waitOutcome } from './run-handle.ts';
import type { Client, ExecuteOptions, ExecuteOutcome } from './types.ts';

export async function executeRun(
  caller: Caller,
  client: Client,
  submission: RunSubmission,
  options: ExecuteOptions,
): Promise<ExecuteOutcome> {
  const { signal, giveUpAfterMs = GIVE_UP_AFTER_MS } = options;
  const deadlineMs = Date.now() + (options.timeoutMs ?? Number.POSITIVE_INFINITY);
  const { runId, revision, existed, finished, run } = await withClientSpan('tutti execute', (traceContext) =>
    submitAndWait(caller, client.namespace, submission, deadlineMs, options, traceContext),
  );
  const handle = createRunHandle(client, runId, revision, existed);
  const leftMs = Math.max(0, deadlineMs - Date.now());
  // An orchestrator that could not go on waiting says nothing of the run.
  const isOver = run !== undefined && (finished || leftMs === 0);
  const outcome = isOver
    ? await waitOutcome(client, finished, run, signal)
    : await handle.wait({ timeoutMs: leftMs, giveUpAfterMs, ...(signal !== undefined && { signal }) });
  return { ...outcome, handle };
}

/** Repeats what broke, with one request id: it is one run. What is refused is not repeated any further. */
async function submitAndWait(
  caller: Caller,
  namespace: string,
  run: RunSubmission,
  deadlineMs: number,
  { signal, giveUpAfterMs = GIVE_UP_AFTER_MS, requestId = randomUUID() }: ExecuteOptions,
  traceContext: Context,
): Promise<SubmitRunResponse> {
  const backoff = createBackoff(100, 2_000);
  const giveUpMs = Math.min(Date.now() + giveUpAfterMs, deadlineMs);
  for (;;) {
    const waitMs = Math.min(POLL_MS, Math.max(0, deadlineMs - Date.now()));
    try {
      return await caller.unary(
        OrchestratorService.method.submitRun,
        { namespace, requestId, run, wait: toDuration(waitMs, 'timeoutMs') },
        { timeoutMs: waitMs + POLL_MARGIN_MS, ...(signal !== undefined && { signal }) },
        traceContext,
      );
    } catch (error) {
      const isWorthIt = caller.reached() && (isBroken(error) || isUnanswered(error));
      if (!isWorthIt || Date.now() >= giveUpMs || signal?.aborted) throw error;
      await pause(Math.max(error.retryDelayMs ?? 0, backoff.nextMs()), signal);
    }
  }
}
