// A real nats-server for tests: on a free port of 127.0.0.1, to be killed and started again.
//
// It runs under a shell that holds a pipe from this process, as the orchestrator's own does: when this
// process is gone, of SIGKILL too, the shell ends the server. Nothing is left of a test run that was cut.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** What is unusual about a server. */
export interface NatsServerSettings {
  /** The largest message that it takes. Default: 1 MiB, as nats-server has it. */
  readonly maxPayloadBytes?: number;
  /** True: takes nobody without credentials that no test has. */
  readonly isLocked?: boolean;
}

/** One server that keeps its port over restarts. */
export interface TestNatsServer {
  readonly url: string;
  /** SIGKILL, as a crash would; resolves when it is gone. */
  kill(): Promise<void>;
  /** Does nothing while it runs. */
  start(settings?: NatsServerSettings): Promise<void>;
}

// A background job of sh reads from nowhere, hence the copy of the pipe as descriptor 3, which the server
// must not inherit.
const WATCHDOG = `
exec 3<&0
"$@" </dev/null >/dev/null 2>&1 3<&- &
server=$!
echo "$server"
{ while read -r _ <&3; do :; done; kill -KILL "$server"; } >/dev/null 2>&1 &
watcher=$!
exec 3<&-
wait "$server"
kill -TERM "$watcher" 2>/dev/null
`;

export async function startNatsServer(settings: NatsServerSettings = {}): Promise<TestNatsServer> {
  const port = await freePort();
  let shell: ChildProcess | undefined;
  let serverPid = 0;
  const server: TestNatsServer = {
    url: `nats://127.0.0.1:${port}`,
    async kill() {
      const current = shell;
      shell = undefined;
      if (current === undefined || current.exitCode !== null) return;
      const gone = once(current, 'exit');
      process.kill(serverPid, 'SIGKILL');
      await gone;
    },
    async start(changed = settings) {
      if (shell !== undefined) return;
      const folder = await mkdtemp(join(tmpdir(), 'tutti-test-nats-'));
      try {
        const file = join(folder, 'nats.conf');
        await writeFile(file, configuration(port, changed));
        const binary = process.env.TUTTI_NATS_SERVER || 'nats-server';
        shell = spawn('/bin/sh', ['-c', WATCHDOG, 'test-nats', binary, '--config', file], {
          stdio: ['pipe', 'pipe', 'ignore'],
          // Not of the group that Ctrl-C reaches: the pipe tells it.
          detached: true,
        });
        // It breaks when the server ends first.
        shell.stdin?.on('error', () => {});
        serverPid = await firstNumber(shell);
        await Promise.race([listening(port), failure(shell, binary)]);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
  await server.start();
  return server;
}

function configuration(port: number, { maxPayloadBytes, isLocked }: NatsServerSettings): string {
  const lines = ['host: "127.0.0.1"', `port: ${port}`];
  if (maxPayloadBytes !== undefined) lines.push(`max_payload: ${maxPayloadBytes}`);
  if (isLocked) lines.push('authorization { user: "nobody", password: "has this" }');
  return `${lines.join('\n')}\n`;
}

async function firstNumber(shell: ChildProcess): Promise<number> {
  if (shell.stdout === null) throw new Error('the shell has no output');
  const [line] = await once(createInterface({ input: shell.stdout }), 'line');
  return Number(line);
}

async function failure(shell: ChildProcess, binary: string): Promise<never> {
  const [code] = await once(shell, 'exit');
  throw new Error(`${binary} ended: ${code}; set TUTTI_NATS_SERVER to a nats-server binary`);
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
  const deadlineMs = Date.now() + 60_000;
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
  throw new Error(`no nats-server on port ${port} after 60 s`);
}
