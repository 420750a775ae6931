// `http.request`: one HTTP request.
//
// Input: {"url": "https://…", "method": "GET", "headers": {}, "body": text or any JSON value,
// "timeoutMs": 30000, "maxBodyBytes": 262144, "maxRedirects": 0, "allowFailure": false}; all but the URL
// have these defaults. Result: {"url", "status", "headers", "body", "bodyEncoding": "json" | "text" |
// "base64"}; the URL is the last one, after redirects.
//
// A body that is too large as JSON for a payload fails the attempt like one over `maxBodyBytes`, for good.
// The request carries the trace on in `traceparent`, unless the headers have one.
//
// A status from 400 on fails the attempt unless `allowFailure`: 408, 429 and 5xx may be tried again (after
// Retry-After, if given in seconds), others not. Where it may connect to: network/address-guard.ts.

import { FinalError, type Handler, RetryableError } from '@tutti/client/executor';
import { Agent, request } from 'undici';
import { z } from 'zod';
import {
  AddressRefusedError,
  type ConnectorOptions,
  createGuardedConnector,
} from '../network/address-guard.ts';
import { BodyTooLargeError, type DecodedBody, decodeBody, readLimited } from '../network/limited-body.ts';
import { followRedirect, type Hop, isRedirect } from '../network/redirect.ts';
import { readInput } from './input.ts';
import { fitting, readLimit } from './result-budget.ts';

const MAX_TIMEOUT_MS = 60 * 60 * 1000;
const MAX_REDIRECTS = 10;
const CONNECT_TIMEOUT_MS = 10_000;

/** These are the transport's, and changing them would smuggle. */
const FORBIDDEN_HEADERS = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const inputSchema = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).max(8192),
  method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']).default('GET'),
  headers: z
    .record(
      z
        .string()
        .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}$/)
        .refine((name) => !FORBIDDEN_HEADERS.has(name.toLowerCase()), 'belongs to the transport'),
      z
        .string()
        .max(8192)
        // RFC 9110, 5.5: one byte each; others would have to be encoded by whoever knows how.
        .regex(/^[\x20-\x7e\xa0-\xff]*$/, 'only printable characters of Latin-1'),
    )
    .default({}),
  body: z.json().optional(),
  timeoutMs: z.number().int().min(1).max(MAX_TIMEOUT_MS).default(30_000),
  maxBodyBytes: readLimit,
  maxRedirects: z.number().int().min(0).max(MAX_REDIRECTS).default(0),
  allowFailure: z.boolean().default(false),
});

type Wanted = z.output<typeof inputSchema>;

type Answer = DecodedBody & {
  readonly url: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
};

export type HttpRequestOptions = Pick<ConnectorOptions, 'guard' | 'lookup'>;

export function createHttpRequest(options: HttpRequestOptions): Handler {
  const agent = new Agent({
    connect: createGuardedConnector({ ...options, timeoutMs: CONNECT_TIMEOUT_MS }),
    // Idle connections are of little use to tasks and hold sockets.
    keepAliveTimeout: 4_000,
    maxHeaderSize: 64 * 1024,
    // The task's own `timeoutMs` is the limit; these would end it after five minutes.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return async (input, context) => {
    const wanted = readInput(inputSchema, input);
    const deadline = AbortSignal.timeout(wanted.timeoutMs);
    const signal = AbortSignal.any([context.signal, deadline]);
    try {
      const answer = await followAll(agent, firstHop(wanted, context.traceparent), wanted, signal);
      if (answer.status >= 400 && !wanted.allowFailure) throw failureOf(answer);
      return fitting(answer, context, 'BODY_TOO_LARGE', wanted.url);
    } catch (error) {
      if (context.signal.aborted) throw context.signal.reason;
      if (deadline.aborted) {
        throw new RetryableError('TIMED_OUT', `${wanted.url} did not answer within ${wanted.timeoutMs} ms`);
      }
      throw explain(error, wanted);
    }
  };
}

/** Carries the trace on, unless the task has a trace context of its own for it. */
function firstHop(wanted: Wanted, traceparent: string): Hop {
  const { body } = wanted;
  const headers = { ...wanted.headers };
  const names = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  if (body !== undefined && typeof body !== 'string' && !names.has('content-type')) {
    headers['content-type'] = 'application/json';
  }
  if (traceparent !== '' && !names.has('traceparent')) headers.traceparent = traceparent;
  return {
    url: new URL(wanted.url),
    method: wanted.method,
    headers,
    body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
  };
}

async function followAll(agent: Agent, first: Hop, wanted: Wanted, signal: AbortSignal): Promise<Answer> {
  let hop = first;
  for (let redirects = 0; ; redirects += 1) {
    if (hop.url.username !== '' || hop.url.password !== '') {
      throw new FinalError('INVALID_INPUT', 'url: credentials belong into the header "authorization"');
    }
    const response = await request(hop.url, {
      dispatcher: agent,
      method: hop.method as Wanted['method'],
      headers: { ...hop.headers },
      body: hop.body ?? null,
      signal,
    });
    const location = response.headers['location'];
    const next =
      wanted.maxRedirects > 0 && isRedirect(response.statusCode) && typeof location === 'string'
        ? followRedirect(hop, response.statusCode, location)
        : undefined;
    if (next === undefined) {
      const bytes = await readLimited(response.body, wanted.maxBodyBytes);
      const contentType = response.headers['content-type'];
      const decoded = decodeBody(bytes, typeof contentType === 'string' ? contentType : '');
      return { url: hop.url.href, status: response.statusCode, headers: response.headers, ...decoded };
    }
    // What a redirect says besides its location is of no use; the connection is given up.
    response.body.on('error', () => {}).destroy();
    if (redirects >= wanted.maxRedirects) {
      throw new FinalError('TOO_MANY_REDIRECTS', `${wanted.url} leads on after ${redirects} redirects`);
    }
    hop = next;
  }
}

function failureOf(answer: Answer): FinalError | RetryableError {
  const { status, headers, body } = answer;
  const code = `HTTP_${status}`;
  const message = `${answer.url} answered with status ${status}`;
  const details = { status, headers, body };
  if (status < 500 && status !== 408 && status !== 429) return new FinalError(code, message, { details });
  const retryAfter = headers['retry-after'];
  const seconds = typeof retryAfter === 'string' && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : 0;
  return new RetryableError(code, message, { details, ...(seconds > 0 && { retryAfterMs: seconds * 1000 }) });
}

function explain(error: unknown, wanted: Wanted): unknown {
  if (error instanceof FinalError || error instanceof RetryableError) return error;
  // undici and the trial of several addresses wrap what happened.
  for (const cause of causesOf(error)) {
    if (cause instanceof AddressRefusedError) return new FinalError('ADDRESS_REFUSED', cause.message);
    if (cause instanceof BodyTooLargeError)
      return new FinalError('BODY_TOO_LARGE', `${wanted.url}: ${cause.message}`);
  }
  const message = error instanceof Error ? error.message || error.name : String(error);
  return new RetryableError('CONNECTION_FAILED', `${wanted.url}: ${message}`, { cause: error });
}

function causesOf(error: unknown): readonly unknown[] {
  const causes: unknown[] = [];
  for (let cause = error; cause instanceof Error && causes.length < 10; cause = cause.cause) {
    causes.push(cause, ...(cause instanceof AggregateError ? cause.errors : []));
  }
  return causes;
}
