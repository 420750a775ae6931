// How is one program kept running: started again when it dies, and given up when it keeps dying?

import { setTimeout as pause } from 'node:timers/promises';
import { type Child, type ChildSpec, describeEnd } from './child.ts';
import { createRestarts, type RestartPolicy } from './restarts.ts';

/** Starts a program; tests give their own. */
export type StartChild = (spec: ChildSpec) => Child;

export interface KeeperSettings {
  /** What messages call it. */
  readonly name: string;
  /** The process that runs already. */
  readonly first: Child;
  /** How it is started again; asked anew each time. */
  readonly spec: () => ChildSpec;
  readonly start: StartChild;
  readonly policy: RestartPolicy;
  /** Told of ends and new starts, for people. */
  readonly log: (line: string) => void;
  /** Called with each process but the first, as it starts. */
  readonly onRestart?: (child: Child) => void;
  /** Called at most once, with how the last one ended. */
  readonly onGivenUp: (end: string) => void;
}

export interface Keeper {
  /** Asks it to end, makes it end after the grace, and lets it rest. */
  stop(graceMs: number, signal?: NodeJS.Signals): Promise<void>;
  /** Ends the present process at once. It is started again, unless stop() was called. */
  kill(): void;
}

export function keepRunning(settings: KeeperSettings): Keeper {
  const { name, log } = settings;
  const restarts = createRestarts(settings.policy);
  const stopping = new AbortController();
  let current = settings.first;

  async function keep(): Promise<void> {
    for (;;) {
      const startedMs = performance.now();
      const end = describeEnd(await current.ended);
      if (stopping.signal.aborted) return;
      const delayMs = restarts.afterLife(performance.now() - startedMs);
      if (delayMs === undefined) {
        log(`${name} ended again (${end}) and is given up`);
        settings.onGivenUp(end);
        return;
      }
      log(`${name} ended (${end}); it is started again in ${delayMs} ms`);
      await pause(delayMs, undefined, { signal: stopping.signal }).catch(() => {});
      if (stopping.signal.aborted) return;
      current = settings.start(settings.spec());
      settings.onRestart?.(current);
    }
  }
  const kept = keep();

  return {
    async stop(graceMs, signal) {
      stopping.abort();
      await current.stop(graceMs, signal);
      await kept;
    },
    kill: () => current.kill(),
  };
}
