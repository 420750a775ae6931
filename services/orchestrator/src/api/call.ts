// What does a service see of the call, whichever door it came through?

import type { ConnectError } from '@connectrpc/connect';

/** What both doors can tell. The HandlerContext of connect has all of it but `cut`. */
export interface CallContext {
  /** Aborted when the client has gone, the deadline has passed, or the door closes. */
  readonly signal: AbortSignal;
  readonly requestHeader: { get(name: string): string | null };
  /** Ends a stream whose reader takes nothing, at once, as far as the transport can. */
  readonly cut?: ((error: ConnectError) => void) | undefined;
  /** Of the request, where the door knows it and it is large. */
  readonly sizeBytes?: number | undefined;
}

/** What a handler is given: validated, traced. */
export interface Call {
  readonly context: CallContext;
  /** The trace context of this call, to be handed on. */
  readonly traceparent: string;
  /** Tells that what it asks for is on disk, where it goes on to wait for what comes of it. */
  readonly taken: () => void;
}

/** Namespaces exist from their first use; a client that names none means this one. */
const DEFAULT_NAMESPACE = 'default';

export function namespaceOf(request: { readonly namespace: string }): string {
  return request.namespace === '' ? DEFAULT_NAMESPACE : request.namespace;
}
