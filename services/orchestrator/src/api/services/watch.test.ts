// W1 to W4 of watch.ts, and what happens to defects, over both doors and a scripted orchestrator.

import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2';
import { Metadata } from '@grpc/grpc-js';
import { OrchestratorService } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { describe, expect, onTestFinished, test } from 'vitest';
import { accept } from '../../domain/rejection.ts';
import type { Orchestrator, WatchPage } from '../../runtime/orchestrator.ts';
import type { RunRow } from '../../store/port.ts';
import { encodeEvent } from '../../wire/events.ts';
import { GRAPH } from '../../wire/wire-fixture.ts';
import {
  grpcClient,
  OWN_TRACEPARENT,
  openDoorsTo,
  postJson,
  refusalOf,
  refusalOfJson,
  refused,
} from '../doors-fixture.ts';

const SLOW_READER_MS = 100;

function largeEvent(revision: number): Uint8Array {
  const result = { bytes: new Uint8Array(200_000), contentType: 'image/png' };
  const change = { type: 'TaskCompleted', task: 0, attempt: 1, result, usage: undefined } as const;
  return encodeEvent({ runId: 'r', graph: GRAPH }, { revision, atMs: 1, change });
}

/** Gives pages without end, and counts how many were taken. */
function endless() {
  const source = { taken: 0, ended: Promise.withResolvers<void>() };
  async function* pages(): AsyncGenerator<WatchPage> {
    try {
      for (let revision = 1; ; revision += 1) {
        source.taken = revision;
        yield { events: [largeEvent(revision)], revision };
      }
    } finally {
      source.ended.resolve();
    }
  }
  return { source, orchestrator: scripted({ watch: async () => accept(pages()) }) };
}

function scripted(parts: Partial<Orchestrator>, row?: Partial<RunRow>): Orchestrator {
  const missing = () => Promise.reject(new Error('not scripted'));
  return {
    call: missing,
    watch: missing,
    waitForEnd: async () => accept(undefined),
    submitPrepared: missing,
    workflows: { put: missing, remove: missing },
    payloads: { put: missing, get: missing },
    runLife: { change: missing, setRetention: missing, getRetention: missing },
    serving: () => true,
    failingNamespaces: () => [],
    offers: () => undefined,
    queries: {
      getRun: async () => row as RunRow | undefined,
      getRunRecord: async () => undefined,
      getWorkflow: missing,
      listWorkflows: missing,
      listWorkflowVersions: missing,
      listRuns: missing,
      getTask: missing,
      listTasks: missing,
      readTaskEvents: missing,
      readEvents: missing,
      latestRevision: missing,
    },
    ...parts,
  };
}

describe('a reader that takes nothing', () => {
  test('is not read ahead for, and is told so and cut over gRPC (WATCHER_TOO_SLOW)', async () => {
    const { source, orchestrator } = endless();
    let cuts = 0;
    const watcherCut = () => {
      cuts += 1;
    };
    const doors = await openDoorsTo(orchestrator, { slowReaderMs: SLOW_READER_MS, watcherCut });
    const { stream, trailers } = openDeafStream(doors.grpc, '/tutti.v1.OrchestratorService/Watch');
    // It ends although nobody reads: what fed it is free again.
    await source.ended.promise;
    const { taken } = source;
    expect(taken).toBeLessThan(100);
    expect(cuts).toBe(1);
    let receivedBytes = 0;
    stream.on('data', (chunk: Buffer) => {
      receivedBytes += chunk.length;
    });
    const { 'grpc-status': status, 'grpc-status-details-bin': details } = await trailers;
    const metadata = new Metadata();
    metadata.set('grpc-status-details-bin', Buffer.from(String(details), 'base64'));
    const refusal = refusalOf({ code: Number(status), details: '', metadata } as never);
    expect(refusal).toMatchObject({ code: 8, reason: 'WATCHER_TOO_SLOW' });
    // What it got is gapless up to the revision from which it may resume: one event a message.
    const received = Math.floor(receivedBytes / largeEvent(1).byteLength);
    expect(received).toBeGreaterThanOrEqual(Number(refusal.metadata.revision ?? 0));
    expect(source.taken).toBe(taken);
  });

  test('is not read ahead for, and is told so over HTTP when it comes back in time', async () => {
    const { source, orchestrator } = endless();
    const doors = await openDoorsTo(orchestrator, { slowReaderMs: SLOW_READER_MS });
    const response = await openDeafResponse(`${doors.http}/tutti.v1.OrchestratorService/Watch`);
    await source.ended.promise;
    expect(source.taken).toBeLessThan(100);
    let end = '';
    for await (const chunk of response) end = String(chunk).slice(-5_000);
    const { error } = JSON.parse(end.slice(end.lastIndexOf('{"error"'))) as { error: unknown };
    expect(refusalOfJson(error)).toMatchObject({ code: 'resource_exhausted', reason: 'WATCHER_TOO_SLOW' });
  });
});

