// The life of one simulated process: what it has planned happens while it runs, waits while it stands still,
// and never happens once it has ended. Executors and orchestrators have one each.

import type { Time } from './time.ts';

export interface ProcessLife {
  state(): 'RUNNING' | 'FROZEN' | 'ENDED';
  /** In the process: later if it is frozen by then, never if it has ended. Returns what revokes it. */
  after(delayMs: number, action: () => void): () => void;
  /** As after a SIGSTOP, or a pause of the event loop. */
  freeze(): void;
  /** What has become due meanwhile happens now, in its order. */
  thaw(): void;
  end(): void;
}

export function createProcessLife(time: Time): ProcessLife {
  let state: 'RUNNING' | 'FROZEN' | 'ENDED' = 'RUNNING';
  let waiting: (() => void)[] = [];

  return {
    state: () => state,
    after(delayMs, action) {
      let wanted = true;
      time.after(delayMs, function happen() {
        if (!wanted || state === 'ENDED') return;
        if (state === 'FROZEN') waiting.push(happen);
        else action();
      });
      return () => {
        wanted = false;
      };
    },
    freeze() {
      if (state === 'RUNNING') state = 'FROZEN';
    },
    thaw() {
      if (state !== 'FROZEN') return;
      state = 'RUNNING';
      for (const happen of waiting) time.after(0, happen);
      waiting = [];
    },
    end() {
      state = 'ENDED';
      waiting = [];
    },
  };
}
