// By which names the HTTP door is answered to.

import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openDoors } from '../doors-fixture.ts';

/** As a browser sends it that was led here by a name of somebody else's (DNS rebinding). */
function asHost(http: string, host: string, path = '/healthz'): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    httpRequest(`${http}${path}`, { headers: { host } }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    })
      .on('error', reject)
      .end();
  });
}

describe('a door on this machine only', () => {
  test.each([
    'evil.example',
    'evil.example:7421',
    '127.0.0.1.evil.example',
    '10.0.0.1',
    'localhost.evil.example',
  ])('does not answer to %s, and says what would', async (host) => {
    const { http } = await openDoors();
    for (const path of ['/healthz', '/tutti.v1.OrchestratorService/ListRuns']) {
      const { status, body } = await asHost(http, host, path);
      expect(status).toBe(403);
      const { code, message } = JSON.parse(body) as { code: string; message: string };
      expect(code).toBe('permission_denied');
      expect(message).toContain(`'${host.split(':')[0]}'`);
      expect(message).toContain('--allowed-hosts');
    }
  });

  test.each([
    'localhost',
    'LOCALHOST:1',
    '127.0.0.1',
    '127.9.9.9:7421',
    '[::1]:7421',
    'app.localhost',
    'localhost.',
  ])('answers to %s', async (host) => {
    const { http } = await openDoors();
    expect(await asHost(http, host)).toEqual({ status: 200, body: 'ok\n' });
  });

  test('answers to the names that it is told of', async () => {
    const { http } = await openDoors({ http: { allowedHosts: ['Tutti.example'] } });
    expect(await asHost(http, 'tutti.example:443')).toMatchObject({ status: 200 });
    expect(await asHost(http, 'evil.example')).toMatchObject({ status: 403 });
    const any = await openDoors({ http: { allowedHosts: ['*'] } });
    expect(await asHost(any.http, 'evil.example')).toMatchObject({ status: 200 });
  });

  test('looks at the authority of HTTP/2 too', async () => {
    const { http } = await openDoors();
    const session = connectHttp2(http);
    onTestFinished(() => session.close());
    const stream = session.request({ ':authority': 'evil.example', ':path': '/healthz' });
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
    expect(headers[':status']).toBe(403);
    stream.resume();
  });
});

test('a door for other machines answers to whatever name led there', async () => {
  const { http } = await openDoors({ http: { host: '0.0.0.0' } });
  expect(await asHost(http, 'tutti.example')).toMatchObject({ status: 200 });
});
