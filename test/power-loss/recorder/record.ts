// Runs the workload under the recorder, on a folder of its own, and says what it did.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Alteration } from '../workload/altered.ts';
import { scratchFolder } from './scratch.ts';
import { type Call, readTrace } from './trace.ts';

const altered = join(import.meta.dirname, '../workload/altered.ts');
const writer = join(import.meta.dirname, '../workload/writer.ts');
/** The same files are loaded thousands of times. */
const compileCache = join(import.meta.dirname, '../../../.cache/power-loss/compiled');
/** Far above what the longest workload takes. */
const TIMEOUT_MS = 120_000;

export interface RecordOptions {
  readonly recorder: string;
  /** Steps of every lane, for each time that the store is opened. */
  readonly phases: readonly number[];
  /** As recorder.c has it. */
  readonly fault?: string;
  /** As shipped, without. */
  readonly alteration?: Alteration;
}

/** The calls of a process to the files below a folder. */
export interface Trace {
  readonly root: string;
  readonly calls: readonly Call[];
}

export interface Recording extends Trace, Disposable {
  /** The data folder, below the root. */
  readonly folder: string;
  /** What readRecorded() reads. */
  readonly log: Buffer;
  readonly output: string;
  readonly exit: number | NodeJS.Signals;
}

/** The data folder's path below the root: of two names that are to be durable. */
export const DATA_FOLDER = join('state', 'tutti');

export async function record(options: RecordOptions): Promise<Recording> {
  const home = mkdtempSync(join(scratchFolder(), 'tutti-power-'));
  const root = join(home, 'root');
  mkdirSync(root);
  const folder = join(root, DATA_FOLDER);
  const [log, notes] = [join(home, 'log'), join(home, 'notes')];
  const preload = options.alteration === undefined ? [] : ['--import', altered];
  const args = ['--disable-warning=ExperimentalWarning', ...preload, writer, folder, notes];
  const child = spawn(process.execPath, [...args, ...options.phases.map(String)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
    killSignal: 'SIGTERM',
    env: {
      ...process.env,
      LD_PRELOAD: options.recorder,
      RECORD_ROOT: root,
      RECORD_LOG: log,
      RECORD_NOTES: notes,
      NODE_COMPILE_CACHE: compileCache,
      ...(options.fault === undefined ? {} : { RECORD_FAULT: options.fault }),
      ...(options.alteration === undefined ? {} : { STORE_ALTERED: options.alteration }),
    },
  });
  const output: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
  const exit = await new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? signal ?? 1));
  });
  const recorded = existsSync(log) ? readFileSync(log) : Buffer.alloc(0);
  return {
    root,
    folder,
    log: recorded,
    calls: readTrace(recorded),
    output: Buffer.concat(output).toString(),
    exit,
    [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }),
  };
}

/** The log of an earlier recording, whose folder may be gone. */
export function readRecorded(log: Buffer): Trace {
  const calls = readTrace(log);
  const [first] = calls;
  if (first?.type !== 'MKDIR')
    throw new Error('this is not the log of a recording: it does not begin with MKDIR');
  return { root: dirname(first.path), calls };
}
