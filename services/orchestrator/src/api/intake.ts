// How much may requests hold that are still coming in, and how long may a call be left as it is? Each is small, and
// anyone may open many: what all of a door hold together is bounded, and so is the time that one may leave
// things so. What answers hold is bounded in bounds.ts.
//
// N1  Bytes of requests count until their call is over, and each open call counts as CALL_BYTES. Beyond
//     `maxBytes` a call is refused.
// N2  A request is whole within `requestMs`, or it is refused.
// N3  A reader that has taken nothing of its answer for `readerMs` is cut: what it holds, others may need.

import type { ConnectError } from '@connectrpc/connect';
import { reject } from '../domain/rejection.ts';
import { toConnectError } from './errors.ts';

export interface IntakeLimits {
  readonly maxBytes: number;
  readonly requestMs: number;
  readonly readerMs: number;
  /** How often that is looked after. */
  readonly sweepMs: number;
}

/** An open call, as the door knows it. */
export interface Guest {
  /** All of the request has come. True for one that has no end. */
  isWhole(): boolean;
  /** Of the answer: what is written, and not taken by the reader. */
  unreadBytes(): number;
  refuse(error: ConnectError): void;
  cut(): void;
}

export interface Visit {
  /** False where it is too much: nothing is counted then. */
  take(bytes: number): boolean;
  /** What to say where it was too much. */
  tooMuch(): ConnectError;
  /** The call is over: it holds nothing any more. May be said twice. */
  leave(): void;
}

export interface Intake {
  /** Undefined: there are too many. */
  enter(guest: Guest): Visit | undefined;
  tooMuch(): ConnectError;
  readonly heldBytes: number;
  /** N2, N3. Every `sweepMs` until stop(). */
  sweep(): void;
  start(): void;
  stop(): void;
}

export const DEFAULT_INTAKE_LIMITS: IntakeLimits = {
  maxBytes: 256 * 1024 * 1024,
  requestMs: 60_000,
  readerMs: 60_000,
  sweepMs: 5_000,
};
/** What an open stream of HTTP/2 takes, or more. */
const CALL_BYTES = 4_096;

interface Entry {
  readonly guest: Guest;
  readonly enteredAtMs: number;
  heldBytes: number;
  /** At the latest sweep. */
  unreadBytes: number;
  /** Since when that has not changed. */
  stuckSinceMs: number;
}

/** @param nowMs any clock that does not jump */
export function createIntake(limits: IntakeLimits, nowMs: () => number): Intake {
  const entries = new Set<Entry>();
  let heldBytes = 0;
  let sweeping: NodeJS.Timeout | undefined;

  function leave(entry: Entry): void {
    if (!entries.delete(entry)) return;
    heldBytes -= entry.heldBytes;
    entry.heldBytes = 0;
  }

  /** N1. */
  function hold(entry: Entry, bytes: number): boolean {
    if (heldBytes + bytes > limits.maxBytes || !entries.has(entry)) return false;
    heldBytes += bytes;
    entry.heldBytes += bytes;
    return true;
  }

  function check(entry: Entry, now: number): void {
    const { guest } = entry;
    if (!guest.isWhole() && now - entry.enteredAtMs > limits.requestMs) {
      leave(entry);
      guest.refuse(requestTooSlow(limits.requestMs));
      return;
    }
    const unread = guest.unreadBytes();
    if (unread === 0 || unread !== entry.unreadBytes) {
      entry.unreadBytes = unread;
      entry.stuckSinceMs = now;
    } else if (now - entry.stuckSinceMs > limits.readerMs) {
      leave(entry);
      guest.cut();
    }
  }

  function sweep(): void {
    const now = nowMs();
    for (const entry of [...entries]) check(entry, now);
  }

  return {
    enter(guest) {
      const now = nowMs();
      const entry: Entry = { guest, enteredAtMs: now, heldBytes: 0, unreadBytes: 0, stuckSinceMs: now };
      entries.add(entry);
      if (!hold(entry, CALL_BYTES)) {
        leave(entry);
        return undefined;
      }
      return {
        take: (bytes) => hold(entry, bytes),
        tooMuch: () => tooMuch(limits.maxBytes),
        leave: () => leave(entry),
      };
    },
    tooMuch: () => tooMuch(limits.maxBytes),
    get heldBytes() {
      return heldBytes;
    },
    sweep,
    start() {
      sweeping = setInterval(sweep, limits.sweepMs).unref();
    },
    stop: () => clearInterval(sweeping),
  };
}

function tooMuch(limitBytes: number): ConnectError {
  const message = `The requests that are coming in hold ${limitBytes} bytes, as much as they may: try again later.`;
  const metadata = { resource: 'request_bytes', limit: String(limitBytes) };
  return toConnectError(reject('LIMIT_REACHED', message, metadata).rejection);
}

function requestTooSlow(limitMs: number): ConnectError {
  const message = `The request had not come as a whole within ${limitMs / 1_000} s: send it again.`;
  const metadata = { resource: 'request_time', limit: String(limitMs) };
  return toConnectError(reject('LIMIT_REACHED', message, metadata).rejection);
}
