// How does an adapter talk to a program of a peer that is not written in Node? In lines over stdin and stdout.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface LineProgramSpec {
  /** What messages call it. */
  readonly name: string;
  readonly command: string;
  /** The program must end when its stdin ends, so that it never outlives the benchmark. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Told of every line after "ready". */
  readonly line: (line: string) => void;
}

export interface LineProgram {
  readonly pid: number;
  write(line: string): void;
  /** Rejects when it ends without having been asked to. */
  readonly failed: Promise<never>;
  /** It is gone afterwards. */
  stop(): Promise<void>;
}

const GRACE_MS = 10_000;

/** Resolves when the program has written "ready". */
export async function startLineProgram(spec: LineProgramSpec): Promise<LineProgram> {
  const child = spawn(spec.command, spec.args, {
    // stdout of a round is its result; what goes wrong belongs to people.
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...spec.env },
  });
  const gone = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(`ended with ${code ?? signal}`));
  });
  let isStopping = false;
  const failed = gone.then((why): Promise<never> => {
    return isStopping ? new Promise(() => {}) : Promise.reject(new Error(`${spec.name} ${why}`));
  });
  // It is for whoever waits for an answer; without one nobody looks.
  failed.catch(() => {});
  child.stdin.on('error', () => {});
  await Promise.race([
    failed,
    new Promise<void>((resolve) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (line === 'ready') resolve();
        else spec.line(line);
      });
    }),
  ]);
  return {
    pid: child.pid ?? -1,
    write: (line) => void child.stdin.write(`${line}\n`),
    failed,
    async stop() {
      isStopping = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      const timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
      const ended = once(child, 'exit');
      child.stdin.end();
      await ended;
      clearTimeout(timer);
    },
  };
}
