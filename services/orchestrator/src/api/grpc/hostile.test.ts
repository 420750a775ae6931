// What may anyone send to the gRPC door without harm? Requests that would end the process, or be refused
// without a reason, if grpc-js had its way.

import { once } from 'node:events';
import { connect, type IncomingHttpHeaders } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { Metadata } from '@grpc/grpc-js';
import { Health } from '@tutti/proto/grpc/health/v1/health_pb.ts';
import { describe, expect, onTestFinished, test } from 'vitest';
import { grpcClient, openDoors, refusalOf, refused } from '../doors-fixture.ts';

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
  const GET_RUN = '/tutti.v1.OrchestratorService/GetRun';
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

  function frame(content: Buffer, flags = 0): Buffer {
    const head = Buffer.alloc(5);
    head[0] = flags;
    head.writeUInt32BE(content.byteLength, 1);
    return Buffer.concat([head, content]);
  }

  function bomb(): Buffer {
    return frame(gzipSync(Buffer.alloc(64 * 1024 * 1024)), 1);
  }
});

/** What no client of gRPC would send. */
async function rawCall(address: string, path: string, body: Buffer, headers: Record<string, string>) {
  const session = connect(`http://${address}`);
  onTestFinished(() => session.destroy());
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    ...headers,
  });
  stream.end(body);
  // Without any message, all of the answer is in its headers.
  const [head] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  const metadata = new Metadata();
  metadata.set('grpc-status-details-bin', Buffer.from(String(head['grpc-status-details-bin']), 'base64'));
  return refusalOf({ code: Number(head['grpc-status']), details: '', metadata } as never);
}
