// How is undone what had completed in a run that is not to complete (D.9)?
//
// One after the other, the last completed first; one that fails does not stop the others.

import type { Change } from './events.ts';
import type { Json } from './expression.ts';
import { specOf, taskOf } from './lookup.ts';
import { EMPTY_PAYLOAD, type Payload } from './payload.ts';
import { payloadOfJson } from './payload-json.ts';
import {
  type Compensation,
  DEFAULT_CANCEL_GRACE_MS,
  DEFAULT_JOIN,
  PLAIN_EDGE,
  PLAIN_TASK,
  type TaskSpec,
} from './spec.ts';
import type { RunState } from './state.ts';
import { UNDO_VARIABLES } from './variables.ts';

const NOTHING: readonly Change[] = Object.freeze([]);

/** Whether anything is to be undone. Costs the size of the run, once for its end. */
export function hasToUndo(run: RunState): boolean {
  return run.tasks.some((_, task) => isToUndo(run, task));
}

/** The tasks that undo, each after the one before it. */
export function undoAll(run: RunState): readonly Change[] {
  const done: number[] = [];
  for (let task = 0; task < run.tasks.length; task++) if (isToUndo(run, task)) done.push(task);
  done.sort((one, other) => taskOf(run, other).endedRevision - taskOf(run, one).endedRevision);
  const changes: Change[] = [];
  let before = '';
  for (const task of done) {
    const spec = undoSpec(run, task, before);
    before = spec.key;
    changes.push({ type: 'TasksAdded', specs: [spec], owner: task });
  }
  return changes.length === 0 ? NOTHING : changes;
}

/** A foreach itself did nothing: its items did. What is undone already stays so. */
function isToUndo(run: RunState, task: number): boolean {
  const { handling, flow, key } = specOf(run, task);
  const { state, endedRevision } = taskOf(run, task);
  if (handling.compensation === undefined || state !== 'COMPLETED' || flow.foreach !== undefined)
    return false;
  for (let round = 1; ; round++) {
    const undo = run.graph.indexOf(undoKey(key, round));
    if (undo === undefined) return true;
    if (taskOf(run, undo).state === 'COMPLETED' && taskOf(run, undo).endedRevision > endedRevision)
      return false;
  }
}

/** `KEY#undo`; `KEY@ROUND#undo` where the run has been done again and is undone again. */
function undoKey(key: string, round: number): string {
  return round === 1 ? `${key}#undo` : `${key}@${round}#undo`;
}

function nextUndoKey(run: RunState, key: string): string {
  let round = 1;
  while (run.graph.indexOf(undoKey(key, round)) !== undefined) round++;
  return undoKey(key, round);
}

function undoSpec(run: RunState, task: number, before: string): TaskSpec {
  const spec = specOf(run, task);
  const compensation = spec.handling.compensation as Compensation;
  const input = undoInput(run, task, compensation);
  return {
    ...PLAIN_TASK,
    key: nextUndoKey(run, spec.key),
    capability: compensation.capability,
    input: input ?? EMPTY_PAYLOAD,
    // Where it cannot be computed, the task fails with the reason when its turn comes.
    inputExpression: input === undefined ? compensation.inputExpression : '',
    dependencies: before === '' ? [] : [{ key: before, condition: 'FINISHED', ...PLAIN_EDGE }],
    join: DEFAULT_JOIN,
    onUnmet: 'SKIP',
    parent: spec.parent,
    priority: spec.priority,
    retry: compensation.retry,
    timeouts: compensation.timeouts,
    allowFailure: true,
    cancelGraceMs: DEFAULT_CANCEL_GRACE_MS,
  };
}

function undoInput(run: RunState, task: number, { inputExpression }: Compensation): Payload | undefined {
  const { result = EMPTY_PAYLOAD } = taskOf(run, task);
  if (inputExpression === '') return result;
  const compiled = run.graph.expressions.compile(inputExpression, UNDO_VARIABLES);
  if (!compiled.ok) return undefined;
  const variables: Record<string, Json> = {};
  const input = run.graph.readPayload(run.graph.spec.input);
  const seen = run.graph.readPayload(result);
  if (input !== undefined) variables.input = input;
  if (seen !== undefined) variables.result = seen;
  const value = compiled.expression.evaluate(variables);
  const encoded = value.ok ? payloadOfJson(value.value) : value;
  return encoded.ok ? encoded.payload : undefined;
}
