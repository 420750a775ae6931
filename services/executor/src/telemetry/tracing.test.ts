// DESIGN 10: the spans of an executor process reach the receiver that the environment names.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { context, ROOT_CONTEXT, SpanKind, TraceFlags, trace } from '@opentelemetry/api';
import { afterEach, expect, test, vi } from 'vitest';
import { startTracing } from './tracing.ts';

afterEach(() => vi.unstubAllEnvs());

const parent = trace.setSpanContext(ROOT_CONTEXT, {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: TraceFlags.SAMPLED,
  isRemote: true,
});

test('a span made through the api arrives at the OTLP receiver, with the name of the service', async () => {
  const bodies: Buffer[] = [];
  const receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      bodies.push(Buffer.concat(chunks));
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  try {
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`);
    const warnings: string[] = [];
    const tracing = startTracing({
      serviceName: 'test-executor',
      environment: process.env,
      warn: (message) => warnings.push(message),
    });
    expect(tracing.enabled).toBe(true);
    trace.getTracer('test').startSpan('attempt echo', { kind: SpanKind.CONSUMER }, parent).end();
    trace.getTracer('test').startSpan('of no trace', {}, ROOT_CONTEXT).end();
    await tracing.shutdown();

    const sent = Buffer.concat(bodies);
    expect(sent.includes('attempt echo')).toBe(true);
    expect(sent.includes('test-executor')).toBe(true);
    expect(sent.includes(Buffer.from('0af7651916cd43dd8448eb211c80319c', 'hex'))).toBe(true);
    expect(sent.includes('of no trace')).toBe(false);
    expect(warnings).toEqual([]);
  } finally {
    receiver.closeAllConnections();
    await new Promise((resolve) => receiver.close(resolve));
  }
});

test('a span is the active one in what runs within it, across waits', async () => {
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', 'http://127.0.0.1:9');
  vi.stubEnv('OTEL_EXPORTER_OTLP_TIMEOUT', '100');
  const tracing = startTracing({ serviceName: 'test-executor', environment: process.env, warn: () => {} });
  try {
    const seen = await context.with(parent, async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return trace.getSpanContext(context.active())?.traceId;
    });
    expect(seen).toBe('0af7651916cd43dd8448eb211c80319c');
  } finally {
    await tracing.shutdown();
  }
  expect(context.with(parent, () => trace.getSpanContext(context.active()))).toBeUndefined();
});

test('without an endpoint nothing is recorded', async () => {
  const tracing = startTracing({ serviceName: 'test-executor', environment: {}, warn: () => {} });
  expect(tracing.enabled).toBe(false);
  expect(trace.getTracer('test').startSpan('attempt echo', {}, parent).isRecording()).toBe(false);
  await tracing.shutdown();
});

test('a receiver that is gone is told of, and stops nothing', async () => {
  const gone = createServer();
  await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
  const { port } = gone.address() as AddressInfo;
  await new Promise((resolve) => gone.close(resolve));
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', `http://127.0.0.1:${port}`);
  vi.stubEnv('OTEL_EXPORTER_OTLP_TIMEOUT', '200');

  const warnings: string[] = [];
  const tracing = startTracing({
    serviceName: 'test-executor',
    environment: process.env,
    warn: (message) => warnings.push(message),
  });
  trace.getTracer('test').startSpan('attempt echo', {}, parent).end();
  await tracing.shutdown();
  expect(warnings.length).toBeGreaterThan(0);
});
