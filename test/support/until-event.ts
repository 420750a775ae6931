// Has this happened in a run yet? For tests that act in the middle of it: a state that lasts for a moment can
// be missed by who asks for it again and again, an event cannot.

import type { Client } from '@tutti/client/client';
import type { Event } from '@tutti/proto/tutti/v1/event_pb.ts';

/**
 * Resolves with the run's first event of this kind, also if that was long ago; rejects if the run ends without.
 * @param taskKey of any task where it is left out.
 */
export async function untilEvent(
  client: Client,
  runId: string,
  kind: NonNullable<Event['change']['case']>,
  taskKey?: string,
): Promise<Event> {
  const seen: string[] = [];
  for await (const event of client.watch({ runId, afterRevision: 0n })) {
    if (event.change.case === kind && (taskKey ?? event.taskKey) === event.taskKey) return event;
    seen.push(`${event.taskKey} ${event.change.case}`);
  }
  throw new Error(`no ${kind} of ${taskKey ?? 'any task'} in run ${runId}: ${seen.join(', ')}`);
}
