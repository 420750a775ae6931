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
  /** What programs tell (line-program.ts): "counted COUNT", or "ended ID STARTED_AT_MS". */
  tellLine(line: string): void;
}

export function createLedger(): Ledger {
  const waiting = new Map<string, (ended: Ended) => void>();
  let missing = 0;
  let whenCounted: (() => void) | undefined;
  const tellCounted = (count: number) => {
    missing -= count;
    if (missing <= 0) whenCounted?.();
  };
  const tell = (id: string, startedAtMs: number) => {
    waiting.get(id)?.({ startedAtMs });
    waiting.delete(id);
  };
  return {
    end: (id) => new Promise((resolve) => waiting.set(id, resolve)),
    counted(count) {
      missing = count;
      return new Promise((resolve) => {
        whenCounted = resolve;
      });
    },
    tell,
    tellCounted,
    tellLine(line) {
      const [what, first = '', second] = line.split(' ');
      if (what === 'counted') tellCounted(Number(first));
      else if (what === 'ended') tell(first, Number(second));
      else throw new Error(`a program of a peer said: ${line}`);
    },
  };
}
