// Which signals end `up` in order, and which at once?
//
// One Ctrl-C under npm arrives twice: the terminal signals everyone in the foreground, npm among them,
// and npm passes on what it gets. So a repetition that follows at once is still the same wish; one that
// a person sends later, because it takes too long, is another.

import { constants } from 'node:os';

/** A closed terminal hangs up: there is nobody left to read, and nothing to keep running for. */
export const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export type EndingSignal = (typeof endingSignals)[number];

/** Far longer than npm takes on a busy machine, and shorter than a person's patience. */
const sameWishMs = 1_000;

export interface SignalActions {
  /** Called once, for the first signal. */
  end(): void;
  /** @param code what a shell reports for a process that died of this signal. */
  endAtOnce(code: number): void;
}

/** @param nowMs a clock that never goes back. */
export function createSignalHandler(
  actions: SignalActions,
  nowMs: () => number = () => performance.now(),
): (signal: EndingSignal) => void {
  let first: { readonly signal: EndingSignal; readonly atMs: number } | undefined;
  return (signal) => {
    if (first === undefined) {
      first = { signal, atMs: nowMs() };
      actions.end();
      return;
    }
    const isSameWish = signal === first.signal && nowMs() - first.atMs < sameWishMs;
    if (!isSameWish) actions.endAtOnce(128 + constants.signals[signal]);
  };
}
