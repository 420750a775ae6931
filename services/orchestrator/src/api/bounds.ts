// How many calls may be open at once, and how many bytes of answers may wait for those who asked to take them?
//
// A call costs memory from its beginning to its end, and a large answer until its reader has taken it, which
// one that never reads does not. Both are bounded over all connections of both doors.

import { type Rejection, reject } from '../domain/rejection.ts';

export interface BoundsLimits {
  readonly maxOpenCalls: number;
  /** Beyond it nothing is read for anybody until some of it is taken. */
  readonly maxAnswerBytes: number;
}

export const DEFAULT_BOUNDS: BoundsLimits = {
  maxOpenCalls: 20_000,
  maxAnswerBytes: 268_435_456,
};

/** Smaller ones are not counted: a connection has as many of them as streams at the most. */
export const LARGE_ANSWER_BYTES = 4_096;

export interface Bounds {
  /** Undefined: it may begin, and `ended` is to be called once it is over, however. */
  begin(methodName: string, request: object): Rejection | undefined;
  ended(): void;
  /** Part of an answer is handed to the transport, and `taken` to be called once it is rid of it, however. */
  handed(bytes: number): void;
  taken(bytes: number): void;
}

export function createBounds(limits: BoundsLimits = DEFAULT_BOUNDS): Bounds {
  let open = 0;
  let answerBytes = 0;
  return {
    begin(methodName, request) {
      if (open >= limits.maxOpenCalls) return tooManyCalls(limits.maxOpenCalls);
      if (answerBytes >= limits.maxAnswerBytes && reads(methodName, request))
        return tooMuchUntaken(limits.maxAnswerBytes);
      open += 1;
      return undefined;
    },
    ended() {
      open -= 1;
    },
    handed(bytes) {
      answerBytes += bytes;
    },
    taken(bytes) {
      answerBytes -= bytes;
    },
  };
}

/** A submission that waits is answered as a WaitRun is. */
function reads(methodName: string, request: { readonly wait?: unknown }): boolean {
  return /^(Get|List|Wait)/.test(methodName) || request.wait !== undefined;
}

function tooManyCalls(limit: number): Rejection {
  const message = `${limit} calls are open already: try again in a moment`;
  return reject('LIMIT_REACHED', message, { resource: 'open_calls', limit: String(limit) }).rejection;
}

function tooMuchUntaken(limit: number): Rejection {
  const message = `${limit} bytes of answers wait to be taken by those who asked for them: take yours, or try again in a moment`;
  return reject('LIMIT_REACHED', message, { resource: 'answer_bytes', limit: String(limit) }).rejection;
}
