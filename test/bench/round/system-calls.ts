// Is what a contestant acknowledges as durable as it says? Its system calls during runs that are submitted one
// after the other tell: one fsync at least for each run, or one write at least to a file, or neither.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import type { Durability, ProcessOf } from '../peers/peer.ts';
import { allProcesses, writtenBytes } from './use.ts';

export interface SystemCalls {
  /** What counted them; without strace there is only what /proc/PID/io knows. */
  readonly by: 'strace' | '/proc';
  readonly runs: number;
  /** fsync, fdatasync, sync_file_range, msync; undefined: nothing could count them. */
  readonly syncs: number | undefined;
  /** To files; sockets, pipes and terminals are not. */
  readonly fileWrites: number | undefined;
  readonly writtenBytes: number;
  /** What they prove; undefined: nothing. */
  readonly seen: Durability | undefined;
}

const SYNCS = ['fsync', 'fdatasync', 'sync_file_range', 'msync'];
const WRITES = ['write', 'pwrite64', 'writev', 'pwritev', 'pwritev2'];
const ATTACH_TIMEOUT_MS = 10_000;

/** @param work so many runs, one after the other */
export async function countSystemCalls(
  processes: readonly ProcessOf[],
  folder: string,
  runs: number,
  work: () => Promise<void>,
): Promise<SystemCalls> {
  const pids = allProcesses(processes)
    .filter(({ role }) => role !== 'load')
    .map(({ pid }) => pid);
  const written = () => pids.reduce((sum, pid) => sum + writtenBytes(pid), 0);
  const writtenBefore = written();
  const logFile = `${folder}/system-calls.log`;
  const tracer = await attach(pids, logFile);
  await work();
  const writtenSince = written() - writtenBefore;
  if (tracer === undefined) {
    const none = { syncs: undefined, fileWrites: undefined, seen: undefined };
    return { by: '/proc', runs, writtenBytes: writtenSince, ...none };
  }
  await tracer.detach();
  const { syncs, fileWrites } = countIn(readFileSync(logFile, 'utf8'));
  const seen: Durability = syncs >= runs ? 'FSYNC' : fileWrites >= runs ? 'PROCESS_KILL' : 'MEMORY';
  return { by: 'strace', runs, syncs, fileWrites, writtenBytes: writtenSince, seen };
}

/** Undefined where there is no strace, or where it may not look. */
async function attach(
  pids: readonly number[],
  logFile: string,
): Promise<{ detach(): Promise<void> } | undefined> {
  const trace = `trace=${[...SYNCS, ...WRITES].join(',')}`;
  const args = [
    '-f',
    '-y',
    '-s',
    '0',
    '-e',
    trace,
    '-o',
    logFile,
    ...pids.flatMap((pid) => ['-p', String(pid)]),
  ];
  const strace = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let isGone = false;
  const gone = Promise.race([once(strace, 'exit'), once(strace, 'error')]).then(
    () => {
      isGone = true;
    },
    () => {
      isGone = true;
    },
  );
  createInterface({ input: strace.stderr }).on('line', () => {});
  const deadlineMs = performance.now() + ATTACH_TIMEOUT_MS;
  while (!pids.every(isTraced)) {
    if (isGone) return undefined;
    if (performance.now() > deadlineMs) {
      strace.kill('SIGINT');
      await gone;
      return undefined;
    }
    await pause(20);
  }
  return {
    async detach() {
      strace.kill('SIGINT');
      await gone;
    },
  };
}

/** A process that has ended meanwhile needs no tracing. */
function isTraced(pid: number): boolean {
  const path = `/proc/${pid}/status`;
  return !existsSync(path) || !/^TracerPid:\t0$/m.test(readFileSync(path, 'utf8'));
}

/** Of lines such as `123 fdatasync(14</tmp/data/wal>) = 0`; a call that another thread interrupted has two lines. */
function countIn(log: string): { syncs: number; fileWrites: number } {
  let syncs = 0;
  let fileWrites = 0;
  for (const line of log.split('\n')) {
    const call = /^\d+\s+(\w+)\(/.exec(line)?.[1];
    if (call === undefined) continue;
    if (SYNCS.includes(call)) syncs += 1;
    else if (/^\d+\s+\w+\(\d+<\/(?!dev\/|proc\/)/.test(line)) fileWrites += 1;
  }
  return { syncs, fileWrites };
}
