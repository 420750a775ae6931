// The real clock.

import type { Clock } from './ports.ts';

/** The longest delay that a Node timer takes. */
const MAX_DELAY_MS = 2_147_483_647;

/**
 * Wall time at the start plus what has elapsed since: it does not jump when the machine's clock is
 * set, so that no lease ends early or late for it. The price: what the wall clock was corrected by since
 * the start (a late NTP step), and on Linux the time that the machine was suspended, is missing from
 * the times of events until a restart reads the wall clock anew.
 */
export function createSystemClock(): Clock {
  return {
    nowMs: () => Math.floor(performance.timeOrigin + performance.now()),
    soon: (callback) => void setImmediate(callback),
    after(delayMs, callback) {
      const timer = setTimeout(callback, Math.min(Math.max(0, delayMs), MAX_DELAY_MS));
      return () => clearTimeout(timer);
    },
  };
}
