// What do the doors need of tracing? telemetry/ has it; the simulation and tests bring their own.

export interface ApiTracing {
  /** A call has come in. `traceparent` is the client's header; what is no valid one counts as none. */
  serverCall(method: string, traceparent: string | undefined): ApiSpan;
}

export interface ApiSpan {
  /** To be handed on with what the call causes. */
  readonly traceparent: string;
  /** Once. With `error`, the call failed with it. */
  end(error?: unknown): void;
}
