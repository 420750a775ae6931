// Where is the recorder that processes are started with? It is compiled for this machine when it is needed.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';

const source = join(import.meta.dirname, 'recorder.c');
const cache = join(import.meta.dirname, '../../../.cache/power-loss');
const compilers = ['cc', 'gcc', 'clang'];
const flags = ['-std=gnu11', '-O2', '-shared', '-fPIC', '-pthread'];

const INSTALL_TIMEOUT_MS = 180_000;

export type Recorder =
  | { readonly path: string }
  /** Why there is none, and what to do about it. */
  | { readonly missing: string };

/** @param mayInstall whether the system's package manager may be asked for a compiler, if it needs no password */
export function findRecorder(mayInstall: boolean): Recorder {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
    return { missing: `calls are recorded on 64-bit Linux only, and this is ${process.platform}` };
  }
  const text = readFileSync(source);
  const path = join(cache, `recorder-${createHash('sha256').update(text).digest('hex').slice(0, 16)}.so`);
  if (existsSync(path)) return { path };
  mkdirSync(cache, { recursive: true });
  const failure = compile(path);
  if (failure === undefined) return { path };
  // A compiler alone does not do: it may lack the C library's headers.
  if (!mayInstall || !installCompiler()) return { missing: failure };
  const again = compile(path);
  return again === undefined ? { path } : { missing: again };
}

/** Returns what went wrong. */
function compile(path: string): string | undefined {
  const compiler = findCompiler();
  if (compiler === undefined) {
    return `there is no C compiler (${compilers.join(', ')}): install gcc and the C library's headers`;
  }
  // Two that compile at once do not see each other's half.
  const unfinished = `${path}.${process.pid}`;
  const outcome = spawnSync(compiler, [...flags, '-o', unfinished, source], { encoding: 'utf8' });
  if (outcome.status !== 0) return `${compiler} cannot compile ${source}: ${outcome.stderr}`;
  renameSync(unfinished, path);
  return undefined;
}

function findCompiler(): string | undefined {
  return compilers.find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0);
}

/** Whether it did. Asks for no password: so nobody but root gets one. */
function installCompiler(): boolean {
  if (process.getuid?.() !== 0) return false;
  process.stderr.write('power-loss: nothing compiles here; asking apt-get for gcc and libc6-dev\n');
  const ask = (...args: readonly string[]) =>
    spawnSync('apt-get', args, { stdio: ['ignore', 2, 2], timeout: INSTALL_TIMEOUT_MS }).status === 0;
  const install = () => ask('install', '-y', '--no-install-recommends', 'gcc', 'libc6-dev');
  return install() || (ask('update') && install());
}
