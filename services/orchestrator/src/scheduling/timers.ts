// What is due when. The engine has no clock: it is told the time and asks what has come due.

import { createHeap, type HeapItem } from './heap.ts';

export interface Timer<T> extends HeapItem {
  dueAtMs: number;
  /** Orders timers that are due at the same moment: first set, first fired. */
  sequence: number;
  readonly subject: T;
}

export interface Timers<T> {
  readonly size: number;
  /** Makes a timer that is not set yet. */
  create(subject: T): Timer<T>;
  /** Sets or resets; `undefined` clears. */
  set(timer: Timer<T>, dueAtMs: number | undefined): void;
  nextDueAtMs(): number | undefined;
  /** Whether it is set, and its moment has come. */
  isDue(timer: Timer<T>, nowMs: number): boolean;
  /** The next timer that is due at `nowMs`, cleared; undefined if none is. */
  takeDue(nowMs: number): Timer<T> | undefined;
}

export function createTimers<T>(): Timers<T> {
  const heap = createHeap<Timer<T>>((a, b) =>
    a.dueAtMs === b.dueAtMs ? a.sequence < b.sequence : a.dueAtMs < b.dueAtMs,
  );
  let sequence = 0;
  return {
    get size() {
      return heap.size;
    },
    create: (subject) => ({ dueAtMs: 0, sequence: 0, heapIndex: -1, subject }),
    set(timer, dueAtMs) {
      heap.remove(timer);
      if (dueAtMs === undefined) return;
      sequence += 1;
      timer.dueAtMs = dueAtMs;
      timer.sequence = sequence;
      heap.push(timer);
    },
    nextDueAtMs: () => heap.peek()?.dueAtMs,
    isDue: (timer, nowMs) => timer.heapIndex >= 0 && timer.dueAtMs <= nowMs,
    takeDue(nowMs) {
      const next = heap.peek();
      return next !== undefined && next.dueAtMs <= nowMs ? heap.pop() : undefined;
    },
  };
}
