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

/** Never rejects: that a command is missing, hangs or fails is an answer like any other. */
export function runCommand(
  command: string,
  args: readonly string[],
  options: { readonly env: Environment; readonly timeoutMs: number; readonly cwd?: string },
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
    child.on('error', (error) => resolve({ exitCode: undefined, stdout, stderr: error.message }));
    child.on('close', (code) => resolve({ exitCode: code ?? undefined, stdout, stderr }));
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
