// Which tasks stand for the items of a foreach, and how do they stand?

import type { Change } from './events.ts';
import type { Expansion, TaskStatus } from './state.ts';
import type { FinalTaskState } from './states.ts';

/** `KEY#INDEX` in the first round, `KEY@ROUND#INDEX` in any other. */
export function itemKey(key: string, round: number, index: number): string {
  return round === 1 ? `${key}#${index}` : `${key}@${round}#${index}`;
}

/** Of a task with such a key. */
export function itemIndex(key: string): number {
  return Number(key.slice(key.lastIndexOf('#') + 1));
}

/** Items that are kept have their task from the round before. */
export function nextExpansion(
  before: Expansion | undefined,
  { items, itemCount, kept }: Extract<Change, { type: 'TaskExpanded' }>,
): Expansion {
  const children: (number | undefined)[] = new Array(itemCount).fill(undefined);
  for (const index of kept) children[index] = before?.children[index];
  return {
    round: (before?.round ?? 0) + 1,
    items,
    itemCount,
    children,
    made: kept.length,
    next: 0,
    ended: kept.length,
    failed: 0,
    firstFailed: undefined,
  };
}

const NO_ITEMS = {
  items: undefined,
  itemCount: 0,
  made: 0,
  next: 0,
  ended: 0,
  failed: 0,
  firstFailed: undefined,
};

/** The next round does everything anew; only its number goes on. */
export function forgetItems({ more }: TaskStatus): void {
  if (more?.expansion === undefined) return;
  const { round } = more.expansion;
  more.expansion = { ...NO_ITEMS, round, children: [] };
}

export function takeItem(expansion: Expansion, index: number, task: number): void {
  expansion.children[index] = task;
  expansion.made++;
  while (expansion.next < expansion.itemCount && expansion.children[expansion.next] !== undefined) {
    expansion.next++;
  }
}

/** Undefined for a task of an earlier round, which nobody waits for any more. */
export function itemOf(expansion: Expansion, key: string, task: number): number | undefined {
  const index = itemIndex(key);
  return expansion.children[index] === task ? index : undefined;
}

export function countItem(expansion: Expansion, index: number, state: FinalTaskState): void {
  expansion.ended++;
  if (state === 'COMPLETED') return;
  expansion.failed++;
  expansion.firstFailed ??= index;
}

export function discountItem(expansion: Expansion, state: FinalTaskState): void {
  expansion.ended--;
  if (state !== 'COMPLETED') expansion.failed--;
}
