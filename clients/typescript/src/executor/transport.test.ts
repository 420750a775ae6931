// The seam to NATS while the server is away: nothing waits in vain, nothing is buffered.

import { connect } from '@nats-io/transport-node';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startNatsServer, type TestNatsServer } from '../testing/nats-server.ts';
import { readOptions } from './options.ts';
import { connectTransport, type Transport } from './transport.ts';

let nats: TestNatsServer;
let transport: Transport;

beforeEach(async () => {
  nats = await startNatsServer();
  const logger = { debug() {}, info() {}, warn() {}, error() {} };
  const settings = readOptions({ servers: nats.url, logger, capabilities: { noop: () => null } });
  transport = await connectTransport(settings, new AbortController().signal);
});
afterEach(async () => {
  await transport.close();
  await nats.kill();
});

test('a request in flight fails when the connection breaks, and the next one at once', async () => {
  const silent = await connect({ servers: nats.url, reconnect: false });
  const asked = Promise.withResolvers<void>();
  silent.subscribe('silent', { callback: () => asked.resolve() });
  await silent.flush();
  const back = new Promise<void>((resolve) => transport.onReconnect(resolve));
  const first = transport.request('silent', new Uint8Array(), 600_000);
  const failed = expect(first).rejects.toThrow('broke');
  await asked.promise;
  await nats.kill();
  await failed;
  expect(transport.connected).toBe(false);
  await expect(transport.request('silent', new Uint8Array(), 600_000)).rejects.toThrow('no connection');
  await nats.start();
  await back;
  expect(transport.connected).toBe(true);
  await silent.close();
});

test('closing ends it without an error', async () => {
  await transport.close();
  expect(await transport.closed).toBeUndefined();
  await expect(transport.request('silent', new Uint8Array(), 1_000)).rejects.toThrow();
});

test('a request in flight is given up when nobody will answer it, and the next one is made', async () => {
  const silent = await connect({ servers: nats.url, reconnect: false });
  const asked = Promise.withResolvers<void>();
  silent.subscribe('silent', { callback: () => asked.resolve() });
  silent.subscribe('kept', { callback: () => {} });
  silent.subscribe('answered', { callback: (_error, message) => void message.respond('yes') });
  await silent.flush();
  let keptEnded = false;
  const kept = transport.request('kept', new Uint8Array(), 600_000).finally(() => {
    keptEnded = true;
  });
  kept.catch(() => {});
  const first = transport.request('silent', new Uint8Array(), 600_000);
  await asked.promise;
  transport.giveUpInFlight('the orchestrator was started anew', 'kept');
  await expect(first).rejects.toThrow('started anew');
  expect([transport.connected, keptEnded]).toEqual([true, false]);
  expect(Buffer.from(await transport.request('answered', new Uint8Array(), 600_000)).toString()).toBe('yes');
  await silent.close();
});
