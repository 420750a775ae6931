// How does one attempt run, from its assignment to its report?

import type { Assignment, HeldAttempt, Report } from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import { durationToMs } from '../durations.ts';
import { PayloadError, payloadValue } from '../payloads.ts';
import { startAttemptSpan } from '../tracing.ts';
import type { Additions } from './additions.ts';
import { asPayload, fetchInto, isLarge, storedApartIn, storeResult } from './attempt-payloads.ts';
import { createContext } from './context.ts';
import { AttemptAbortedError, FinalError, RetryableError } from './errors.ts';
import { type HandlerEnd, judge } from './judge.ts';
import type { Settings } from './options.ts';
import type { Usage } from './outcome.ts';
import type { StoredPayloads } from './payload-door.ts';
import type { AbortReason } from './types.ts';

/** An attempt whose handler may still run. */
export interface RunningAttempt {
  readonly usage: Usage;
  readonly traceparent: string;
  run(): void;
  /** Tells the handler to stop; the first reason stays. */
  abort(reason: AbortReason, graceMs: number): void;
}

/** What an attempt needs from its surroundings. */
export interface AttemptDeps {
  readonly assignment: Assignment;
  readonly settings: Settings;
  readonly maxPayloadBytes: () => number;
  readonly onProgress: (progress: NonNullable<HeldAttempt['progress']>) => void;
  readonly onCheckpoint: (checkpoint: NonNullable<HeldAttempt['checkpoint']>) => void;
  readonly payloads: StoredPayloads;
  readonly additions: Additions;
  /** Called exactly once, when the handler has returned. */
  readonly onEnd: (report: Report, traceparent: string) => void;
}

// A longer timer would fire at once; the orchestrator enforces such a timeout anyway.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export function createAttempt(deps: AttemptDeps): RunningAttempt {
  const { assignment, settings } = deps;
  const token = assignment.leaseToken;
  const span = startAttemptSpan(assignment, settings.id);
  const abort = createLazyAbort();
  const state = { usage: {} as Record<string, number>, partialResult: undefined as unknown };
  let timer: NodeJS.Timeout | undefined;

  const settle = (end: HandlerEnd) => {
    clearTimeout(timer);
    const report = judge(end, {
      leaseToken: token,
      abortReason: abort.reason?.reason,
      partialResult: state.partialResult,
      usage: state.usage,
      maxPayloadBytes: deps.maxPayloadBytes(),
    });
    const failure = report.outcome.case === 'failed' ? report.outcome.value.error : undefined;
    span.end(report.outcome.case ?? '', failure);
    deps.onEnd(report, span.traceparent);
  };

  const perform = () => {
    const capability = settings.capabilities.get(assignment.capability);
    if (capability === undefined) {
      throw new RetryableError('NO_HANDLER', `this executor has no ${assignment.capability}`);
    }
    const context = createContext(deps, { abort, state, traceparent: span.traceparent });
    return capability.handler(inputOf(assignment), context);
  };

  const finish = (value: unknown) => {
    if (abort.reason !== undefined) return settle({ value });
    const result = asPayload(value);
    if (!isLarge(result, deps.maxPayloadBytes())) return settle({ value: result });
    storeResult(result, deps.payloads, abort.signal).then(
      (stored) => settle({ value: stored }),
      (thrown: unknown) => settle({ thrown }),
    );
  };

  const start = () => {
    let value: unknown;
    let isPending: boolean;
    try {
      value = span.within(perform);
      isPending = isPromiseLike(value);
    } catch (thrown) {
      return settle({ thrown });
    }
    if (!isPending) return finish(value);
    // A promise of our own takes over: a foreign `then` may throw, or answer more than once.
    new Promise((resolve) => resolve(value)).then(finish, (thrown: unknown) => settle({ thrown }));
  };

  return {
    usage: state.usage,
    traceparent: span.traceparent,
    abort: abort.abort,
    run() {
      const timeoutMs = durationToMs(assignment.timeout);
      if (timeoutMs !== undefined && timeoutMs <= LONGEST_TIMER_MS) {
        timer = setTimeout(() => abort.abort('TIMED_OUT', 0), timeoutMs);
      }
      const apart = storedApartIn(assignment);
      if (apart === undefined) return start();
      fetchInto(apart, deps.payloads, abort.signal).then(start, (thrown: unknown) => settle({ thrown }));
    },
  };
}

/** An abort signal that costs nothing until somebody looks at it. */
export interface LazyAbort {
  readonly signal: AbortSignal;
  readonly reason: AttemptAbortedError | undefined;
  abort(reason: AbortReason, graceMs: number): void;
}

function createLazyAbort(): LazyAbort {
  let controller: AbortController | undefined;
  let reason: AttemptAbortedError | undefined;
  return {
    get signal() {
      if (controller === undefined) {
        controller = new AbortController();
        if (reason !== undefined) controller.abort(reason);
      }
      return controller.signal;
    },
    get reason() {
      return reason;
    },
    abort(why, graceMs) {
      if (reason !== undefined) return;
      reason = new AttemptAbortedError(why, graceMs);
      controller?.abort(reason);
    },
  };
}

function inputOf(assignment: Assignment): unknown {
  try {
    return payloadValue(assignment.input);
  } catch (error) {
    if (error instanceof PayloadError) {
      throw new FinalError('INVALID_INPUT', `the input is ${error.message}`);
    }
    throw error;
  }
}

function isPromiseLike(value: unknown): boolean {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}
