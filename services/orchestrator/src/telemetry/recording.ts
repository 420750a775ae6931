// How are the spans of tracing.ts made and sent? Loaded only where a receiver is configured: the
// exporter alone takes some 25 MB of memory.

import { DiagLogLevel, diag, type Link, ROOT_CONTEXT, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import type { Assignment } from '../engine/inputs.ts';
import { otlpProcessor, samplerFrom, serviceResource } from './otlp.ts';
import { createPublishedAttempts } from './published-attempts.ts';
import { createRunSpans } from './run-spans.ts';
import { contextOf, isSampled, traceparentOf } from './span-context.ts';
import type { Tracing, TracingOptions } from './tracing.ts';

/** Undefined where neither the options nor the environment name a receiver. */
export function createRecording(options: TracingOptions): Tracing | undefined {
  const processor = options.processor ?? otlpProcessor(options.environment);
  if (processor === undefined) return undefined;
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
