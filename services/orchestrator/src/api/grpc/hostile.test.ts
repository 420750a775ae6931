// What may anyone send to the gRPC door without harm? Requests that would end the process, or be refused
// without a reason, if grpc-js had its way.

import { once } from 'node:events';
import { type ClientHttp2Stream, connect, type IncomingHttpHeaders } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { Metadata } from '@grpc/grpc-js';
import { Health } from '@tutti/proto/grpc/health/v1/health_pb.ts';
import { describe, expect, onTestFinished, test } from 'vitest';
import { grpcClient, openDoors, refusalOf, refused } from '../doors-fixture.ts';

const GET_RUN = '/tutti.v1.OrchestratorService/GetRun';

test('a refusal whose text was cut in the middle of a character is told, and ends nothing', async () => {
  const doors = await openDoors();
  const { call } = grpcClient(doors.grpc, Health);
  // What is shown of it ends between the two halves of its last character.
  const service = `${'a'.repeat(298)}😀b`;
  const refusal = await refused(call('Check', { service }));
  expect(refusal).toMatchObject({ code: 5, message: expect.stringContaining('aaa\ufffd…') });
  expect(await call('Check', {})).toMatchObject({ status: 1 });
});

describe('what grpc-js refuses by itself is told with a reason', () => {
  const message = frame(Buffer.from([0x12, 0x01, 0x72]));

  test.each([
    ['an unknown method', '/tutti.v1.OrchestratorService/Nothing', message, {}, 12, 'UNKNOWN_METHOD'],
    ['a path that is no text', '/\x80\xff%', message, {}, 12, 'UNKNOWN_METHOD'],
    ['a length of 4 GiB', GET_RUN, Buffer.from('00ffffffff', 'hex'), {}, 8, 'LIMIT_REACHED'],
    ['a bomb', GET_RUN, bomb(), { 'grpc-encoding': 'gzip' }, 8, 'LIMIT_REACHED'],
    ['no gzip', GET_RUN, frame(message, 1), { 'grpc-encoding': 'gzip' }, 3, 'MALFORMED_MESSAGE'],
    [
      'an encoding of nobody',
      GET_RUN,
      frame(message, 1),
      { 'grpc-encoding': 'zip' },
      12,
      'MALFORMED_MESSAGE',
    ],
    ['a deadline of no number', GET_RUN, message, { 'grpc-timeout': 'soon' }, 3, 'MALFORMED_MESSAGE'],
    ['two messages', GET_RUN, Buffer.concat([message, message]), {}, 12, 'MALFORMED_MESSAGE'],
    ['no message', GET_RUN, Buffer.alloc(0), {}, 12, 'MALFORMED_MESSAGE'],
  ])('%s', async (_what, path, body, headers, code, reason) => {
    const doors = await openDoors();
    expect(await rawCall(doors.grpc, path, body, headers)).toMatchObject({ code, reason });
  });

  function bomb(): Buffer {
    return frame(gzipSync(Buffer.alloc(64 * 1024 * 1024)), 1);
  }
});

describe('a call that comes to no end', () => {
  const LIMITS = { maxBytes: 100_000, requestMs: 60_000, readerMs: 60_000, sweepMs: 20 };

  test('is refused with the reason once its request has taken too long (N2)', async () => {
    const doors = await openDoors({ intake: { ...LIMITS, requestMs: 50 } });
    const stream = begin(doors.grpc, GET_RUN);
    stream.write(Buffer.from('000000ffff', 'hex'));
    expect(refusalIn(await headOf(stream))).toMatchObject({
      code: 8,
      reason: 'LIMIT_REACHED',
      metadata: { resource: 'request_time' },
    });
    await once(stream.resume(), 'close');
  });

  test('holds bytes that others find missing, until it is gone (N1)', async () => {
    const doors = await openDoors({ intake: LIMITS });
    const half = begin(doors.grpc, GET_RUN);
    half.write(Buffer.concat([Buffer.from('0000ffffff', 'hex'), Buffer.alloc(80_000)]));
    const other = () => rawCall(doors.grpc, GET_RUN, Buffer.concat([frame(Buffer.alloc(20_000))]), {});
    await expect.poll(other).toMatchObject({ code: 8, metadata: { resource: 'request_bytes' } });
    half.close();
    await expect.poll(other).toMatchObject({ code: 3 });
  });

  test('is cut when its answer is not read (N3)', async () => {
    const doors = await openDoors({ intake: { ...LIMITS, readerMs: 50 } });
    const stream = begin(doors.grpc, '/tutti.v1.OrchestratorService/ListRuns', { initialWindowSize: 0 });
    stream.end(frame(Buffer.alloc(0)));
    await once(stream, 'close');
    expect(stream.rstCode).toBe(8);
  });
});

function frame(content: Buffer, flags = 0): Buffer {
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(content.byteLength, 1);
  return Buffer.concat([head, content]);
}

/** What no client of gRPC would send. */
async function rawCall(address: string, path: string, body: Buffer, headers: Record<string, string>) {
  const stream = begin(address, path, {}, headers);
  stream.end(body);
  return refusalIn(await headOf(stream));
}

function begin(address: string, path: string, settings = {}, headers: Record<string, string> = {}) {
  const session = connect(`http://${address}`, { settings });
  onTestFinished(() => session.destroy());
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    ...headers,
  });
  stream.on('error', () => {});
  return stream;
}

/** Without any message, all of the answer is in its headers. */
async function headOf(stream: ClientHttp2Stream): Promise<IncomingHttpHeaders> {
  const [head] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  return head;
}

function refusalIn(head: IncomingHttpHeaders) {
  const metadata = new Metadata();
  metadata.set('grpc-status-details-bin', Buffer.from(String(head['grpc-status-details-bin']), 'base64'));
  return refusalOf({ code: Number(head['grpc-status']), details: '', metadata } as never);
}
