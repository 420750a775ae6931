// `text.merge`: adds up the statistics that the task's dependencies came to.
//
// Takes no input. Dependencies that have no result (optional ones that failed) are left out; any other
// that is not a result of text.stats or text.merge is a mistake of the graph. Result: TextStatistics.

import type { AttemptContext, Handler } from '@tutti/client/executor';
import { z } from 'zod';
import { mergeStatistics, type TextStatistics } from '../text/statistics.ts';
import { readInput } from './input.ts';

const count = z.number().int().min(0);

export const textStatisticsSchema = z.object({
  files: count,
  bytes: count,
  lines: count,
  words: count,
  longestLine: z.object({ path: z.string(), line: count, characters: count }).nullable(),
  topWords: z.array(z.object({ word: z.string(), count })).max(1000),
});

export const textMerge: Handler = (_input, context): TextStatistics =>
  mergeStatistics([...readDependencies(context, textStatisticsSchema).values()]);

/** Key -> result of every dependency that completed with one. */
export function readDependencies<Schema extends z.ZodType>(
  context: AttemptContext,
  schema: Schema,
): Map<string, z.output<Schema>> {
  const results = new Map<string, z.output<Schema>>();
  for (const [key, outcome] of context.dependencies) {
    if (outcome.state !== 'COMPLETED') continue;
    // Wrapped, so that a message names the dependency.
    const read = readInput(z.object({ [key]: schema }), { [key]: outcome.result });
    results.set(key, read[key] as z.output<Schema>);
  }
  return results;
}
