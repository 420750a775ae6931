// How does a command end that is run for its outcome?

import { type SpawnOptions, spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface CommandResult {
  /** Undefined if the command could not be started, or was ended by a signal or by the time limit. */
  readonly exitCode: number | undefined;
  /** At most the last 16 KiB of each. */
  readonly stdout: string;
  readonly stderr: string;
}

const OUTPUT_LIMIT_CHARACTERS = 16_384;
/** For what has to be cleaned up by a command that is not wanted any more. */
const ABORT_GRACE_MS = 2_000;

export interface CommandOptions {
  readonly env: Environment;
  readonly timeoutMs: number;
  readonly cwd?: string;
  /** Interrupts the command, as Ctrl-C would, and kills it if it does not end for that. */
  readonly signal?: AbortSignal | undefined;
}

/** Never rejects: that a command is missing, hangs or fails is an answer like any other. */
export function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const spawnOptions: SpawnOptions = {
      env: { ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.timeoutMs,
      killSignal: 'SIGKILL',
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    };
    const child = spawn(command, args, spawnOptions);
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout = (stdout + text).slice(-OUTPUT_LIMIT_CHARACTERS);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-OUTPUT_LIMIT_CHARACTERS);
    });
    const { signal } = options;
    let killing: NodeJS.Timeout | undefined;
    const interrupt = () => {
      child.kill('SIGINT');
      killing = setTimeout(() => child.kill('SIGKILL'), ABORT_GRACE_MS);
      // What it started itself may hold its output open; nobody wants that any more.
      child.once('exit', () => finish(undefined, stderr));
    };
    const finish = (exitCode: number | undefined, told: string) => {
      clearTimeout(killing);
      signal?.removeEventListener('abort', interrupt);
      resolve({ exitCode, stdout, stderr: told });
    };
    child.on('error', (error) => finish(undefined, error.message));
    child.on('close', (code) => finish(code ?? undefined, stderr));
    if (signal?.aborted) interrupt();
    else signal?.addEventListener('abort', interrupt, { once: true });
  });
}

/** The first executable file of this name on the PATH of `env`. */
export function findOnPath(name: string, env: Environment): string | undefined {
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    if (folder === '') continue;
    const candidate = join(folder, name);
    if (isExecutable(candidate)) return candidate;
  }
  return undefined;
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
