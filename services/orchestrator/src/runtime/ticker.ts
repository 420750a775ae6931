// When is an engine next to be told that time has passed?

import type { Clock } from './ports.ts';

export interface Ticker {
  /** Ticks once at this time or a little later, instead of when it was armed for; undefined: as it was. */
  arm(dueAtMs: number | undefined): void;
  disarm(): void;
}

export function createTicker(clock: Clock, tick: () => void): Ticker {
  let armedAtMs: number | undefined;
  let revoke: (() => void) | undefined;

  function disarm(): void {
    revoke?.();
    revoke = undefined;
    armedAtMs = undefined;
  }

  return {
    arm(dueAtMs) {
      if (dueAtMs === undefined || dueAtMs === armedAtMs) return;
      disarm();
      armedAtMs = dueAtMs;
      revoke = clock.after(dueAtMs - clock.nowMs(), () => {
        armedAtMs = undefined;
        tick();
      });
    },
    disarm,
  };
}
