// In which order does a running process leave, and how long may each part of it take?
//
//  1. Nothing is served any more: health and /readyz say so, and whoever calls is refused, and told to repeat.
//  2. The engines finish the commits under way, and what has gathered for the next ones, and answer.
//  3. Streams end by themselves, after the last event that is durable, saying that they are to be resumed.
//  4. The doors close; calls that are still open then are told so, and cut after a grace.
//  5. What was started last stops first: executors, the place on NATS, NATS itself, the store and its lock.
//
// Nothing is waited for to expire by who comes next: the lock goes with the process, the place on NATS with its
// connection, and leases outlive both.

import type { Door } from './api/grpc/server.ts';

export interface Leaving {
  readonly orchestrator: { stop(): Promise<void> };
  readonly doors: readonly Door[];
  /** All that they stood on. */
  readonly rest: { stop(): Promise<void> };
  /** For all of it; each part has a share. */
  readonly graceMs: number;
}

/** Of the grace. */
const SHARE_OF_STREAMS = 0.1;
const SHARE_OF_DOORS = 0.2;

/** @param hurry aborted: clients are not waited for any more; commits are */
export async function leave(
  { orchestrator, doors, rest, graceMs }: Leaving,
  hurry: AbortSignal,
): Promise<void> {
  await orchestrator.stop();
  const enough = AbortSignal.any([hurry, AbortSignal.timeout(graceMs * SHARE_OF_STREAMS)]);
  await Promise.all(doors.map((door) => door.quiet(enough)));
  await Promise.all(doors.map((door) => door.close(graceMs * SHARE_OF_DOORS, hurry)));
  await rest.stop();
}
