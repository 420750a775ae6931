// Which spans does the orchestrator make? One trace leads from the client's call to the end of the run:
//
//   client's span, if any
//   └─ SubmitRun            SERVER    its context is stored with the run
//      ├─ run {name}        INTERNAL  submission to end            (run-spans.ts)
//      ├─ queue {capability}   INTERNAL  READY to start            (run-spans.ts)
//      └─ publish {capability} PRODUCER  one for each attempt; the executor's CONSUMER span is its child
//
// Without a receiver no span is made: a call's context is passed through as it came, or a new,
// unsampled one is made, so that every run has a trace id and executors follow the client's decision.

import type { SpanProcessor } from '@opentelemetry/sdk-trace';
import type { Assignment } from '../engine/inputs.ts';
import type { CommitObserver } from '../runtime/ports.ts';
import { createRandomPool } from '../runtime/random-pool.ts';
import { formatTraceparent, parseTraceparent } from '../wire/trace.ts';

export interface Tracing {
  /** False: no receiver is configured, and no span is made. */
  readonly enabled: boolean;
  /** A call has come in. `traceparent` is the client's header; what is no valid one counts as none. */
  serverCall(method: string, traceparent: string | undefined): ServerCall;
  /** An attempt is being published. Returns the `traceparent` to send along. */
  startAttempt(namespace: string, assignment: Assignment): string;
  readonly observer: CommitObserver;
  /** Sends what is left. Never rejects; gives up after the exporter's own timeout. */
  shutdown(): Promise<void>;
}

export interface ServerCall {
  readonly traceparent: string;
  /** Once. With `error`, the call failed with it. */
  end(error?: unknown): void;
}

export interface TracingOptions {
  readonly serviceName: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where spans go instead of what the environment names. */
  readonly processor?: SpanProcessor;
  /** Told of dropped spans and of a receiver that does not answer. */
  readonly warn: (message: string) => void;
}

export async function createTracing(options: TracingOptions): Promise<Tracing> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT } = options.environment;
  const mayRecord = options.processor ?? (OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || OTEL_EXPORTER_OTLP_ENDPOINT);
  if (!mayRecord) return createPassThrough();
  const { createRecording } = await import('./recording.ts');
  return createRecording(options) ?? createPassThrough();
}

function createPassThrough(): Tracing {
  return {
    enabled: false,
    serverCall(_method, traceparent) {
      const valid = traceparent !== undefined && parseTraceparent(traceparent) !== undefined;
      return { traceparent: valid ? traceparent : newTraceparent(), end() {} };
    },
    startAttempt: (_namespace, assignment) => assignment.traceparent,
    observer: { committed() {} },
    shutdown: async () => {},
  };
}

const randomTraceId = createRandomPool(16, 'hex');
const randomSpanId = createRandomPool(8, 'hex');

function newTraceparent(): string {
  return formatTraceparent({ traceId: randomTraceId(), spanId: randomSpanId(), sampled: false });
}
