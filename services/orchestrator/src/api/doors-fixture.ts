// Both doors over a real runtime with a store in memory, for tests: on 127.0.0.1, on free ports, gone
// at the end of the test that started them.

import {
  create,
  type DescMessage,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
  StatusSchema,
} from '@tutti/proto/google/rpc/error_pb.ts';
import { onTestFinished } from 'vitest';
import { createExpressionCompiler } from '../expressions/compiler.ts';
import type { Admission } from '../runtime/admission.ts';
import type { Orchestrator } from '../runtime/orchestrator.ts';
import { type Fixture, startFixture } from '../runtime/orchestrator-fixture.ts';
import type { BoundsLimits } from './bounds.ts';
import { startGrpcServer } from './grpc/server.ts';
import { type HttpServerOptions, startHttpServer } from './http/server.ts';
import type { IntakeLimits } from './intake.ts';
import { createServices } from './services/index.ts';

export interface Doors {
  readonly grpc: string;
  readonly grpcPort: number;
  readonly http: string;
  readonly logged: Readonly<Record<string, unknown>>[];
  readonly spans: { name: string; traceparent: string | undefined; error?: unknown }[];
  quiet(enough: AbortSignal): Promise<void>;
  close(graceMs: number): Promise<void>;
}

export interface DoorsOptions {
  readonly slowReaderMs?: number;
  readonly watcherCut?: () => void;
  readonly admission?: Pick<Admission, 'enter' | 'refusal'>;
  readonly boundsLimits?: BoundsLimits;
  readonly maxConnections?: number;
  readonly http?: Partial<HttpServerOptions>;
  /** Of each door. */
  readonly intake?: IntakeLimits;
}

export const OWN_TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

/** The doors, and the runtime behind them. */
export async function openDoors(options: DoorsOptions = {}): Promise<Doors & { readonly runtime: Fixture }> {
  const runtime = await startFixture();
  onTestFinished(() => runtime.orchestrator.stop());
  return { ...(await openDoorsTo(runtime.orchestrator, options)), runtime };
}

export async function openDoorsTo(orchestrator: Orchestrator, options: DoorsOptions = {}): Promise<Doors> {
  const logged: Readonly<Record<string, unknown>>[] = [];
  const spans: Doors['spans'] = [];
  const log = { error: (fields: Readonly<Record<string, unknown>>) => void logged.push(fields) };
  const admission = options.admission === undefined ? {} : { admission: options.admission };
  const connections = options.maxConnections === undefined ? {} : { maxConnections: options.maxConnections };
  let ids = 0;
  const services = createServices({
    expressions: createExpressionCompiler(),
    orchestrator,
    log,
    newRunId: () => `minted-${++ids}`,
    newIncident: () => `incident-${++ids}`,
    tracing: {
      serverCall(name, traceparent) {
        const span: Doors['spans'][number] = { name, traceparent };
        spans.push(span);
        return {
          traceparent: traceparent ?? OWN_TRACEPARENT,
          end: (error) => void (error === undefined || Object.assign(span, { error })),
        };
      },
    },
    ...(options.slowReaderMs === undefined ? {} : { slowReaderMs: options.slowReaderMs }),
    ...(options.watcherCut === undefined ? {} : { watcherCut: options.watcherCut }),
    ...admission,
    ...(options.boundsLimits === undefined ? {} : { boundsLimits: options.boundsLimits }),
  });
  const host = '127.0.0.1';
  const intake = options.intake === undefined ? {} : { intake: options.intake };
  const grpc = await startGrpcServer({ services, host, port: 0, ...intake, ...admission, ...connections });
  const http = await startHttpServer({
    services,
    host,
    port: 0,
    log,
    ...intake,
    ...connections,
    ...options.http,
  });
  const close = async (graceMs: number) => {
    await Promise.all([grpc.close(graceMs), http.close(graceMs)]);
  };
  onTestFinished(() => close(0));
  return {
    grpc: `127.0.0.1:${grpc.port}`,
    grpcPort: grpc.port,
    http: `http://127.0.0.1:${http.port}`,
    logged,
    spans,
    quiet: async (enough) => void (await Promise.all([grpc.quiet(enough), http.quiet(enough)])),
    close,
  };
}

