// Notices that the process stood still (stopped, swapped out, a long pause): while it did, no
// heartbeat could be heard, and no executor must be lost for that.

import type { Clock } from './ports.ts';

const BEAT_MS = 500;
/** A beat this late is a stall, not mere load. */
const TOLERANCE_MS = 1_000;

export interface StallWatch {
  /** How long the process stood still since the last time this was asked; 0 if it did not. */
  noticeMs(nowMs: number): number;
  reset(): void;
  stop(): void;
}

export function createStallWatch(clock: Clock): StallWatch {
  let beatAtMs = clock.nowMs();
  let stalledMs = 0;
  let revoke = clock.after(BEAT_MS, beat);

  function beat(): void {
    measure(clock.nowMs());
    revoke = clock.after(BEAT_MS, beat);
  }

  function measure(nowMs: number): void {
    const lateMs = nowMs - beatAtMs - BEAT_MS;
    if (lateMs > TOLERANCE_MS) {
      stalledMs += lateMs;
      beatAtMs = nowMs;
    }
    if (nowMs - beatAtMs >= BEAT_MS) beatAtMs = nowMs;
  }

  return {
    noticeMs(nowMs) {
      measure(nowMs);
      const noticed = stalledMs;
      stalledMs = 0;
      return noticed;
    },
    reset() {
      beatAtMs = clock.nowMs();
      stalledMs = 0;
    },
    stop: () => revoke(),
  };
}
