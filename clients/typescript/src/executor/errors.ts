// How does a handler, or the executor itself, say why something did not succeed?

import type { PayloadInput } from '../payloads.ts';
import type { AbortReason } from './types.ts';

/** What an error can carry besides its code and message. */
export interface HandlerErrorOptions extends ErrorOptions {
  /** Whatever should be kept with the attempt. */
  readonly details?: PayloadInput;
}

/** The attempt failed, and another may succeed. */
export class RetryableError extends Error {
  override readonly name = 'RetryableError';
  readonly code: string;
  /** When to try again at the earliest, instead of the policy's delay. Up to 30 days. */
  readonly retryAfterMs: number | undefined;
  readonly details: PayloadInput;

  /** `code` is for machines: 1 to 128 characters. */
  constructor(
    code: string,
    message: string,
    options: HandlerErrorOptions & { readonly retryAfterMs?: number } = {},
  ) {
    super(message, options);
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
    this.details = options.details;
  }
}

/** The attempt failed, and another would be useless: the task fails. */
export class FinalError extends Error {
  override readonly name = 'FinalError';
  readonly code: string;
  readonly details: PayloadInput;

  /** `code` is for machines: 1 to 128 characters. */
  constructor(code: string, message: string, options: HandlerErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.details = options.details;
  }
}

/** The reason of `context.signal`: why the attempt should stop. */
export class AttemptAbortedError extends Error {
  override readonly name = 'AttemptAbortedError';
  readonly reason: AbortReason;
  /** How long until the lease is withdrawn; 0 if it is gone. */
  readonly graceMs: number;

  constructor(reason: AbortReason, graceMs: number) {
    super(`the attempt should stop: ${reason}`);
    this.reason = reason;
    this.graceMs = graceMs;
  }
}

/** The orchestrator will not have this executor, and a repeat would change nothing. */
export class ExecutorRefusedError extends Error {
  override readonly name = 'ExecutorRefusedError';
  /** A name of ErrorReason, for example `INVALID_FIELD`. */
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(`${reason}: ${message}`);
    this.reason = reason;
  }
}