/** A plain grpc-js client: nothing of ours but the descriptors. */
export function grpcClient(address: string, service: DescService) {
  const client = new Client(address, credentials.createInsecure());
  onTestFinished(() => client.close());
  const methodOf = (name: string) => {
    const method = service.methods.find((one) => one.name === name);
    if (method === undefined) throw new Error(`no method ${name}`);
    return { path: `/${service.typeName}/${name}`, method };
  };

  return {
    client,
    /** @param request its fields, or raw bytes to be sent as they are */
    call<Output extends DescMessage>(
      name: string,
      request: object | Uint8Array,
      metadata: Record<string, string> = {},
      deadlineMs = Number.POSITIVE_INFINITY,
    ): Promise<MessageShape<Output>> {
      const { path, method } = methodOf(name);
      const headers = new Metadata();
      for (const [key, value] of Object.entries(metadata)) headers.set(key, value);
      return new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          path,
          (value: object) => encode(method.input, value),
          (bytes) => fromBinary(method.output, bytes) as MessageShape<Output>,
          request,
          headers,
          { deadline: deadlineMs },
          (error, response) => (error === null && response !== undefined ? resolve(response) : reject(error)),
        );
      });
    },
    stream(name: string, request: object | Uint8Array) {
      const { path, method } = methodOf(name);
      return client.makeServerStreamRequest(
        path,
        (value: object) => encode(method.input, value),
        (bytes) => fromBinary(method.output, bytes),
        request,
      );
    },
  };
}

function encode(schema: DescMessage, value: object): Buffer {
  if (value instanceof Uint8Array) return Buffer.from(value);
  return Buffer.from(toBinary(schema, create(schema, value as MessageInitShape<DescMessage>)));
}

export interface Refusal {
  readonly code: number | string;
  readonly message: string;
  readonly reason: string | undefined;
  readonly domain: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly fields: readonly string[];
  readonly descriptions: readonly string[];
  readonly retryDelayMs: number | undefined;
}

/** What a generic client can read of an error of grpc-js. */
export function refusalOf(error: ServiceError): Refusal {
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  const details = bytes === undefined ? [] : fromBinary(StatusSchema, bytes as Buffer).details;
  return refusal(
    error.code,
    error.details,
    details.map(({ typeUrl, value }) => ({ typeUrl, value })),
  );
}

/** What a generic client can read of an error of Connect in JSON. */
export function refusalOfJson(body: unknown): Refusal {
  const {
    code,
    message,
    details = [],
  } = body as {
    code: string;
    message: string;
    details?: { type: string; value: string }[];
  };
  return refusal(
    code,
    message,
    details.map(({ type, value }) => ({
      typeUrl: `type.googleapis.com/${type}`,
      value: new Uint8Array(Buffer.from(value, 'base64')),
    })),
  );
}

function refusal(
  code: number | string,
  message: string,
  details: { typeUrl: string; value: Uint8Array }[],
): Refusal {
  const find = <Desc extends DescMessage>(schema: Desc): MessageShape<Desc> | undefined => {
    for (const { typeUrl, value } of details) {
      const found = anyUnpack({ $typeName: 'google.protobuf.Any', typeUrl, value }, schema);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const info = find(ErrorInfoSchema);
  const violations = find(BadRequestSchema)?.fieldViolations ?? [];
  const delay = find(RetryInfoSchema)?.retryDelay;
  return {
    code,
    message,
    reason: info?.reason,
    domain: info?.domain,
    metadata: info?.metadata ?? {},
    fields: violations.map(({ field }) => field),
    descriptions: violations.map(({ description }) => description),
    retryDelayMs: delay && Number(delay.seconds) * 1_000 + delay.nanos / 1_000_000,
  };
}

/** The refusal of a call that has to fail. */
export async function refused(call: Promise<unknown>): Promise<Refusal> {
  return call.then(
    () => {
      throw new Error('the call was expected to fail');
    },
    (error: ServiceError) => refusalOf(error),
  );
}

/** POSTs JSON, as curl would. */
export async function postJson(
  http: string,
  method: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${http}/tutti.v1.OrchestratorService/${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}
