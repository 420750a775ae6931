// What is a manager shown when it is asked (C.6)? The contract is the comment of Manager in run.proto.

import type { TaskError } from './events.ts';
import type { Json } from './expression.ts';
import { specOf, taskOf } from './lookup.ts';
import { isManaged } from './manager.ts';
import type { Payload } from './payload.ts';
import type { RunState } from './state.ts';
import { iterationOf } from './variables.ts';

/** An executor that takes work. */
export interface Place {
  readonly executorId: string;
  readonly capabilities: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly slots: number;
  readonly running: number;
}

/** A larger result is told by its size: a manager decides by what is small. */
const MAX_RESULT_BYTES = 16_384;

/** Costs the size of the run, once for a round. */
export function managerInput(run: RunState, manager: number, places: readonly Place[]): Payload {
  const tasks: Json[] = [];
  for (let task = 0; task < run.tasks.length; task++) {
    if (isManaged(run, task)) tasks.push(shownTask(run, task));
  }
  const input = {
    round: iterationOf(run, manager),
    input: run.graph.readPayload(run.graph.spec.input) ?? null,
    tasks,
    executors: places.map(({ executorId, capabilities, labels, slots, running }) => ({
      executor_id: executorId,
      capabilities,
      labels,
      slots,
      running,
    })),
  };
  return { bytes: new TextEncoder().encode(JSON.stringify(input)), contentType: '' };
}

function shownTask(run: RunState, task: number): Json {
  const { key, capability, dependencies } = specOf(run, task);
  const { state, reason, result, error } = taskOf(run, task);
  return {
    key,
    capability,
    state,
    reason: reason === 'NONE' ? '' : reason,
    dependencies: dependencies.map((dependency) => dependency.key),
    available: state === 'WAITING' && reason === 'AWAITING_MANAGER',
    ...(result === undefined ? {} : shownResult(run, result)),
    ...(error === undefined ? {} : { error: shownError(error) }),
  };
}

function shownResult(run: RunState, result: Payload): { readonly [name: string]: Json } {
  const sizeBytes = result.ref?.sizeBytes ?? result.bytes.length;
  if (sizeBytes > MAX_RESULT_BYTES) return { result_bytes: sizeBytes };
  const json = run.graph.readPayload(result);
  return json === undefined ? { result_bytes: sizeBytes } : { result: json };
}

function shownError({ code, message }: TaskError): Json {
  return { code, message };
}
