// Where does Celery come from? From a virtual environment in the cache, of what requirements.txt names, by hash.

import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

const REQUIREMENTS = fileURLToPath(new URL('requirements.txt', import.meta.url));

export function pythonOf(cache: string): string {
  return join(cache, 'venv', 'bin', 'python');
}

/** "Celery 5.7.0, Python 3.11.7". */
export async function celeryVersion(python: string): Promise<string> {
  const program =
    'import celery, platform; print(f"Celery {celery.__version__}, Python {platform.python_version()}")';
  return (await run(python, ['-c', program])).stdout.trim();
}

/** @returns why there is none */
export async function preparePython(cache: string, say: (line: string) => void): Promise<string | undefined> {
  const folder = join(cache, 'venv');
  const note = join(folder, 'installed.txt');
  const wanted = await readFile(REQUIREMENTS, 'utf8');
  if ((await readFile(note, 'utf8').catch(() => undefined)) === wanted) return undefined;
  say('celery: pip installs it into a virtual environment in the cache');
  await rm(folder, { recursive: true, force: true });
  try {
    await run('python3', ['-m', 'venv', folder]);
  } catch (error) {
    return `no python3 that makes virtual environments (${lastLine(error)})`;
  }
  try {
    const options = ['--quiet', '--require-hashes', '--only-binary', ':all:', '--disable-pip-version-check'];
    await run(pythonOf(cache), ['-m', 'pip', 'install', ...options, '-r', REQUIREMENTS]);
  } catch (error) {
    return `pip could not install it (${lastLine(error)})`;
  }
  // Last: what was cut off is begun anew.
  await writeFile(note, wanted);
  return undefined;
}

function lastLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.trimEnd().split('\n').at(-1) ?? '';
}
