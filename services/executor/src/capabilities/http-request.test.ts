import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AttemptAbortedError } from '@tutti/client/executor';
import { afterEach, describe, expect, test } from 'vitest';
import { createAddressGuard, type Lookup } from '../network/address-guard.ts';
import { createTestContext } from '../testing/attempt-context.ts';
import { createHttpRequest } from './http-request.ts';

const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** Counts connections: what matters is whether one was made at all. */
async function serve(listener: RequestListener) {
  const server = createServer(listener);
  servers.push(server);
  const seen = { connections: 0 };
  server.on('connection', () => {
    seen.connections += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { port, seen, url: `http://127.0.0.1:${port}` };
}

const local = createHttpRequest({ guard: createAddressGuard(['127.0.0.1']) });
const publicOnly = createHttpRequest({ guard: createAddressGuard([]) });

function send(input: object, handler = local, context = createTestContext()) {
  return Promise.resolve(handler(input, context));
}

test('sends method, headers and body; gives status, headers and body', async () => {
  const { url } = await serve(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const { method, headers } = request;
    const seen = {
      method,
      type: headers['content-type'],
      mine: headers['x-mine'],
      body: Buffer.concat(pieces).toString(),
    };
    response.writeHead(201, { 'content-type': 'application/json', 'x-yours': 'y' }).end(JSON.stringify(seen));
  });
  expect(
    await send({ url: `${url}/a`, method: 'POST', headers: { 'X-Mine': 'm' }, body: { a: 1 } }),
  ).toMatchObject({
    url: `${url}/a`,
    status: 201,
    headers: { 'x-yours': 'y' },
    bodyEncoding: 'json',
    body: { method: 'POST', type: 'application/json', mine: 'm', body: '{"a":1}' },
  });
});

test('text is text, and bytes are base64', async () => {
  const { url } = await serve((request, response) => {
    response.end(request.url === '/text' ? 'plain' : Buffer.from([0xff, 0x00]));
  });
  expect(await send({ url: `${url}/text` })).toMatchObject({ bodyEncoding: 'text', body: 'plain' });
  expect(await send({ url: `${url}/bytes` })).toMatchObject({ bodyEncoding: 'base64', body: '/wA=' });
});

test('carries the trace on, unless the task has its own', async () => {
  const { url } = await serve((request, response) => response.end(request.headers.traceparent ?? 'none'));
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const body = async (headers: object, context = createTestContext({ traceparent })) =>
    ((await send({ url, headers }, local, context)) as { body: string }).body;
  expect(await body({})).toBe(traceparent);
  expect(await body({ Traceparent: 'mine' })).toBe('mine');
  expect(await body({}, createTestContext())).toBe('none');
});

describe('a status from 400 on', () => {
  test.each([
    [404, 'FinalError'],
    [408, 'RetryableError'],
    [429, 'RetryableError'],
    [503, 'RetryableError'],
  ])('%i is a %s', async (status, name) => {
    const { url } = await serve((_request, response) => {
      response.writeHead(status, { 'retry-after': '7' }).end('why');
    });
    await expect(send({ url })).rejects.toMatchObject({
      name,
      code: `HTTP_${status}`,
      details: { status, body: 'why' },
      ...(name === 'RetryableError' && { retryAfterMs: 7000 }),
    });
    expect(await send({ url, allowFailure: true })).toMatchObject({ status, body: 'why' });
  });
});

describe('private addresses', () => {
  test('are not connected to, under any name', async () => {
    const { port, seen } = await serve((_request, response) => response.end());
    for (const host of [
      '127.0.0.1',
      'localhost',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '0.0.0.0',
      '2130706433',
      '0x7f.1',
    ]) {
      await expect(send({ url: `http://${host}:${port}/` }, publicOnly), host).rejects.toMatchObject({
        name: 'FinalError',
        code: 'ADDRESS_REFUSED',
      });
    }
    expect(seen.connections).toBe(0);
  });

  test('a name is looked up once, so a second answer (DNS rebinding) is never asked for', async () => {
    const { port, seen } = await serve((_request, response) => response.end());
    const asked: string[] = [];
    const lookup: Lookup = (host, _options, done) => {
      asked.push(host);
      // First as a check would see it, then as an attacker wants it.
      done(null, [{ address: asked.length === 1 ? '203.0.113.1' : '127.0.0.1', family: 4 }]);
    };
    // 203.0.113.0/24 is reserved: allowing it here makes it pass as public would, and nobody is there.
    const handler = createHttpRequest({ guard: createAddressGuard(['203.0.113.1']), lookup });
    await expect(send({ url: `http://rebind.test:${port}/`, timeoutMs: 300 }, handler)).rejects.toMatchObject(
      {
        name: 'RetryableError',
      },
    );
    await expect(send({ url: `http://rebind.test:${port}/`, timeoutMs: 300 }, handler)).rejects.toMatchObject(
      {
        code: 'ADDRESS_REFUSED',
      },
    );
    expect(asked).toEqual(['rebind.test', 'rebind.test']);
    expect(seen.connections).toBe(0);
  });

  test('of several addresses only the permitted ones are tried', async () => {
    const { port } = await serve((_request, response) => response.end('here'));
    const lookup: Lookup = (_host, _options, done) => {
      done(null, [
        { address: '10.0.0.1', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ]);
    };
    const handler = createHttpRequest({ guard: createAddressGuard(['127.0.0.1']), lookup });
    expect(await send({ url: `http://two.test:${port}/` }, handler)).toMatchObject({ body: 'here' });
  });
});

describe('redirects', () => {
  test('are given back as they are unless allowed', async () => {
    const { url, seen } = await serve((_request, response) => {
      response.writeHead(302, { location: '/next' }).end();
    });
    expect(await send({ url })).toMatchObject({ status: 302, headers: { location: '/next' } });
    expect(seen.connections).toBe(1);
  });

  test('are followed as often as allowed, and no further', async () => {
    const { url } = await serve((request, response) => {
      const left = Number(request.url?.slice(1));
      if (left === 0) response.end('arrived');
      else response.writeHead(302, { location: `/${left - 1}` }).end();
    });
    expect(await send({ url: `${url}/2`, maxRedirects: 2 })).toMatchObject({
      url: `${url}/0`,
      body: 'arrived',
    });
    await expect(send({ url: `${url}/3`, maxRedirects: 2 })).rejects.toMatchObject({
      code: 'TOO_MANY_REDIRECTS',
    });
  });

  test('to a private address is refused at that hop', async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data' }).end();
    });
    await expect(send({ url, maxRedirects: 3 })).rejects.toMatchObject({
      code: 'ADDRESS_REFUSED',
      message: expect.stringContaining('169.254.169.254'),
    });
  });
});

