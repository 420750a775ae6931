// One program of Tutti as a child process: when is it ready, how is it ended, and what did it say?

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface ProgramSpec {
  /** What messages call it. */
  readonly name: string;
  /** Absolute, or relative to the repository. */
  readonly program: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Told of every line it writes to stderr. */
  readonly log?: (line: string) => void;
}

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ServiceProcess {
  readonly name: string;
  readonly pid: number;
  /** The JSON object on its first line of stdout. Rejects if it ends before. */
  readonly ready: Promise<Readonly<Record<string, unknown>>>;
  readonly ended: Promise<ProcessEnd>;
  /** At once; by default with SIGKILL. Resolves when it is gone. */
  kill(signal?: NodeJS.Signals): Promise<ProcessEnd>;
  /** Asks it to end with SIGTERM; kills it, and rejects, if it has not within the grace. */
  stop(graceMs?: number): Promise<ProcessEnd>;
  /** The latest lines of its stderr. */
  lastLines(): readonly string[];
}

const READY_TIMEOUT_MS = 60_000;
const STOP_GRACE_MS = 20_000;
const KEPT_LINES = 100;

const ROOT = new URL('../../', import.meta.url);

/** The program must know `--exit-with-parent`: it then ends with this process, however this one ends. */
export function startProcess(spec: ProgramSpec): ServiceProcess {
  const program = fileURLToPath(new URL(spec.program, ROOT));
  const args = [program, ...(spec.args ?? []), '--exit-with-parent'];
  const child = spawn(process.execPath, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...spec.env },
  });
  child.stdin.on('error', () => {});
  const lines: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(line);
    if (lines.length > KEPT_LINES) lines.shift();
    spec.log?.(line);
  });
  const ended = new Promise<ProcessEnd>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: null, signal: null }));
  });
  const stdout = createInterface({ input: child.stdout });
  const ready = new Promise<Readonly<Record<string, unknown>>>((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`${spec.name} ${why}\n${lines.slice(-20).join('\n')}`));
    const timer = setTimeout(() => fail(`was not ready within ${READY_TIMEOUT_MS} ms`), READY_TIMEOUT_MS);
    stdout.once('line', (line) => {
      clearTimeout(timer);
      const value = parseObject(line);
      if (value === undefined) fail(`said ${JSON.stringify(line.slice(0, 200))} in place of a JSON object`);
      else resolve(value);
    });
    void ended.then((end) => {
      clearTimeout(timer);
      fail(`ended before it was ready: ${JSON.stringify(end)}`);
    });
  });
  ready.catch(() => {});

  return {
    name: spec.name,
    pid: child.pid ?? -1,
    ready,
    ended,
    lastLines: () => lines,
    kill(signal = 'SIGKILL') {
      child.kill(signal);
      return ended;
    },
    async stop(graceMs = STOP_GRACE_MS) {
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        child.kill('SIGKILL');
      }, graceMs);
      child.kill('SIGTERM');
      const end = await ended;
      clearTimeout(timer);
      if (!late) return end;
      throw new Error(
        `${spec.name} did not end within ${graceMs} ms of SIGTERM\n${lines.slice(-20).join('\n')}`,
      );
    },
  };
}

function parseObject(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
