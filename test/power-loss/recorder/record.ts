// Runs the workload under the recorder, on a folder of its own, and says what it did.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeFiles } from '../disk/images.ts';
import { type Lost, layDown } from '../disk/lost.ts';
import type { Alteration } from '../workload/altered.ts';
import { makeScratch, removeScratch } from './scratch.ts';
import { type Call, readTrace } from './trace.ts';

const altered = join(import.meta.dirname, '../workload/altered.ts');
const writer = join(import.meta.dirname, '../workload/writer.ts');
/** The same files are loaded thousands of times. */
const compileCache = join(import.meta.dirname, '../../../.cache/power-loss/compiled');
/** Far above what the longest workload takes. */
const TIMEOUT_MS = 120_000;

export interface RecordOptions {
  readonly recorder: string;
  /** One after the other, on the same folder. */
  readonly processes: readonly ProcessOptions[];
  /** As shipped, without. */
  readonly alteration?: Alteration;
  /** What the first one finds; nothing, without. */
  readonly found?: Lost;
}

export interface ProcessOptions {
  /** Steps of every lane, for each time that the store is opened. */
  readonly phases: readonly number[];
  /** As recorder.c has it. */
  readonly fault?: string;
}

/** The calls of a process to the files below a folder. */
export interface Trace {
  readonly root: string;
  readonly calls: readonly Call[];
}

export interface Recording extends Trace, Disposable {
  /** The data folder, below the root. */
  readonly folder: string;
  /** Of all of them. */
  readonly output: string;
  /** How the last one ended. */
  readonly exit: number | NodeJS.Signals;
}

/** The data folder's path below the root: of two names that are to be durable. */
export const DATA_FOLDER = join('state', 'tutti');

export async function record(options: RecordOptions): Promise<Recording> {
  const home = makeScratch();
  const root = join(home, 'root');
  mkdirSync(root);
  const folder = join(root, DATA_FOLDER);
  const [log, notes] = [join(home, 'log'), join(home, 'notes')];
  if (options.found !== undefined) writeFiles(root, options.found.files, (size) => Buffer.alloc(size, 1));
  const env = {
    LD_PRELOAD: options.recorder,
    RECORD_ROOT: root,
    RECORD_LOG: log,
    RECORD_NOTES: notes,
    NODE_COMPILE_CACHE: compileCache,
    ...(options.alteration && { STORE_ALTERED: options.alteration }),
  };
  const preload = options.alteration === undefined ? [] : ['--import', altered];
  const args = ['--disable-warning=ExperimentalWarning', ...preload, writer, folder, notes];
  let output = '';
  let exit: number | NodeJS.Signals = 0;
  for (const { phases, fault } of options.processes) {
    const own = { ...process.env, ...env, ...(fault && { RECORD_FAULT: fault }) };
    const ended = await run([...args, ...phases.map(String)], own);
    output += ended.output;
    exit = ended.exit;
  }
  const recorded = existsSync(log) ? readFileSync(log) : Buffer.alloc(0);
  const before = options.found === undefined ? [] : layDown(root, options.found);
  const calls = [...before, ...readTrace(recorded)];
  return { root, folder, calls, output, exit, [Symbol.dispose]: () => removeScratch(home) };
}

async function run(args: readonly string[], env: NodeJS.ProcessEnv) {
  const stdio = ['ignore', 'pipe', 'pipe'] as const;
  const child = spawn(process.execPath, args, { stdio: [...stdio], timeout: TIMEOUT_MS, env });
  const output: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => output.push(chunk));
  const exit = await new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? signal ?? 1));
  });
  return { exit, output: Buffer.concat(output).toString() };
}

/** The log of an earlier recording, whose folder may be gone. */
export function readRecorded(log: Buffer): Trace {
  const calls = readTrace(log);
  const first = calls.find((call) => call.type === 'MKDIR');
  if (first === undefined)
    throw new Error('this is not the log of a recording: nothing in it makes a folder');
  return { root: dirname(first.path), calls };
}
