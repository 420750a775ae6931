// One process that `up` starts: when is it ready, when has it ended, and how is it stopped?

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface ChildSpec {
  /** What messages call it. */
  readonly name: string;
  /** Arguments to node: options, the program, its arguments. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Child {
  /** The JSON object on its first line of stdout. Rejects if it ends or says something else first. */
  readonly ready: Promise<Readonly<Record<string, unknown>>>;
  readonly ended: Promise<ChildEnd>;
  /** Asks it to end, by default with SIGTERM, and makes it end after the grace. */
  stop(graceMs: number, signal?: NodeJS.Signals): Promise<ChildEnd>;
  /** Ends it, and what it started, at once. */
  kill(): void;
}

/**
 * Starts node. Its logs go to our stderr. It gets a process group of its own, so that Ctrl-C in a
 * terminal reaches only us and things end in the right order; and a standard input that ends with us.
 */
export function startChild(spec: ChildSpec): Child {
  const process_ = spawn(process.execPath, spec.args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: spec.env,
    detached: true,
  });
  // It may be gone while its standard input is still open here.
  process_.stdin.on('error', () => {});

  const ended = new Promise<ChildEnd>((resolve) => {
    process_.once('exit', (code, signal) => resolve({ code, signal }));
    process_.once('error', () => resolve({ code: null, signal: null }));
  });
  const ready = new Promise<Readonly<Record<string, unknown>>>((resolve, reject) => {
    const lines = createInterface({ input: process_.stdout });
    lines.once('line', (line) => {
      const value = parseObject(line);
      if (value === undefined) reject(new Error(`${spec.name} said ${JSON.stringify(line.slice(0, 200))}`));
      else resolve(value);
    });
    void ended.then((end) =>
      reject(new Error(`${spec.name} ended before it was ready (${describeEnd(end)})`)),
    );
  });
  // Not everyone who starts a child waits until it is ready.
  ready.catch(() => {});

  function kill(): void {
    // Once it has ended, its number may belong to somebody else.
    if (process_.pid === undefined || process_.exitCode !== null || process_.signalCode !== null) return;
    try {
      process.kill(-process_.pid, 'SIGKILL');
    } catch {
      // The whole group is gone already.
    }
  }

  return {
    ready,
    ended,
    kill,
    async stop(graceMs, signal = 'SIGTERM') {
      process_.kill(signal);
      const timer = setTimeout(kill, graceMs);
      const end = await ended;
      clearTimeout(timer);
      return end;
    },
  };
}

export function describeEnd(end: ChildEnd): string {
  if (end.signal !== null) return `signal ${end.signal}`;
  return end.code === null ? 'could not be started' : `exit code ${end.code}`;
}

function parseObject(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return value as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
