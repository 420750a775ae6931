// Which failures of honest calls may there be while processes are killed?

import type { TuttiError } from '@tutti/client/client';

/** How grpc-js tells of a connection that breaks. What the orchestrator says itself has a reason. */
const BROKEN = ['CANCELLED', 'INTERNAL', 'UNKNOWN'];

/** Whether a repeat may be answered: nobody was there, or had no room or no time. */
export function passes({ code, reason, retryDelayMs }: TuttiError): boolean {
  if (retryDelayMs !== undefined || code === 'UNAVAILABLE' || code === 'DEADLINE_EXCEEDED') return true;
  return reason === '' && BROKEN.includes(code);
}
