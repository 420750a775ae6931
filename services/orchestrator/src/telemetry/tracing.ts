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

import { DiagLogLevel, diag, type Link, ROOT_CONTEXT, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { RandomIdGenerator, type SpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { Assignment } from '../engine/inputs.ts';
import type { CommitObserver } from '../runtime/ports.ts';
import { formatTraceparent, parseTraceparent } from '../wire/trace.ts';
import { type Environment, otlpProcessor, samplerFrom, serviceResource } from './otlp.ts';
import { createPublishedAttempts } from './published-attempts.ts';
import { createRunSpans } from './run-spans.ts';
import { contextOf, isSampled, traceparentOf } from './span-context.ts';

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
  readonly environment: Environment;
  /** Where spans go instead of what the environment names. */
  readonly processor?: SpanProcessor;
  /** Told of dropped spans and of a receiver that does not answer. */
  readonly warn: (message: string) => void;
}

export function createTracing(options: TracingOptions): Tracing {
  const processor = options.processor ?? otlpProcessor(options.environment);
  return processor === undefined ? createPassThrough() : createRecording(options, processor);
}

function createPassThrough(): Tracing {
  const ids = new RandomIdGenerator();
  return {
    enabled: false,
    serverCall(_method, traceparent) {
      if (traceparent !== undefined && parseTraceparent(traceparent) !== undefined)
        return { traceparent, end() {} };
      const context = { traceId: ids.generateTraceId(), spanId: ids.generateSpanId(), sampled: false };
      return { traceparent: formatTraceparent(context), end() {} };
    },
    startAttempt: (_namespace, assignment) => assignment.traceparent,
    observer: { committed() {} },
    shutdown: async () => {},
  };
}

function createRecording(options: TracingOptions, processor: SpanProcessor): Tracing {
  const provider = new TracerProvider({
    resource: serviceResource(options.serviceName),
    sampler: samplerFrom(options.environment),
    spanProcessors: [processor],
  });
  const tracer = provider.getTracer('tutti');
  const published = createPublishedAttempts();
  warnThrough(options.warn);

  function linksOf(namespace: string, assignment: Assignment): Link[] {
    const links: Link[] = [];
    for (const { key } of assignment.dependencies) {
      const context = published.find(namespace, assignment.runId, key);
      if (context !== undefined) links.push({ context });
    }
    return links;
  }

  return {
    enabled: true,
    serverCall(method, traceparent) {
      const parent = traceparent === undefined ? ROOT_CONTEXT : contextOf(traceparent);
      const span = tracer.startSpan(
        method,
        { kind: SpanKind.SERVER, attributes: { 'rpc.method': method } },
        parent,
      );
      return {
        traceparent: traceparentOf(span.spanContext()),
        end(error) {
          if (error !== undefined) {
            const message = error instanceof Error ? error.message : String(error);
            span.setStatus({ code: SpanStatusCode.ERROR, message });
          }
          span.end();
        },
      };
    },
    startAttempt(namespace, assignment) {
      if (!isSampled(assignment.traceparent)) return assignment.traceparent;
      const span = tracer.startSpan(
        `publish ${assignment.capability}`,
        {
          kind: SpanKind.PRODUCER,
          attributes: {
            'messaging.system': 'nats',
            'messaging.operation.type': 'send',
            'tutti.namespace': namespace,
            'tutti.run.id': assignment.runId,
            'tutti.task.key': assignment.taskKey,
            'tutti.attempt': assignment.attempt,
          },
          links: linksOf(namespace, assignment),
        },
        contextOf(assignment.traceparent),
      );
      span.end();
      published.add(namespace, assignment.runId, assignment.taskKey, span.spanContext());
      return traceparentOf(span.spanContext());
    },
    observer: createRunSpans(tracer, published),
    async shutdown() {
      await provider
        .shutdown()
        .catch((error: unknown) => options.warn(`spans could not be sent: ${String(error)}`));
    },
  };
}

/** OpenTelemetry tells of its troubles through one logger of the process. */
function warnThrough(warn: (message: string) => void): void {
  const tell = (message: string, ...more: unknown[]) => warn([message, ...more].map(String).join(' '));
  const quiet = () => {};
  const logger = { error: tell, warn: tell, info: quiet, debug: quiet, verbose: quiet };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
}
