// What may anyone send to the HTTP door? Requests that the library would refuse without a reason, take for
// a fault of the server, or decode although they would fill the memory.

import { request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { openDoors, refusalOfJson } from '../doors-fixture.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const MILLIONS = `{"run":{"spec":{"tasks":[${'{},'.repeat(5_000_000)}{}]}}}`;

test.each<[string, Record<string, string>, string | Buffer, number, string]>([
  ['no gzip', { ...JSON_TYPE, 'content-encoding': 'gzip' }, 'plain', 400, 'MALFORMED_MESSAGE'],
  ['an encoding of nobody', { ...JSON_TYPE, 'content-encoding': 'x' }, '{}', 501, 'MALFORMED_MESSAGE'],
  ['a host with no port there is', { ...JSON_TYPE, host: 'localhost:99999' }, '{}', 400, 'MALFORMED_MESSAGE'],
  ['a name of elsewhere', { ...JSON_TYPE, host: 'evil.example' }, '{}', 403, 'HOST_NOT_ALLOWED'],
  ['millions of tasks', JSON_TYPE, MILLIONS, 429, 'LIMIT_REACHED'],
  [
    'millions of tasks, compressed',
    { ...JSON_TYPE, 'content-encoding': 'gzip' },
    gzipSync(MILLIONS),
    429,
    'LIMIT_REACHED',
  ],
  [
    'millions of runs in binary form',
    { 'content-type': 'application/proto' },
    Buffer.alloc(16_000_000, '1a00', 'hex'),
    429,
    'LIMIT_REACHED',
  ],
])('%s is refused with a reason', async (_what, headers, body, status, reason) => {
  const doors = await openDoors();
  const url = `${doors.http}/tutti.v1.OrchestratorService/SubmitRun`;
  const answer = await post(url, headers, body);
  expect(answer.status).toBe(status);
  expect(refusalOfJson(JSON.parse(answer.text))).toMatchObject({ reason });
});

const LIMITS = { maxBytes: 100_000, requestMs: 60_000, readerMs: 60_000, sweepMs: 20 };

test('a request that does not come to its end is refused with the reason (N2)', async () => {
  const doors = await openDoors({ intake: { ...LIMITS, requestMs: 50 } });
  const answer = await halfPost(doors.http, 10);
  expect(answer.status).toBe(429);
  expect(refusalOfJson(JSON.parse(answer.text))).toMatchObject({ metadata: { resource: 'request_time' } });
});

test('what half a request holds others find missing, until it is gone (N1)', async () => {
  const doors = await openDoors({ intake: LIMITS });
  const half = halfPost(doors.http, 80_000);
  const url = `${doors.http}/tutti.v1.OrchestratorService/GetRun`;
  const other = async () => (await post(url, JSON_TYPE, '{}'.padEnd(30_000))).status;
  await expect.poll(other).toBe(429);
  half.gone();
  await expect.poll(other).toBe(400);
});

interface HalfPost extends Promise<{ status: number; text: string }> {
  gone(): void;
}

/** So many bytes, of more. */
function halfPost(door: string, bytes: number): HalfPost {
  const headers = { ...JSON_TYPE, 'content-length': '1000000' };
  const sent = request(`${door}/tutti.v1.OrchestratorService/GetRun`, { method: 'POST', headers });
  const answer = new Promise<{ status: number; text: string }>((resolve) => {
    sent.on('error', () => {});
    sent.on('response', async (response) => {
      let text = '';
      for await (const chunk of response) text += String(chunk);
      resolve({ status: response.statusCode ?? 0, text });
    });
  });
  sent.write(' '.repeat(bytes));
  return Object.assign(answer, { gone: () => void sent.destroy() });
}

/** Not fetch(), which sets the host itself. */
function post(url: string, headers: Record<string, string>, body: string | Buffer) {
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const sent = request(url, { method: 'POST', headers }, async (response) => {
      let text = '';
      for await (const chunk of response) text += String(chunk);
      resolve({ status: response.statusCode ?? 0, text });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
