// `sleep`: takes its time, and nothing else. Stops at once when told to.
//
// Input: {"seconds": 1.5}. Result: {"seconds": 1.5}.

import { setTimeout as delay } from 'node:timers/promises';
import type { Handler } from '@tutti/client/executor';
import { z } from 'zod';
import { readInput } from './input.ts';

/** Timers of Node count milliseconds in 32 bits: a little under 25 days. */
const MAX_SECONDS = 24 * 24 * 60 * 60;

const inputSchema = z.strictObject({ seconds: z.number().min(0).max(MAX_SECONDS) });

export const sleep: Handler = async (input, context) => {
  const { seconds } = readInput(inputSchema, input);
  try {
    await delay(seconds * 1000, undefined, { signal: context.signal });
  } catch (error) {
    // The timer's own AbortError says nothing; the signal's reason says why.
    throw context.signal.aborted ? context.signal.reason : error;
  }
  return { seconds };
};
