// How is a peer's server started such that it never outlives the benchmark?

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export interface ServerSpec {
  /** What messages call it. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** For servers that refuse to run as root. */
  readonly uid?: number;
  readonly gid?: number;
  /** What ends it quickly and cleanly. Default: SIGTERM. */
  readonly stopSignal?: NodeJS.Signals;
  /** Told of every line that it writes. */
  readonly log?: (line: string) => void;
}

export interface ServerProcess {
  readonly pid: number;
  /** Resolves with why it ended, for a message. */
  readonly ended: Promise<string>;
  /** Resolves once `ready` is true; rejects, with its last lines, if it ends before or takes too long. */
  until(ready: () => Promise<boolean>, timeoutMs?: number): Promise<void>;
  /** It is gone afterwards. */
  stop(): Promise<void>;
}

const GUARD = fileURLToPath(new URL('guard.ts', import.meta.url));
const GRACE_MS = 10_000;
const READY_TIMEOUT_MS = 60_000;
const KEPT_LINES = 30;

export async function startServer(spec: ServerSpec): Promise<ServerProcess> {
  const { command, args, cwd, env, uid, gid } = spec;
  const order = {
    command,
    args,
    cwd,
    env,
    uid,
    gid,
    stopSignal: spec.stopSignal ?? 'SIGTERM',
    graceMs: GRACE_MS,
  };
  const guard = spawn(process.execPath, [GUARD, JSON.stringify(order)], {
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const lines: string[] = [];
  const [stdin, stdout, stderr, pids] = guard.stdio as unknown as [Writable, Readable, Readable, Readable];
  stdin.on('error', () => {});
  for (const input of [stdout, stderr]) {
    createInterface({ input }).on('line', (line) => {
      lines.push(line);
      if (lines.length > KEPT_LINES) lines.shift();
      spec.log?.(line);
    });
  }
  let isGone = false;
  const said = (what: string) => `${spec.name} ${what}\n${lines.join('\n')}`;
  const ended = once(guard, 'exit').then(([code]) => {
    isGone = true;
    return said(`ended with ${code}`);
  });
  const pid = await new Promise<number>((resolve, reject) => {
    createInterface({ input: pids }).once('line', (line) => resolve(Number(line)));
    void ended.then((why) => reject(new Error(why)));
  });

  return {
    pid,
    ended,
    async until(ready, timeoutMs = READY_TIMEOUT_MS) {
      const deadlineMs = performance.now() + timeoutMs;
      while (!(await ready().catch(() => false))) {
        if (isGone) throw new Error(await ended);
        if (performance.now() > deadlineMs) throw new Error(said(`was not ready within ${timeoutMs} ms`));
        await pause(20);
      }
    },
    async stop() {
      stdin.end();
      await ended;
    },
  };
}
