// A receiver of spans: what an OpenTelemetry collector is to the processes under test. OTLP over HTTP,
// protobuf (opentelemetry-proto, collector/trace/v1), of which it reads what tests ask for.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

export interface ReceivedSpan {
  readonly service: string;
  readonly name: string;
  /** Hexadecimal, as are the other ids. */
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for none. */
  readonly parentSpanId: string;
  readonly linkedSpanIds: readonly string[];
  /** Those that are text. */
  readonly attributes: Readonly<Record<string, string>>;
}

export interface OtlpReceiver extends AsyncDisposable {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly url: string;
  spans(): readonly ReceivedSpan[];
}

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const received: ReceivedSpan[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push(...readRequest(Buffer.concat(chunks)));
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: () => received,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** ExportTraceServiceRequest: resource_spans = 1. */
function readRequest(bytes: Uint8Array): ReceivedSpan[] {
  return fieldsOf(bytes, 1).flatMap((resourceSpans) => {
    const service = serviceName(resourceSpans);
    // ResourceSpans: scope_spans = 2; ScopeSpans: spans = 2.
    const spans = fieldsOf(resourceSpans, 2).flatMap((scopeSpans) => fieldsOf(scopeSpans, 2));
    return spans.map((span) => ({
      service,
      name: textOf(span, 5),
      traceId: hexOf(span, 1),
      spanId: hexOf(span, 2),
      parentSpanId: hexOf(span, 4),
      // Span: links = 13; Link: span_id = 2.
      linkedSpanIds: fieldsOf(span, 13).map((link) => hexOf(link, 2)),
      // Span: attributes = 9.
      attributes: textAttributes(fieldsOf(span, 9)),
    }));
  });
}

/** ResourceSpans: resource = 1; Resource: attributes = 1. */
function serviceName(resourceSpans: Uint8Array): string {
  const attributes = fieldsOf(resourceSpans, 1).flatMap((resource) => fieldsOf(resource, 1));
  return textAttributes(attributes)['service.name'] ?? '';
}

/** KeyValue: key = 1, value = 2; AnyValue: string_value = 1. */
function textAttributes(attributes: readonly Uint8Array[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const attribute of attributes) {
    const [text] = fieldsOf(fieldsOf(attribute, 2)[0] ?? new Uint8Array(0), 1);
    if (text !== undefined) found[textOf(attribute, 1)] = Buffer.from(text).toString('utf8');
  }
  return found;
}

/** Every occurrence of a length-delimited field. */
function fieldsOf(message: Uint8Array, wanted: number): Uint8Array[] {
  const reader = new BinaryReader(message);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === wanted && type === WireType.LengthDelimited) found.push(reader.bytes());
    else reader.skip(type, field);
  }
  return found;
}

function textOf(message: Uint8Array, field: number): string {
  return Buffer.from(fieldsOf(message, field)[0] ?? []).toString('utf8');
}

function hexOf(message: Uint8Array, field: number): string {
  return Buffer.from(fieldsOf(message, field)[0] ?? []).toString('hex');
}
