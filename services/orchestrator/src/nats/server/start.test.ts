// A nats-server beside the orchestrator: it keeps its port over the death of either, and never outlives us.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { runCommand } from './command.ts';
import { defaultCacheFolder } from './find.ts';
import { obtainNatsServer } from './obtain.ts';
import { freePort, readServerInfo } from './probe.ts';
import { type NatsServer, type NatsServerOptions, startNatsServer } from './start.ts';

let binary: string;
let stateFolder: string;
let servers: NatsServer[];

beforeAll(async () => {
  const options = { env: process.env, cacheFolder: defaultCacheFolder(process.env), say: () => {} };
  binary = (await obtainNatsServer(options)).path;
}, 600_000);

beforeEach(async () => {
  stateFolder = await mkdtemp(join(tmpdir(), 'tutti-nats-test-'));
  servers = [];
});

afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  await rm(stateFolder, { recursive: true, force: true });
});

async function start(overrides: Partial<NatsServerOptions> = {}): Promise<NatsServer> {
  const server = await startNatsServer({ binary, ...overrides });
  servers.push(server);
  return server;
}

test('it answers at its url with the payload limit asked for, and is gone after stop', async () => {
  const server = await start({ maxPayloadBytes: 3_000_000 });
  expect(server.url).toBe(`nats://127.0.0.1:${server.port}`);
  expect((await readServerInfo('127.0.0.1', server.port, 1_000))?.maxPayloadBytes).toBe(3_000_000);
  await server.stop();
  expect(await readServerInfo('127.0.0.1', server.port, 1_000)).toBeUndefined();
  expect(isAlive(server.pid())).toBe(false);
  expect(await server.exited).toBeUndefined();
  await server.stop();
});

test('a server for every address of the machine is reached by the loopback one', async () => {
  const server = await start({ host: '0.0.0.0' });
  expect(server.host).toBe('0.0.0.0');
  expect(server.url).toBe(`nats://127.0.0.1:${server.port}`);
  expect(await readServerInfo('127.0.0.1', server.port, 1_000)).toBeDefined();
});

test('a server that is killed is started again on the same port', async () => {
  const server = await start();
  const firstPid = server.pid();
  const before = await readServerInfo('127.0.0.1', server.port, 1_000);
  process.kill(firstPid, 'SIGKILL');
  await until(() => server.pid() !== firstPid);
  const after = await readServerInfo('127.0.0.1', server.port, 1_000);
  expect(after?.serverName).toBeDefined();
  expect(after?.serverName).not.toBe(before?.serverName);
});

test('a state folder keeps the port from one start to the next', async () => {
  const first = await start({ stateFolder });
  await first.stop();
  const second = await start({ stateFolder });
  expect(second.port).toBe(first.port);
});

test('when the remembered port is taken by somebody else, another one is used', async () => {
  const first = await start({ stateFolder });
  await first.stop();
  const squatter = createServer().listen(first.port, '127.0.0.1');
  await once(squatter, 'listening');
  try {
    const second = await start({ stateFolder });
    expect(second.port).not.toBe(first.port);
  } finally {
    squatter.close();
  }
});

test('a port asked for by number that is taken is an error that tells why', async () => {
  const squatter = createServer().listen(0, '127.0.0.1');
  await once(squatter, 'listening');
  const address = squatter.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  try {
    await expect(start({ port })).rejects.toThrow(/did not start on 127.0.0.1:.*address already in use/);
  } finally {
    squatter.close();
  }
});

test('a binary that ends at once is an error, and leaves nothing running', async () => {
  await expect(start({ binary: '/bin/false', port: await freePort('127.0.0.1') })).rejects.toThrow(
    /did not start/,
  );
});

test('a torn or foreign record in the state folder is no obstacle', async () => {
  await writeFile(join(stateFolder, 'nats-server.json'), '{"pid": 1, "po');
  const server = await start({ stateFolder });
  expect(isAlive(server.pid())).toBe(true);
});

test('SIGKILL of the owner ends its server, and the next owner has the same port (promise 8)', async () => {
  const owner = await startOwner(stateFolder, binary);
  expect(isAlive(owner.natsPid)).toBe(true);
  owner.process.kill('SIGKILL');
  await once(owner.process, 'exit');
  await until(() => !isAlive(owner.natsPid));
  const next = await start({ stateFolder });
  expect(next.port).toBe(owner.port);
});

test('a server that its owner left running is replaced on the same port', async () => {
  // Even the shell that watches over it is killed: nobody but the next start can end it.
  const owner = await startOwner(stateFolder, binary);
  const watchers = await processesOfGroupOf(owner.natsPid);
  process.kill(owner.process.pid ?? 0, 'SIGSTOP');
  for (const pid of watchers) if (pid !== owner.natsPid) process.kill(pid, 'SIGKILL');
  expect(isAlive(owner.natsPid)).toBe(true);
  try {
    const next = await start({ stateFolder });
    expect(next.port).toBe(owner.port);
    expect(next.pid()).not.toBe(owner.natsPid);
    await until(() => !isAlive(owner.natsPid));
  } finally {
    owner.process.kill('SIGKILL');
    await once(owner.process, 'exit');
  }
});

async function startOwner(folder: string, natsBinary: string) {
  const program = `
    const { startNatsServer } = await import(${JSON.stringify(join(import.meta.dirname, 'start.ts'))});
    const server = await startNatsServer(${JSON.stringify({ binary: natsBinary, stateFolder: folder })});
    console.log(JSON.stringify({ natsPid: server.pid(), port: server.port }));
  `;
  const owner = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: owner.stdout }), 'line')) as [string];
  return { process: owner, ...(JSON.parse(line) as { natsPid: number; port: number }) };
}

/** The shells above a server, and the server: they share a process group of their own. */
async function processesOfGroupOf(pid: number): Promise<readonly number[]> {
  const { stdout } = await runCommand('ps', ['-A', '-o', 'pid=,pgid='], {
    env: process.env,
    timeoutMs: 10_000,
  });
  const rows = stdout
    .trim()
    .split('\n')
    .map((row) => row.trim().split(/\s+/).map(Number));
  const group = rows.find(([candidate]) => candidate === pid)?.[1];
  return rows
    .filter((row) => row[1] === group)
    .flatMap(([candidate]) => (candidate === undefined ? [] : [candidate]));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // In a container without an init a dead process may stay listed until somebody reaps it.
  const status = `/proc/${pid}/stat`;
  return !existsSync(status) || !isZombie(pid);
}

function isZombie(pid: number): boolean {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('It did not happen within 60 s');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
