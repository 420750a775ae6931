// What becomes of the tasks that a task made for itself (items, checks), once it has ended or begins anew?

import { cancellation } from './cancel.ts';
import { isUndo } from './compensation.ts';
import type { Change } from './events.ts';
import { specOf } from './lookup.ts';
import type { RunState } from './state.ts';

const NOTHING: readonly Change[] = Object.freeze([]);

/** Whatever of them is still open is cancelled: nobody waits for it any more. */
export function endOwned(run: RunState, owner: number): readonly Change[] {
  const children = run.graph.children[owner];
  if (run.owners.size === 0 || children === undefined || children.length === 0) return NOTHING;
  const changes: Change[] = [];
  for (const child of children) {
    if (run.owners.get(child) !== owner || isUndo(specOf(run, child))) continue; // It outlives what it undoes.
    const change = cancellation(run, child, 'OWNER_ENDED');
    if (change !== undefined) changes.push(change);
  }
  return changes;
}
