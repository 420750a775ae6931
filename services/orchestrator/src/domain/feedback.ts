// What is the next attempt of a task told to do better?

import type { Feedback } from './events.ts';
import { itemIndex } from './expansion.ts';
import { foreachAround, specOf, taskOf } from './lookup.ts';
import type { Payload } from './payload.ts';
import { payloadOfJson } from './payload-json.ts';
import type { RunState } from './state.ts';

/** An item is told what its foreach is, of the refused list its own part; unless it has been refused itself. */
export function feedbackOf(run: RunState, task: number): Feedback | undefined {
  const own = taskOf(run, task).more?.feedback;
  const list = foreachAround(run, task);
  if (own !== undefined || list === undefined) return own;
  const told = taskOf(run, list).more?.feedback;
  if (told === undefined) return undefined;
  return { ...told, refusedResult: partOf(run, told.refusedResult, itemIndex(specOf(run, task).key)) };
}

function partOf(run: RunState, refused: Payload | undefined, index: number): Payload | undefined {
  const list = refused === undefined ? undefined : run.graph.readPayload(refused);
  const part = Array.isArray(list) ? list[index] : undefined;
  const encoded = part === undefined ? undefined : payloadOfJson(part);
  return encoded?.ok === true ? encoded.payload : undefined;
}
