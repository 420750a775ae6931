// How is the end of a run waited for? In memory while it is under way here; by the store in every other case.

import { create } from '@bufbuild/protobuf';
import {
  type WaitRunRequest,
  type WaitRunResponse,
  WaitRunResponseSchema,
} from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import type { Run } from '@tutti/proto/tutti/v1/run_pb.ts';
import { accept, type Result } from '../../domain/rejection.ts';
import { isFinalRun } from '../../domain/states.ts';
import type { Orchestrator } from '../../runtime/orchestrator.ts';
import type { PayloadForm } from '../../wire/payload.ts';
import { payloadFormFromWire } from '../../wire/payload-form.ts';
import { durationToMs } from '../../wire/time.ts';
import { type CallContext, namespaceOf } from '../call.ts';
import { toEndedRunMessage, toFullRunMessage } from '../messages/run.ts';
import type { UnaryHandler } from '../method.ts';
import { findRun } from './runs.ts';
import { untilItsEnd } from './watch.ts';

const DEFAULT_WAIT_MS = 60_000;

export interface WaitDeps {
  readonly orchestrator: Pick<Orchestrator, 'watch' | 'waitForEnd' | 'queries'>;
}

export interface Wait {
  readonly namespace: string;
  readonly runId: string;
  readonly timeoutMs: number;
  /** Of the payloads in the answer. */
  readonly form: PayloadForm;
}

export interface Waited {
  readonly finished: boolean;
  readonly run: Run;
}

export function createWaitHandler(deps: WaitDeps): UnaryHandler<WaitRunRequest, WaitRunResponse> {
  return async (request, { context }) => {
    const wait = {
      namespace: namespaceOf(request),
      runId: request.runId,
      timeoutMs: request.timeout === undefined ? DEFAULT_WAIT_MS : durationToMs(request.timeout),
      form: payloadFormFromWire(request.payloadForm),
    };
    const waited = await waitForRun(deps, wait, context);
    return waited.ok ? accept(create(WaitRunResponseSchema, waited.value)) : waited;
  };
}

/** Answers once the run is final, or when the time is over. */
export async function waitForRun(deps: WaitDeps, wait: Wait, context: CallContext): Promise<Result<Waited>> {
  const { namespace, runId, timeoutMs, form } = wait;
  const beganMs = performance.now();
  const ended = await deps.orchestrator.waitForEnd(namespace, runId, timeoutMs, context.signal);
  if (!ended.ok) return ended;
  context.signal.throwIfAborted();
  if (ended.value !== undefined) {
    return accept({ finished: true, run: toEndedRunMessage(namespace, ended.value, form) });
  }
  // A timer may be early by part of a millisecond.
  const leftMs = Math.max(0, Math.floor(timeoutMs - (performance.now() - beganMs)));
  return waitByStore(deps, { ...wait, timeoutMs: leftMs }, context);
}

/** For runs that are over already, that are being loaded, or that go on for longer than is waited. */
async function waitByStore(deps: WaitDeps, wait: Wait, context: CallContext): Promise<Result<Waited>> {
  const { queries } = deps.orchestrator;
  const { namespace, runId, form } = wait;
  const before = await findRun(queries, namespace, runId);
  if (!before.ok) return before;
  const record = queries.getRunRecord(namespace, before.value.run);
  // Should the waiting end otherwise, nobody asks for it any more.
  record.catch(() => {});
  const isAnswer = isFinalRun(before.value.phase) || wait.timeoutMs === 0;
  if (!isAnswer) {
    const ended = await lastEvent(deps, wait, before.value.lastRevision, context);
    if (!ended.ok) return ended;
    context.signal.throwIfAborted();
  }
  const after = isAnswer ? before : await findRun(queries, namespace, runId);
  if (!after.ok) return after;
  const run = await toFullRunMessage(queries, namespace, after.value, form, record);
  return accept({ finished: isFinalRun(after.value.phase), run });
}

/** Answers after the run's last event, or when the time is over. */
async function lastEvent(
  deps: WaitDeps,
  { namespace, runId, timeoutMs }: Wait,
  afterRevision: number,
  context: CallContext,
): Promise<Result<void>> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), timeoutMs);
  try {
    const signal = AbortSignal.any([context.signal, stop.signal]);
    const pages = await deps.orchestrator.watch(namespace, { runId, afterRevision }, signal);
    if (!pages.ok) return stop.signal.aborted ? accept(undefined) : pages;
    // Reading to the end is the waiting; what the pages say is read from the store afterwards.
    const whole = untilItsEnd(deps, namespace, runId, pages.value, signal);
    for await (const _ of whole) if (signal.aborted) break;
    return accept(undefined);
  } catch (error) {
    // Some streams end by throwing the reason of their abort.
    if (stop.signal.aborted && error === stop.signal.reason) return accept(undefined);
    throw error;
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}
