// Is a task's input what the capability asks for?

import { FinalError } from '@tutti/client/executor';
import type { z } from 'zod';

/** The parsed input; else the attempt fails for good with the path of every mistake. */
export function readInput<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => {
    const path = issue.path.map(String).join('.');
    return path === '' ? issue.message : `${path}: ${issue.message}`;
  });
  throw new FinalError(
    'INVALID_INPUT',
    `the input is not what this capability takes: ${problems.join('; ')}`,
  );
}