describe('a stream', () => {
  test('is sent in parts that clients accept by default (W3)', async () => {
    const events = Array.from({ length: 40 }, (_, index) => largeEvent(index + 1));
    async function* pages(): AsyncGenerator<WatchPage> {
      yield { events, revision: 45 };
    }
    const orchestrator = scripted({ watch: async () => accept(pages()) }, { phase: 'COMPLETED' });
    const doors = await openDoorsTo(orchestrator);
    const stream = grpcClient(doors.grpc, OrchestratorService).stream('Watch', { runId: 'r' });
    const revisions: bigint[] = [];
    let count = 0;
    for await (const response of stream as AsyncIterable<{ events: unknown[]; revision: bigint }>) {
      revisions.push(response.revision);
      count += response.events.length;
    }
    expect(count).toBe(40);
    expect(revisions.slice(0, 3)).toEqual([2n, 4n, 6n]);
    expect(revisions.at(-1)).toBe(45n);
  });

  test.each([
    ['of a run that is not over', { runId: 'r' }, { phase: 'RUNNING' } as const],
    ['before the last event of its run', { runId: 'r' }, { phase: 'COMPLETED', lastRevision: 8 } as const],
    ['of a namespace', {}, undefined],
  ])('%s does not end well (W4)', async (_what, request, row) => {
    async function* pages(): AsyncGenerator<WatchPage> {
      yield { events: [], revision: 7 };
    }
    const doors = await openDoorsTo(scripted({ watch: async () => accept(pages()) }, row));
    const stream = grpcClient(doors.grpc, OrchestratorService).stream('Watch', request);
    const reading = (async () => {
      for await (const _ of stream);
    })();
    expect(await refused(reading)).toMatchObject({ code: 14, reason: 'NOT_SERVING' });
  });
});

describe('a wait', () => {
  test('whose stream ends before the run and before its time says so: nothing is known of the run', async () => {
    async function* pages(): AsyncGenerator<WatchPage> {
      yield { events: [], revision: 7 };
    }
    const row = { phase: 'RUNNING', lastRevision: 7 } as const;
    const doors = await openDoorsTo(scripted({ watch: async () => accept(pages()) }, row));
    const waiting = grpcClient(doors.grpc, OrchestratorService).call('WaitRun', { runId: 'r' });
    expect(await refused(waiting)).toMatchObject({ code: 14, reason: 'NOT_SERVING' });
  });
});

describe('a defect', () => {
  test('is told with its incident alone; the log has the cause', async () => {
    const broken = scripted({
      call: () => Promise.reject(new Error('SECRET')),
      watch: () => Promise.reject(new Error('SECRET')),
    });
    const doors = await openDoorsTo(broken);
    const { call, stream } = grpcClient(doors.grpc, OrchestratorService);
    const unary = await refused(call('CancelRun', { runId: 'r' }));
    const [, traceId, spanId] = OWN_TRACEPARENT.split('-');
    const streamed = await new Promise((resolve) => {
      stream('Watch', {}).once('error', (error) => resolve(refusalOf(error as never)));
    });
    const json = refusalOfJson((await postJson(doors.http, 'CancelRun', { runId: 'r' })).body);
    for (const refusal of [unary, streamed, json]) {
      expect(refusal).toMatchObject({
        reason: 'INTERNAL',
        metadata: { incident: expect.stringMatching(/^incident-/) },
      });
      expect(JSON.stringify(refusal)).not.toContain('SECRET');
    }
    expect(unary.code).toBe(13);
    expect(doors.logged).toMatchObject([
      {
        incident: unary.metadata.incident,
        method: 'CancelRun',
        trace_id: traceId,
        span_id: spanId,
        err: { message: 'SECRET' },
      },
      { method: 'Watch' },
      { incident: json.metadata.incident },
    ]);
  });
});

/** The answer to a call in Connect's JSON, which nobody reads until somebody listens for data. */
async function openDeafResponse(url: string): Promise<IncomingMessage> {
  const request = httpRequest(url, {
    method: 'POST',
    headers: { 'content-type': 'application/connect+json' },
  });
  onTestFinished(() => void request.destroy());
  request.end(Buffer.concat([Buffer.from([0, 0, 0, 0, 2]), Buffer.from('{}')]));
  return new Promise((resolve) => request.once('response', resolve));
}

/** A call over plain HTTP/2 whose answer nobody reads until somebody listens for data. */
function openDeafStream(address: string, path: string) {
  const session = connectHttp2(`http://${address}`);
  onTestFinished(() => session.destroy());
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  const trailers = new Promise<IncomingHttpHeaders>((resolve) => stream.once('trailers', resolve));
  // A request without fields is an envelope without content.
  stream.end(Buffer.from([0, 0, 0, 0, 0]));
  return { stream, trailers };
}
