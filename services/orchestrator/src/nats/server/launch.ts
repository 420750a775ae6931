// How does one nats-server process live and end?
//
// It runs under a shell that holds a pipe from this process: when the pipe closes, because of stop()
// or because this process died of whatever cause, SIGKILL included, the shell ends the server.
// nats-server cannot watch its parent itself, and an exit handler does not run on SIGKILL. The shell
// leads a process group of its own, so that Ctrl-C reaches the orchestrator only, which drains first.

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Environment } from './command.ts';
import { readServerInfo } from './probe.ts';

// A background job of sh reads from nowhere, hence the copy of the pipe as descriptor 3. The server
// itself does not inherit it: nothing but this process may hold its other end.
const WATCHDOG = `
exec 3<&0
"$@" </dev/null >&2 3<&- &
server=$!
echo "$server"
{
  while read -r _ <&3; do :; done
  kill -TERM "$server"
  for _ in 1 2 3 4 5; do sleep 1; kill -0 "$server" || exit; done
  kill -KILL "$server"
} 2>/dev/null >&2 &
watcher=$!
exec 3<&-
wait "$server"
code=$?
kill -TERM "$watcher" 2>/dev/null
exit "$code"
`;

export interface Launch {
  readonly binary: string;
  readonly configFile: string;
  readonly host: string;
  readonly port: number;
  /** Given in the configuration: how this very process is known again among all that may answer. */
  readonly serverName: string;
  readonly env: Environment;
  /** Every line that nats-server writes. */
  readonly log: (line: string) => void;
}

export interface RunningServer {
  readonly pid: number;
  /** Resolves, never rejects, once the process is gone. */
  readonly exited: Promise<{ readonly code: number | undefined; readonly lastLines: readonly string[] }>;
  /** Asks it to end, and forces it after 5 s. */
  stop(): Promise<void>;
}

const READY_TIMEOUT_MS = 15_000;
const PROBE_TIMEOUT_MS = 1_000;
const PROBE_PAUSE_MS = 15;
const KEPT_LINES = 20;

/** Resolves once the server answers at its port; rejects, with what it last said, if it ends before. */
export async function launchServer(launch: Launch): Promise<RunningServer> {
  const shell = spawn(
    '/bin/sh',
    ['-c', WATCHDOG, 'tutti-nats', launch.binary, '--config', launch.configFile],
    {
      env: { ...launch.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    },
  );
  const lastLines: string[] = [];
  createInterface({ input: shell.stderr }).on('line', (line) => {
    lastLines.push(line);
    if (lastLines.length > KEPT_LINES) lastLines.shift();
    launch.log(line);
  });
  // The pipe breaks when the server ends first; that is told by `exited`.
  shell.stdin.on('error', () => {});
  const exited = exitOf(shell).then((code) => ({ code, lastLines }));
  const stop = async () => {
    shell.stdin.end();
    await exited;
  };
  try {
    const pid = await Promise.race([firstNumber(shell), exited.then(() => undefined)]);
    if (pid !== undefined && (await answers(launch, exited))) return { pid, exited, stop };
  } catch (error) {
    await stop();
    throw error;
  }
  await stop();
  throw new Error(`nats-server did not start on ${launch.host}:${launch.port}: ${lastLines.join(' | ')}`);
}

async function answers(launch: Launch, exited: Promise<unknown>): Promise<boolean> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  const gone = exited.then(() => 'gone' as const);
  while (performance.now() < deadline) {
    const answer = await Promise.race([readServerInfo(launch.host, launch.port, PROBE_TIMEOUT_MS), gone]);
    if (answer === 'gone') return false;
    if (answer?.serverName === launch.serverName) return true;
    await new Promise((resolve) => setTimeout(resolve, PROBE_PAUSE_MS));
  }
  return false;
}

function firstNumber(shell: ChildProcess): Promise<number | undefined> {
  return new Promise((resolve) => {
    if (shell.stdout === null) return resolve(undefined);
    createInterface({ input: shell.stdout }).once('line', (line) => resolve(Number(line)));
  });
}

function exitOf(shell: ChildProcess): Promise<number | undefined> {
  return new Promise((resolve) => {
    shell.on('error', () => resolve(undefined));
    shell.on('exit', (code) => resolve(code ?? undefined));
  });
}
