// The commands as the README has them, through npm: a signal to npm must end all that it started.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

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

function npmRunUp(): string[] {
  const ports = ['--grpc-port', '0', '--http-port', '0'];
  return [
    'npm',
    'run',
    '-s',
    'tutti',
    '--',
    'up',
    '-o',
    'json',
    '--data',
    data,
    ...ports,
    '--executors',
    '1',
  ];
}

/** The host:port of what `up` said it listens on. */
function addressesOf(line: string): string[] {
  const { grpc, nats } = JSON.parse(line) as { grpc: string; nats: string };
  return [grpc, nats.replace('nats://', '')];
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s to npm ends `tutti up` and all that it started',
  async (signal) => {
    const [command = '', ...args] = npmRunUp();
    npm = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'ignore'], detached: true });
    const { stdout } = npm;
    if (stdout === null) throw new Error('stdout is a pipe');
    const ended = once(npm, 'exit');
    const [line] = (await once(createInterface(stdout), 'line')) as [string];
    const addresses = addressesOf(line);
    expect(await Promise.all(addresses.map(accepts))).toEqual([true, true]);

    npm.kill(signal);
    expect(await ended).toEqual([0, null]);
    expect(await Promise.all(addresses.map(accepts))).toEqual([false, false]);
  },
);

/** Runs its arguments in a terminal; says what they say, and at the end how they ended. */
const terminal = `
import json, os, pty, select, sys
how = sys.argv[1]
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
seen, acted = b'', False
while True:
    try:
        data = os.read(fd, 65536)
    except OSError:
        break
    if not data:
        break
    seen = seen + data
    lines = [line for line in seen.split(b'\\n')[:-1] if line.startswith(b'{"grpc"')]
    if lines and not acted:
        acted = True
        print(lines[0].decode().strip(), flush=True)
        if how == 'hang up':
            os.close(fd)
            break
        os.write(fd, b'\\x03')
_, status = os.waitpid(pid, 0)
print(json.dumps({'status': status, 'seen': seen.decode(errors='replace')[-4000:]}), flush=True)
`;

const hasPython = spawnSync('python3', ['-c', 'import pty'], { stdio: 'ignore' }).status === 0;

describe('in a terminal', () => {
  if (!hasPython)
    test.skip('SKIPPED: no python3 with pty here, which gives these tests a terminal', () => {});

  async function inTerminal(how: string): Promise<{ line: string; end: { status: number; seen: string } }> {
    npm = spawn('python3', ['-c', terminal, how, ...npmRunUp()], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    if (npm.stdout === null) throw new Error('stdout is a pipe');
    const lines = createInterface(npm.stdout)[Symbol.asyncIterator]();
    const line = (await lines.next()).value ?? '';
    const end = (await lines.next()).value ?? '';
    return { line, end: JSON.parse(end) };
  }

  test.runIf(hasPython)(
    'Ctrl-C, which npm and the terminal both send, ends everything in order',
    async () => {
      const { line, end } = await inTerminal('interrupt');
      // Only who ends in order says so.
      expect(end.seen).toContain('"has left"');
      expect(end.status).toBe(0);
      expect(await Promise.all(addressesOf(line).map(accepts))).toEqual([false, false]);
    },
  );

  test.runIf(hasPython)('closing the terminal ends everything', async () => {
    const { line } = await inTerminal('hang up');
    // Nobody is told of that end: npm is gone at once. `up`, the orchestrator and nats-server name the state.
    const left = () => spawnSync('pgrep', ['-f', data], { encoding: 'utf8' }).stdout;
    await expect.poll(left, { timeout: 60_000, interval: 100 }).toBe('');
    expect(await Promise.all(addressesOf(line).map(accepts))).toEqual([false, false]);
  });
});
