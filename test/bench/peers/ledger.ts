// Whose end is waited for? For peers whose workers tell what ended (worker-process.ts).

import type { Ended } from './loops.ts';

export interface Ledger {
  /** Before it is submitted. Resolves when the worker has told of its end. */
  end(id: string): Promise<Ended>;
  /** Resolves when so many more have been counted; ask before submitting. */
  counted(count: number): Promise<void>;
  /** What workers tell. */
  tell(id: string, startedAtMs: number): void;
  tellCounted(count: number): void;
}

export function createLedger(): Ledger {
  const waiting = new Map<string, (ended: Ended) => void>();
  let missing = 0;
  let whenCounted: (() => void) | undefined;
  const tellCounted = (count: number) => {
    missing -= count;
    if (missing <= 0) whenCounted?.();
  };
  return {
    end: (id) => new Promise((resolve) => waiting.set(id, resolve)),
    counted(count) {
      missing = count;
      return new Promise((resolve) => {
        whenCounted = resolve;
      });
    },
    tell(id, startedAtMs) {
      waiting.get(id)?.({ startedAtMs });
      waiting.delete(id);
    },
    tellCounted,
  };
}
