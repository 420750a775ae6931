// Virtual time: nothing happens but what was planned for a moment, and moments come one after the other.

export interface Time {
  nowMs(): number;
  /** Plans an action; returns what revokes it. Equal moments happen in the order in which they were planned. */
  at(atMs: number, action: () => void): () => void;
  after(delayMs: number, action: () => void): () => void;
  /** Lets the next thing happen, and everything that follows from it at once. False if nothing is planned. */
  step(): Promise<boolean>;
  /** When the next thing happens. */
  nextAtMs(): number | undefined;
}

interface Planned {
  readonly atMs: number;
  readonly order: number;
  action: (() => void) | undefined;
}

/** A moment of November 2023: times of events have to look like times. */
export const BEGINNING_MS = 1_700_000_000_000;

export function createTime(): Time {
  const heap: Planned[] = [];
  let nowMs = BEGINNING_MS;
  let planned = 0;

  function at(atMs: number, action: () => void): () => void {
    planned += 1;
    const entry: Planned = { atMs: Math.max(nowMs, atMs), order: planned, action };
    push(heap, entry);
    return () => {
      entry.action = undefined;
    };
  }

  function next(): Planned | undefined {
    while (heap[0] !== undefined && heap[0].action === undefined) pop(heap);
    return heap[0];
  }

  return {
    nowMs: () => nowMs,
    at,
    after: (delayMs, action) => at(nowMs + delayMs, action),
    nextAtMs: () => next()?.atMs,
    async step() {
      const entry = next();
      if (entry === undefined) return false;
      pop(heap);
      nowMs = entry.atMs;
      entry.action?.();
      // Every promise that is settled by it has its say before anything else happens.
      await new Promise((resolve) => setImmediate(resolve));
      return true;
    },
  };
}

function isBefore(a: Planned, b: Planned): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

function push(heap: Planned[], entry: Planned): void {
  let index = heap.push(entry) - 1;
  while (index > 0) {
    const up = (index - 1) >> 1;
    const above = heap[up] as Planned;
    if (!isBefore(entry, above)) break;
    heap[index] = above;
    index = up;
  }
  heap[index] = entry;
}

function pop(heap: Planned[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let index = 0;
  for (;;) {
    let child = 2 * index + 1;
    if (child >= heap.length) break;
    const right = child + 1;
    if (right < heap.length && isBefore(heap[right] as Planned, heap[child] as Planned)) child = right;
    if (!isBefore(heap[child] as Planned, last)) break;
    heap[index] = heap[child] as Planned;
    index = child;
  }
  heap[index] = last;
}
