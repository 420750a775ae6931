// Is the orchestrator still the same, whole, and no larger than it may be?

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { readUse } from '../support/proc.ts';
import type { Stack } from '../support/stack.ts';

export interface Watchdog {
  /** What nobody may make happen from outside: the process ended, or its log tells of a defect. */
  problem(): string | undefined;
  rssMiB(): number;
  peakRssMiB(): number;
  /** Connections that the process has open, and everything else that is a socket to it. */
  sockets(): number;
}

/** Of pino: error and fatal. */
const ERROR_LEVEL = 50;
const MIB = 1024 * 1024;

/** @param lines of the logs; more may come */
export function watchProcess(stack: Stack, lines: readonly string[]): Watchdog {
  const { pid, ended } = stack.orchestrator;
  let end: string | undefined;
  let read = 0;
  let told: string | undefined;
  let lastUse = readUse(pid);
  /** The latest while it lived. */
  const use = () => {
    if (end === undefined) {
      try {
        lastUse = readUse(pid);
      } catch {
        // It ends at this very moment.
      }
    }
    return lastUse;
  };
  void ended.then((how) => {
    end = `the orchestrator ended: ${JSON.stringify(how)}`;
  });
  return {
    problem() {
      for (; read < lines.length; read += 1) told ??= defectIn(lines[read] ?? '');
      if (end !== undefined) return `${end}; ${told ?? lines.slice(-5).join(' | ').slice(0, 2_000)}`;
      return told === undefined ? undefined : `the log tells of a defect: ${told}`;
    },
    rssMiB: () => Math.round(use().rssBytes / MIB),
    peakRssMiB: () => Math.round(use().peakRssBytes / MIB),
    sockets: () => socketsOf(pid),
  };
}

function defectIn(line: string): string | undefined {
  if (/unhandled|uncaught|UnhandledPromise|MaxListenersExceeded/i.test(line)) return line.slice(0, 2_000);
  if (!line.startsWith('{')) return undefined;
  try {
    const { level } = JSON.parse(line) as { level?: number };
    return level !== undefined && level >= ERROR_LEVEL ? line.slice(0, 2_000) : undefined;
  } catch {
    return undefined;
  }
}

function socketsOf(pid: number): number {
  readFileSync(`/proc/${pid}/stat`);
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:');
    } catch {
      // It was closed since the folder was read.
      return false;
    }
  }).length;
}
