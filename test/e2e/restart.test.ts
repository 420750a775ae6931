// How executors learn that the orchestrator was killed and started again, long before a heartbeat is due (DESIGN 9,
// promise 8).

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@tutti/client/client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type NatsProcess, startNatsProcess } from '../support/nats-process.ts';
import { startStack } from '../support/stack.ts';

// A nats-server of the orchestrator's own would go with it, and its return would be enough.
let folder = '';
let nats: NatsProcess | undefined;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tutti-restart-'));
  nats = await startNatsProcess(folder, () => {});
});
afterEach(async () => {
  await nats?.dispose();
  rmSync(folder, { recursive: true });
});

test('executors without work take part again as soon as the orchestrator is back', async () => {
  // The next heartbeat is twenty minutes away.
  const hour = ['--lease-duration-ms', '3600000'];
  await using stack = await startStack({
    executors: 2,
    orchestratorArgs: hour,
    ...(nats && { natsUrl: nats.url }),
  });
  await stack.orchestrator.kill();
  await stack.restartOrchestrator();

  const client = createClient({ address: stack.addresses.grpc });
  const run = await client.submit({ capability: 'echo', input: 'back' });
  expect(await run.wait({ timeoutMs: 60_000 })).toMatchObject({ finished: true, succeeded: true });
  client.close();
});
