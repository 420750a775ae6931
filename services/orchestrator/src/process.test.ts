// The process as a whole, as whoever starts it sees it.

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';

const MAIN = join(import.meta.dirname, 'main.ts');

async function unusedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

test.each(['SIGTERM', 'SIGINT'] as const)('%s ends it while it is still starting', async (signal) => {
  const folder = await mkdtemp(join(tmpdir(), 'tutti-process-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const nats = `nats://127.0.0.1:${await unusedPort()}`;
  const ports = ['--grpc-port', '0', '--http-port', '0'];
  const child = spawn(process.execPath, [MAIN, '--data', folder, '--nats', nats, ...ports], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = new Promise((resolve) => child.once('exit', (code, by) => resolve({ code, by })));
  const lines: string[] = [];
  const waiting = new Promise<void>((resolve) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      lines.push(line);
      // For 30 s: nobody listens there.
      if (line.includes('NATS is not there yet')) resolve();
    });
  });
  await Promise.race([waiting, ended]);
  const askedAtMs = performance.now();
  child.kill(signal);
  expect(await ended, lines.join('\n')).toEqual({ code: 0, by: null });
  expect(performance.now() - askedAtMs).toBeLessThan(25_000);
  expect(lines.join('\n')).not.toContain('could not start');
});
