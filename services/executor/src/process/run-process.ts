// How does a program run to its end, within limits, with nothing of it left behind?

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

export interface ProcessRequest {
  /** Absolute path. */
  readonly program: string;
  readonly args: readonly string[];
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly stdin: string;
  /** For stdout and stderr together. */
  readonly maxOutputBytes: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** How long the program has between SIGTERM and SIGKILL once the signal is aborted. */
  readonly graceMs: () => number;
}

export type ProcessOutcome =
  | { readonly type: 'Exited'; readonly exitCode: number; readonly stdout: string; readonly stderr: string }
  | { readonly type: 'Killed'; readonly by: string; readonly stdout: string; readonly stderr: string }
  | { readonly type: 'NotStarted'; readonly message: string }
  | { readonly type: 'TimedOut' }
  | { readonly type: 'TooMuchOutput' }
  | { readonly type: 'Aborted' };

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/**
 * Never rejects. When it resolves, the program and all that it started in its group are gone, and nothing
 * is read any more from what left the group.
 */
export async function runProcess(request: ProcessRequest): Promise<ProcessOutcome> {
  if (request.signal.aborted) return { type: 'Aborted' };
  const child: Child = spawn(request.program, request.args, {
    cwd: request.folder,
    env: { ...request.environment },
    shell: false,
    // Leader of a new group, so that all of it can be ended.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let cutShort: ProcessOutcome | undefined;
  let forceTimer: NodeJS.Timeout | undefined;

  function end(outcome: ProcessOutcome, graceMs: number): void {
    if (cutShort !== undefined) return;
    cutShort = outcome;
    signalGroup(child, graceMs > 0 ? 'SIGTERM' : 'SIGKILL');
    if (graceMs > 0) forceTimer = setTimeout(() => signalGroup(child, 'SIGKILL'), graceMs);
  }

  const onAbort = (): void => end({ type: 'Aborted' }, request.graceMs());
  request.signal.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => end({ type: 'TimedOut' }, 0), request.timeoutMs);
  const output = collect(child, request.maxOutputBytes, () => end({ type: 'TooMuchOutput' }, 0));
  // A program need not read what it is given.
  child.stdin.on('error', () => {});
  child.stdin.end(request.stdin);

  try {
    // Once it has ended it is not too late any more, however long its pipes stay open.
    const ended = await ending(child, () => clearTimeout(timer));
    if (cutShort !== undefined) return cutShort;
    if (ended.type === 'NotStarted') return ended;
    const { stdout, stderr } = output();
    return ended.type === 'Exited' ? { ...ended, stdout, stderr } : { ...ended, stdout, stderr };
  } finally {
    clearTimeout(timer);
    clearTimeout(forceTimer);
    request.signal.removeEventListener('abort', onAbort);
  }
}

/** How long after the end of a program its pipes may stay open. */
const PIPES_MS = 200;

type Ending =
  | { readonly type: 'NotStarted'; readonly message: string }
  | { readonly type: 'Exited'; readonly exitCode: number }
  | { readonly type: 'Killed'; readonly by: string };

function ending(child: Child, onExit: () => void): Promise<Ending> {
  const { promise, resolve } = Promise.withResolvers<Ending>();
  let pipesTimer: NodeJS.Timeout | undefined;
  child.once('error', (error) => resolve({ type: 'NotStarted', message: error.message }));
  // Others may still hold its pipes, and would keep 'close' away for as long as they like: those of its
  // group are ended, those that left it are not waited for.
  child.once('exit', () => {
    onExit();
    signalGroup(child, 'SIGKILL');
    pipesTimer = setTimeout(() => setImmediate(closePipes, child), PIPES_MS);
  });
  child.once('close', (code, signal) => {
    clearTimeout(pipesTimer);
    resolve(
      code === null ? { type: 'Killed', by: signal ?? 'a signal' } : { type: 'Exited', exitCode: code },
    );
  });
  return promise;
}

/** After a turn of the event loop, in which all was read that the program itself had written. */
function closePipes(child: Child): void {
  child.stdout.destroy();
  child.stderr.destroy();
  child.stdin.destroy();
}

function signalGroup(child: Child, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // Nobody is left in the group.
  }
}

function collect(
  child: Child,
  maxBytes: number,
  onTooMuch: () => void,
): () => { readonly stdout: string; readonly stderr: string } {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  let total = 0;
  const into = (pieces: Buffer[]) => (piece: Buffer) => {
    total += piece.byteLength;
    if (total > maxBytes) return onTooMuch();
    pieces.push(piece);
  };
  child.stdout.on('data', into(stdout));
  child.stderr.on('data', into(stderr));
  return () => ({ stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() });
}
