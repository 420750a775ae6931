// How does a program start Tutti for itself, and end it? As a person would: with `tutti up`.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface RunningTutti {
  /** Where it listens, as `tutti up -o json` says. */
  readonly grpc: string;
  readonly http: string;
  readonly nats: string;
  stop(): Promise<void>;
}

/**
 * @param logFile where its logs go.
 * @param environment for the orchestrator and the executors, beside our own.
 * @throws Error that names the log if it does not start.
 */
export async function startTutti(
  args: readonly string[],
  logFile: string,
  environment: Readonly<Record<string, string>>,
): Promise<RunningTutti> {
  const cli = fileURLToPath(new URL('../../clients/cli/src/main.ts', import.meta.url));
  const up = spawn(process.execPath, [cli, 'up', '-o', 'json', '--exit-with-parent', ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
    // Ctrl-C is ours to handle: we still want to ask it things.
    detached: true,
  });
  up.stderr.pipe(createWriteStream(logFile));
  const ended = once(up, 'exit');
  const firstLine = once(createInterface({ input: up.stdout }), 'line') as Promise<[string]>;
  const first = await Promise.race([firstLine, ended.then(() => undefined)]);
  if (first === undefined) throw new Error(`Tutti did not start; its log is ${logFile}`);
  const { grpc, http, nats } = JSON.parse(first[0]) as { grpc: string; http: string; nats: string };
  return {
    grpc,
    http,
    nats,
    async stop() {
      up.kill('SIGTERM');
      await ended;
    },
  };
}
