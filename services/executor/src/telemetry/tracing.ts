// How do the spans of an executor process get out? The SDK makes a CONSUMER span for each attempt
// through @opentelemetry/api; this gives that api a destination. Read from the standard variables:
// OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, OTEL_SERVICE_NAME and others.
// Without an endpoint nothing is set up, and the api's calls do nothing.

import { context, DiagLogLevel, diag, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  defaultResource,
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';

// As the orchestrator's: an attempt has a span on each side. The two programs share no code.
/** Spans beyond it are dropped until the receiver catches up. */
const MAX_QUEUED_SPANS = 32_768;
const MAX_BATCH_SPANS = 2_048;
const BATCH_DELAY_MS = 1_000;

export interface TracingOptions {
  readonly serviceName: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Told of dropped spans and of a receiver that does not answer. */
  readonly warn: (message: string) => void;
}

export interface Tracing {
  /** False: no receiver is configured. */
  readonly enabled: boolean;
  /** Sends what is left. Never rejects; gives up after the exporter's own timeout. */
  shutdown(): Promise<void>;
}

/** Once in a process, before the first attempt. */
export function startTracing({ serviceName, environment, warn }: TracingOptions): Tracing {
  const endpoint = environment.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || environment.OTEL_EXPORTER_OTLP_ENDPOINT;
  const off = environment.OTEL_SDK_DISABLED === 'true' || environment.OTEL_TRACES_EXPORTER === 'none';
  if (!endpoint || off) return { enabled: false, shutdown: async () => {} };

  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': serviceName }))
      .merge(detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] })),
    // The orchestrator has decided for the whole trace; an attempt without a trace is no trace's root.
    sampler: new ParentBasedSampler({ root: new AlwaysOffSampler() }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter(),
        maxQueueSize: MAX_QUEUED_SPANS,
        maxExportBatchSize: MAX_BATCH_SPANS,
        scheduledDelayMillis: BATCH_DELAY_MS,
      }),
    ],
  });
  trace.setGlobalTracerProvider(provider);
  // Without it, the SDK could not make the attempt's span the one that is active in its handler.
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const tell = (message: string, ...more: unknown[]) => warn([message, ...more].map(String).join(' '));
  const quiet = () => {};
  const logger = { error: tell, warn: tell, info: quiet, debug: quiet, verbose: quiet };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });

  return {
    enabled: true,
    async shutdown() {
      await provider.shutdown().catch((error: unknown) => warn(`spans could not be sent: ${String(error)}`));
      context.disable();
      trace.disable();
    },
  };
}
