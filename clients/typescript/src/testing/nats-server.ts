// A real nats-server for tests: on a free port of 127.0.0.1, to be killed and started again.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';

/** One server that keeps its port over restarts. */
export interface TestNatsServer {
  readonly url: string;
  /** SIGKILL, as a crash would; resolves when it is gone. */
  kill(): Promise<void>;
  /** Does nothing while it runs. */
  start(): Promise<void>;
}

export async function startNatsServer(): Promise<TestNatsServer> {
  const port = await freePort();
  let child: ChildProcess | undefined;
  const server: TestNatsServer = {
    url: `nats://127.0.0.1:${port}`,
    async kill() {
      const current = child;
      child = undefined;
      if (current === undefined || current.exitCode !== null) return;
      const gone = once(current, 'exit');
      current.kill('SIGKILL');
      await gone;
    },
    async start() {
      if (child !== undefined) return;
      const binary = process.env.TUTTI_NATS_SERVER || 'nats-server';
      child = spawn(binary, ['-a', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
      await Promise.race([listening(port), failure(child, binary)]);
    },
  };
  await server.start();
  return server;
}

async function failure(child: ChildProcess, binary: string): Promise<never> {
  const [error] = await Promise.race([once(child, 'exit'), once(child, 'error')]);
  throw new Error(`${binary} ended: ${error}; set TUTTI_NATS_SERVER to a nats-server binary`);
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function listening(port: number): Promise<void> {
  const deadlineMs = Date.now() + 10_000;
  while (Date.now() < deadlineMs) {
    const socket = createConnection(port, '127.0.0.1');
    const connected = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (connected) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`no nats-server on port ${port} after 10 s`);
}
