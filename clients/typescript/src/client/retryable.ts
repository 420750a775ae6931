// Which failures are worth another try?

import { ClientClosedError, TuttiError } from './errors.ts';

/**
 * Whether a call did not get through, so that a repeat makes sense. A server that dies may also end
 * its streams with other codes; no answer of the orchestrator itself comes without a reason.
 */
export function isBroken(error: unknown): error is TuttiError {
  if (!(error instanceof TuttiError) || error instanceof ClientClosedError) return false;
  if (error.code === 'UNAVAILABLE') return true;
  if (error.reason !== '') return false;
  return error.code === 'CANCELLED' || (error.code === 'INTERNAL' && error.message.includes('RST_STREAM'));
}

/**
 * Whether the orchestrator had no room for the call and says when to come again. Nothing of it took effect.
 * A limit that names no time is one of the request itself.
 */
export function isComeAgain(error: unknown): error is TuttiError & { readonly retryDelayMs: number } {
  return (
    error instanceof TuttiError &&
    error.code === 'RESOURCE_EXHAUSTED' &&
    error.reason === 'LIMIT_REACHED' &&
    error.retryDelayMs !== undefined
  );
}

/**
 * Whether something that goes on until its end (a watch, a wait) should go on after this: the call
 * broke, or the orchestrator had no room for it and says when to come again.
 */
export function isResumable(error: unknown): error is TuttiError {
  if (isBroken(error)) return true;
  if (!(error instanceof TuttiError)) return false;
  if (error.reason === 'WATCHER_TOO_SLOW') return true;
  return isComeAgain(error);
}

/** An orchestrator that waits for something answers in the time that it was given: silence is a broken connection. */
export function isUnanswered(error: unknown): error is TuttiError {
  return error instanceof TuttiError && error.code === 'DEADLINE_EXCEEDED' && error.reason === '';
}
