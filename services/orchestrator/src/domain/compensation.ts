// How is undone what had completed in a run that is not to complete (D.9)?
//
// One after the other, the last completed first; one that fails does not stop the others.

import type { Change } from './events.ts';
import { specOf, taskOf } from './lookup.ts';
import { EMPTY_PAYLOAD } from './payload.ts';
import {
  type Compensation,
  DEFAULT_JOIN,
  PLAIN_EDGE,
  PLAIN_TASK,
  SELECT_ALL,
  type TaskSpec,
} from './spec.ts';
import type { RunState } from './state.ts';

const NOTHING: readonly Change[] = Object.freeze([]);

/** Whether anything is to be undone. Costs the size of the run, once for its end. */
export function hasToUndo(run: RunState): boolean {
  return run.tasks.some((_, task) => isToUndo(run, task));
}

/** Whether it is a task that undoes another. */
export function isUndo({ key }: TaskSpec): boolean {
  return key.endsWith('#undo');
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
  const { inputExpression } = compensation;
  return {
    ...PLAIN_TASK,
    key: nextUndoKey(run, spec.key),
    capability: compensation.capability,
    input: inputExpression === '' ? (taskOf(run, task).result ?? EMPTY_PAYLOAD) : EMPTY_PAYLOAD,
    inputExpression,
    dependencies: before === '' ? [] : [{ key: before, condition: 'FINISHED', ...AFTER }],
    join: DEFAULT_JOIN,
    onUnmet: 'SKIP',
    parent: spec.key,
    priority: spec.priority,
    retry: compensation.retry,
    timeouts: compensation.timeouts,
    allowFailure: true,
    cancelGraceMs: spec.cancelGraceMs,
  };
}

/** It is only about the order: what came of the one before is none of its business. */
const AFTER = Object.freeze({
  ...PLAIN_EDGE,
  select: Object.freeze({ ...SELECT_ALL, part: Object.freeze({ type: 'NOTHING' }) }),
});

const MAX_NAMED = 3;

/** Which tasks stay as they were though they should have been undone, in words; empty if there are none. */
export function leftUndone(run: RunState): string {
  const latest = new Map<number, number>();
  for (const [child, owner] of run.owners) {
    // What was done again since, and did not complete, needed no undoing this time.
    const isOfThisEnd = taskOf(run, owner).state === 'COMPLETED';
    if (isOfThisEnd && isUndo(specOf(run, child))) latest.set(owner, child);
  }
  const left = [...latest.values()].filter((undo) => taskOf(run, undo).state !== 'COMPLETED');
  if (left.length === 0) return '';
  const named = left.slice(0, MAX_NAMED).map((undo) => `"${specOf(run, undo).key}"`);
  const more = left.length > MAX_NAMED ? ` and ${left.length - MAX_NAMED} more` : '';
  return `${left.length} of ${latest.size} compensations did not complete: ${named.join(', ')}${more}`;
}
