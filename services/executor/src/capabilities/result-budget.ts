// How much may a task bring back?
//
// Two limits: what the input asks for, in bytes as they come, and what a payload may have, in bytes as
// they are sent. Text grows on its way into JSON, where a line break takes two bytes and a control
// character six. Beyond either the attempt fails for good: the request or the program has done its work,
// and to do it again would bring back as much.

import { type AttemptContext, FinalError } from '@tutti/client/executor';
import { z } from 'zod';

const MAX_BYTES = 16 * 1024 * 1024;

/** A field of an input that limits what is read. */
export const readLimit = z
  .number()
  .int()
  .min(0)
  .max(MAX_BYTES)
  .default(256 * 1024);

/** The result, if it fits into a payload; else the attempt fails with `code`. */
export function fitting<Result extends object>(
  result: Result,
  context: Pick<AttemptContext, 'maxPayloadBytes'>,
  code: string,
  what: string,
): Result {
  const sizeBytes = Buffer.byteLength(JSON.stringify(result));
  if (sizeBytes <= context.maxPayloadBytes) return result;
  throw new FinalError(
    code,
    `${what}: the result has ${sizeBytes} bytes as JSON, and ${context.maxPayloadBytes} is the limit`,
  );
}
