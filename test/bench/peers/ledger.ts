// Whose end is waited for? For peers whose workers tell what ended (worker-process.ts).

import { nowMs } from './clock.ts';
import type { Ended } from './loops.ts';
import type { Measured } from './peer.ts';

export interface Ledger {
  /** Before it is submitted. Resolves when the worker has told of its end. */
  end(id: string): Promise<Ended>;
  /** Submits a run by an id of its own. Resolves when the worker has told of its end. */
  run(submit: (id: string) => unknown): Promise<Ended>;
  /** Submits so many tasks. Resolves when the workers have counted so many more. */
  flat(tasks: number, submit: () => unknown): Promise<Measured>;
  /** What workers tell. */
  tell(id: string, startedAtMs: number): void;
  tellCounted(count: number): void;
  /** What programs tell (line-program.ts): "counted COUNT", or "ended ID STARTED_AT_MS". */
  tellLine(line: string): void;
}

export function createLedger(): Ledger {
  const waiting = new Map<string, (ended: Ended) => void>();
  let runs = 0;
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
  const end = (id: string) => new Promise<Ended>((resolve) => waiting.set(id, resolve));
  const counted = (count: number) => {
    missing = count;
    return new Promise<void>((resolve) => {
      whenCounted = resolve;
    });
  };
  return {
    end,
    async run(submit) {
      const id = String(++runs);
      const ended = end(id);
      await submit(id);
      return await ended;
    },
    async flat(tasks, submit) {
      const beganMs = nowMs();
      const all = counted(tasks);
      await submit();
      await all;
      return { seconds: (nowMs() - beganMs) / 1_000, runs: tasks, tasks };
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