describe('limits', () => {
  test('a body over the limit is refused while it comes', async () => {
    const { url } = await serve((_request, response) => {
      const more = () => {
        while (response.write('x'.repeat(65_536)));
      };
      response.on('drain', more);
      more();
    });
    await expect(send({ url, maxBodyBytes: 100_000 })).rejects.toMatchObject({
      name: 'FinalError',
      code: 'BODY_TOO_LARGE',
    });
  });

  test('a body that is too large for a payload once it is JSON fails for good, and is asked for once', async () => {
    let asked = 0;
    const { url } = await serve((_request, response) => {
      asked += 1;
      response.end('\n'.repeat(600));
    });
    const context = createTestContext({ maxPayloadBytes: 1_000 });
    await expect(send({ url, method: 'POST' }, local, context)).rejects.toMatchObject({
      name: 'FinalError',
      code: 'BODY_TOO_LARGE',
    });
    expect(asked).toBe(1);
  });

  test('a server that says nothing, and one that never ends, run into the time limit', async () => {
    const { url } = await serve((request, response) => {
      if (request.url === '/drip') response.write('x');
    });
    for (const path of ['/silent', '/drip']) {
      await expect(send({ url: url + path, timeoutMs: 100 })).rejects.toMatchObject({
        name: 'RetryableError',
        code: 'TIMED_OUT',
      });
    }
  });

  test('nobody there is worth another try', async () => {
    const { url } = await serve(() => {});
    const server = servers.pop();
    await new Promise((resolve) => server?.close(resolve));
    await expect(send({ url })).rejects.toMatchObject({ name: 'RetryableError', code: 'CONNECTION_FAILED' });
  });

  test('cancelled: the request ends with the reason, and the server sees it go', async () => {
    const context = createTestContext();
    const arrived = Promise.withResolvers<{ readonly closed: Promise<unknown> }>();
    const { url } = await serve((_request, response) => arrived.resolve({ closed: once(response, 'close') }));
    const attempt = send({ url }, local, context);
    const { closed } = await arrived.promise;
    const reason = new AttemptAbortedError('CANCEL_REQUESTED', 1000);
    context.abort(reason);
    await expect(attempt).rejects.toBe(reason);
    await closed;
  });
});

test.each([
  {},
  { url: 'file:///etc/passwd' },
  { url: 'ftp://a.example' },
  { url: 'http://user:password@127.0.0.1/' },
  { url: 'http://a.example', method: 'CONNECT' },
  { url: 'http://a.example', headers: { host: 'b' } },
  { url: 'http://a.example', headers: { 'Transfer-Encoding': 'chunked' } },
  { url: 'http://a.example', headers: { x: 'a\r\nb: c' } },
  { url: 'http://a.example', headers: { 'x y': 'a' } },
  { url: 'http://a.example', headers: { x: '5 €' } },
  { url: 'http://a.example', timeoutMs: 0 },
  { url: 'http://a.example', maxRedirects: 11 },
  { url: 'http://a.example', unknown: 1 },
])('refuses %j', async (input) => {
  await expect(send(input)).rejects.toMatchObject({ name: 'FinalError', code: 'INVALID_INPUT' });
});
