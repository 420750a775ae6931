// The two loads: as much as can be done, and many times that.
//
// Closed: a next call is made when enough of the runs before have ended. Open: calls are made at a given
// rate, whatever comes back; nobody waits, nobody obeys a hint.

import type { CallEnd, RawConnection } from './raw-connection.ts';
import type { Submissions } from './submissions.ts';

export interface Tally {
  sent: number;
  /** Could not be sent, for flow control or the limit of streams. */
  heldBack: number;
  /** Calls by gRPC status; -1: broken. */
  readonly byStatus: Map<number, number>;
  readonly refusedMs: number[];
  /** Answers to calls that were admitted. */
  readonly answers: Buffer[];
}

const OK = 0;
const RESOURCE_EXHAUSTED = 8;
/** Of the open loop: how often it looks at what is due. */
const TICK_MS = 5;

export function newTally(): Tally {
  return { sent: 0, heldBack: 0, byStatus: new Map(), refusedMs: [], answers: [] };
}

export interface Load {
  readonly connections: readonly RawConnection[];
  readonly submissions: Submissions;
}

function send(
  { connections, submissions }: Load,
  tally: Tally,
  index: number,
  ended?: (end: CallEnd) => void,
): boolean {
  const connection = connections[index % connections.length] as RawConnection;
  const sent = connection.call(submissions.prepared, submissions.fill, (end) => {
    tally.byStatus.set(end.status, (tally.byStatus.get(end.status) ?? 0) + 1);
    if (end.status === OK && end.message !== undefined) tally.answers.push(end.message);
    if (end.status === RESOURCE_EXHAUSTED) tally.refusedMs.push(end.latencyMs);
    ended?.(end);
  });
  if (sent) tally.sent += 1;
  else tally.heldBack += 1;
  return sent;
}

/**
 * @param active how many runs may be under way
 * @param endedRuns how many have ended since the beginning
 */
export async function closedLoop(
  load: Load,
  tally: Tally,
  active: number,
  endedRuns: () => number,
  over: () => boolean,
): Promise<void> {
  const { runsPerCall } = load.submissions;
  let begun = 0;
  for (let index = 0; !over(); ) {
    while (begun - endedRuns() + runsPerCall <= active) {
      begun += runsPerCall;
      index += 1;
      const sent = send(load, tally, index, ({ status }) => {
        if (status !== OK) begun -= runsPerCall;
      });
      if (!sent) {
        begun -= runsPerCall;
        break;
      }
    }
    await pause(TICK_MS);
  }
}

export async function openLoop(
  load: Load,
  tally: Tally,
  callsPerSecond: number,
  over: () => boolean,
): Promise<void> {
  const beganAtMs = performance.now();
  for (let due = 0, made = 0; !over(); ) {
    due = Math.floor(((performance.now() - beganAtMs) * callsPerSecond) / 1_000);
    for (; made < due; made += 1) send(load, tally, made);
    await pause(TICK_MS);
  }
}

/** Until everything that was sent has been answered, or a while has passed. */
export async function settle({ connections }: Load, timeoutMs: number): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (connections.some(({ inFlight }) => inFlight > 0) && performance.now() < deadlineMs)
    await pause(TICK_MS);
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
