// The commands as the README has them, through npm: a signal to npm must end all that it started.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
let data: string;
let npm: ChildProcess | undefined;

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'tutti-npm-'));
});

afterEach(async () => {
  // Whatever a failed test left behind is in the group that npm leads.
  if (npm?.pid !== undefined) {
    try {
      process.kill(-npm.pid, 'SIGKILL');
    } catch {
      // Nobody is left.
    }
  }
  await rm(data, { recursive: true, force: true });
});

/** Whether somebody accepts connections there. */
async function accepts(address: string): Promise<boolean> {
  const [host = '', port = ''] = address.split(':');
  const socket = createConnection(Number(port), host);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.once('connect', () => resolve(true));
  socket.once('error', () => resolve(false));
  const accepted = await promise;
  socket.destroy();
  return accepted;
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s to npm ends `tutti up` and all that it started',
  async (signal) => {
    const args = [
      'up',
      '-o',
      'json',
      '--data',
      data,
      '--grpc-port',
      '0',
      '--http-port',
      '0',
      '--executors',
      '1',
    ];
    npm = spawn('npm', ['run', '-s', 'tutti', '--', ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    const { stdout } = npm;
    if (stdout === null) throw new Error('stdout is a pipe');
    const ended = once(npm, 'exit');
    const [line] = (await once(createInterface(stdout), 'line')) as [string];
    const { grpc, nats } = JSON.parse(line) as { grpc: string; nats: string };
    const addresses = [grpc, nats.replace('nats://', '')];
    expect(await Promise.all(addresses.map(accepts))).toEqual([true, true]);

    npm.kill(signal);
    expect(await ended).toEqual([0, null]);
    expect(await Promise.all(addresses.map(accepts))).toEqual([false, false]);
  },
);
