// What may anyone send to the gRPC door without harm? Requests that would end the process, or be refused
// without a reason, if grpc-js had its way.

import { Health } from '@tutti/proto/grpc/health/v1/health_pb.ts';
import { expect, test } from 'vitest';
import { grpcClient, openDoors, refused } from '../doors-fixture.ts';

test('a refusal whose text was cut in the middle of a character is told, and ends nothing', async () => {
  const doors = await openDoors();
  const { call } = grpcClient(doors.grpc, Health);
  // The 200 characters that are shown of it end between the two halves of the last one.
  const service = `${'a'.repeat(199)}😀`;
  const refusal = await refused(call('Check', { service }));
  expect(refusal).toMatchObject({ code: 5, message: expect.stringContaining('aaa\ufffd') });
  expect(await call('Check', {})).toMatchObject({ status: 1 });
});
