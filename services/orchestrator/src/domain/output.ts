// What does a run come to whose tasks all did (B.5)?

import { expressionError } from './conditions.ts';
import type { Change } from './events.ts';
import { taskOf } from './lookup.ts';
import { payloadOfJson } from './payload-json.ts';
import type { RunState } from './state.ts';
import { evaluateForRun } from './variables.ts';

/** The end of a run that would be COMPLETED. */
export function completion(run: RunState): Extract<Change, { readonly type: 'RunCompleted' | 'RunFailed' }> {
  const { output, outputTask } = run.graph.spec;
  if (outputTask !== '') {
    const task = run.graph.indexOf(outputTask);
    return { type: 'RunCompleted', output: task === undefined ? undefined : taskOf(run, task).result };
  }
  if (output === '') return { type: 'RunCompleted', output: undefined };
  const value = evaluateForRun(run, output);
  const encoded = value.ok ? payloadOfJson(value.value) : value;
  if (encoded.ok) return { type: 'RunCompleted', output: encoded.payload };
  const { message } = expressionError('output', output, encoded.cause);
  return { type: 'RunFailed', reason: 'EXPRESSION_FAILED', failedTask: undefined, message };
}
