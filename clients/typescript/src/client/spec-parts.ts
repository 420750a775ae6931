// The parts that specifications have in common, and how a wrong one is told.

import type { MessageInitShape } from '@bufbuild/protobuf';
import type { RetryPolicySchema, TimeoutsSchema } from '@tutti/proto/tutti/v1/task_pb.ts';
import { type DurationInput, toDuration } from '../durations.ts';
import { PayloadError, type PayloadInput, toPayload } from '../payloads.ts';

/** When a failed attempt is tried again. */
export interface RetryInput {
  /** How many attempts in all, the first included. Default 1. */
  readonly maxAttempts?: number;
  /** How many after the first: maxAttempts - 1. Not both. */
  readonly maxRetries?: number;
  /** The delay before the second attempt. Default 1 s. */
  readonly initialDelay?: DurationInput;
  /** What each delay is multiplied by. Default 2. */
  readonly factor?: number;
  /** The cap of the delay. Default 5 min. */
  readonly maxDelay?: DurationInput;
  /** The share of each delay, 0 to 1, by which it is shortened at random. Default 0. */
  readonly jitter?: number;
  /** Error codes that are never tried again. */
  readonly nonRetryableCodes?: readonly string[];
  /** How many attempts may be lost with their executors. Default 10. */
  readonly maxLostAttempts?: number;
}

/** Limits of time for a task. */
export interface TimeoutsInput {
  /** From ready to the start of an attempt. */
  readonly queue?: DurationInput;
  /** For each attempt. */
  readonly attempt?: DurationInput;
  /** Over all attempts and delays. */
  readonly whole?: DurationInput;
  /** The longest silence of an attempt between two progress messages. */
  readonly heartbeat?: DurationInput;
}

/** The specification breaks a rule that can be seen before it is sent. */
export class SpecError extends Error {
  override readonly name = 'SpecError';
  /** The path of the field, for example `tasks[3].retry`. */
  readonly field: string;

  constructor(field: string, message: string) {
    super(`${field}: ${message}`);
    this.field = field;
  }
}

export function toInput(value: PayloadInput, path: string) {
  try {
    return toPayload(value);
  } catch (error) {
    if (error instanceof PayloadError) throw new SpecError(path, error.message);
    throw error;
  }
}

export function toRetry(input: RetryInput, path: string): MessageInitShape<typeof RetryPolicySchema> {
  const { maxAttempts, maxRetries, initialDelay, factor, maxDelay, jitter, ...more } = input;
  const { nonRetryableCodes, maxLostAttempts, ...rest } = more;
  refuseUnknown(rest, path);
  if (maxAttempts !== undefined && maxRetries !== undefined) {
    throw new SpecError(`${path}.maxRetries`, 'give maxAttempts or maxRetries, not both');
  }
  const total = maxAttempts ?? (maxRetries === undefined ? undefined : maxRetries + 1);
  if (total !== undefined && (!Number.isInteger(total) || total < 1)) {
    throw new SpecError(path, `${total} attempts in all: give a whole number from 1`);
  }
  const retry: MessageInitShape<typeof RetryPolicySchema> = {};
  if (total !== undefined) retry.maxAttempts = total;
  if (initialDelay !== undefined) retry.initialDelay = duration(initialDelay, `${path}.initialDelay`);
  if (factor !== undefined) retry.factor = factor;
  if (maxDelay !== undefined) retry.maxDelay = duration(maxDelay, `${path}.maxDelay`);
  if (jitter !== undefined) retry.jitter = jitter;
  if (nonRetryableCodes !== undefined) retry.nonRetryableCodes = [...nonRetryableCodes];
  if (maxLostAttempts !== undefined) retry.maxLostAttempts = maxLostAttempts;
  return retry;
}

export function toTimeouts(input: TimeoutsInput, path: string): MessageInitShape<typeof TimeoutsSchema> {
  const { queue, attempt, whole, heartbeat, ...rest } = input;
  refuseUnknown(rest, path);
  const timeouts: MessageInitShape<typeof TimeoutsSchema> = {};
  if (queue !== undefined) timeouts.queue = duration(queue, `${path}.queue`);
  if (attempt !== undefined) timeouts.attempt = duration(attempt, `${path}.attempt`);
  if (whole !== undefined) timeouts.whole = duration(whole, `${path}.whole`);
  if (heartbeat !== undefined) timeouts.heartbeat = duration(heartbeat, `${path}.heartbeat`);
  return timeouts;
}

export function duration(input: DurationInput, path: string) {
  try {
    return toDuration(input, path);
  } catch (error) {
    throw new SpecError(path, (error as Error).message.slice(path.length + 2));
  }
}

/** The number of an enum value given by name. */
export function oneOf<Values extends Readonly<Record<string, number>>>(
  values: Values,
  name: string,
  path: string,
): Values[keyof Values] {
  const value = Object.hasOwn(values, name) ? values[name] : undefined;
  if (value !== undefined && value !== 0) return value as Values[keyof Values];
  const names = Object.keys(values).filter((known) => values[known] !== 0);
  throw new SpecError(path, `${JSON.stringify(name)} is none of ${names.join(', ')}`);
}

export function refuseUnknown(rest: object, path: string): void {
  const [unknown] = Object.keys(rest);
  if (unknown === undefined) return;
  throw new SpecError(path === '' ? unknown : `${path}.${unknown}`, 'there is no such field');
}
