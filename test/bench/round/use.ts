// What do the processes of a contestant use, by role? Linux only: read from /proc.

import { readFileSync, writeFileSync } from 'node:fs';
import { listDescendants, type ProcessUse, readUse } from '../../support/proc.ts';
import type { ProcessOf } from '../peers/peer.ts';

/** All that count, those that descend from others included, and the submitter, which is this process. */
export function allProcesses(
  processes: readonly ProcessOf[],
): { readonly role: string; readonly pid: number }[] {
  const all = processes.flatMap(({ role, pid, descendants }) => [
    { role, pid },
    ...(descendants === true ? listDescendants(pid).map((each) => ({ role, pid: each })) : []),
  ]);
  return [...all, { role: 'load', pid: process.pid }];
}

/** Also of processes that have ended meanwhile, where one of the contestant's was their parent. */
export function cpuSeconds(processes: readonly ProcessOf[]): Record<string, number> {
  const byRole: Record<string, number> = {};
  const roots = new Set(processes.filter((each) => each.descendants).map((each) => each.pid));
  for (const { role, pid } of allProcesses(processes)) {
    const use = readUseIfAlive(pid);
    if (use === undefined) continue;
    // Waited-for children of the submitter are its tools, not its work.
    const seconds = use.cpuSeconds + (roots.has(pid) ? use.endedChildrenCpuSeconds : 0);
    byRole[role] = (byRole[role] ?? 0) + seconds;
  }
  return byRole;
}

/**
 * The most memory since `forgetPeaks`: what processes of one role share (program text, shared buffers) once, the
 * rest added up.
 */
export function peakMegabytes(processes: readonly ProcessOf[]): Record<string, number> {
  return memory(processes, (use) => use.peakRssBytes);
}

export function presentMegabytes(processes: readonly ProcessOf[]): Record<string, number> {
  return memory(processes, (use) => use.rssBytes);
}

function memory(processes: readonly ProcessOf[], of: (use: ProcessUse) => number): Record<string, number> {
  const byRole = new Map<string, { own: number; shared: number }>();
  for (const { role, pid } of allProcesses(processes)) {
    const use = readUseIfAlive(pid);
    if (use === undefined) continue;
    const entry = byRole.get(role) ?? { own: 0, shared: 0 };
    const shared = Math.min(use.sharedRssBytes, of(use));
    byRole.set(role, { own: entry.own + of(use) - shared, shared: Math.max(entry.shared, shared) });
  }
  return Object.fromEntries(
    [...byRole].map(([role, { own, shared }]) => [role, Math.round((own + shared) / 100_000) / 10]),
  );
}

function readUseIfAlive(pid: number): ProcessUse | undefined {
  try {
    return readUse(pid);
  } catch {
    // It has ended since it was listed.
    return undefined;
  }
}

/** So that a peak is that of the part, not of what went before. */
export function forgetPeaks(processes: readonly ProcessOf[]): void {
  for (const { pid } of allProcesses(processes)) {
    try {
      writeFileSync(`/proc/${pid}/clear_refs`, '5');
    } catch {
      // Not ours, or an old kernel: the peak is then that since its start, which is no less.
    }
  }
}

/** Bytes that it caused to be written to disks. */
export function writtenBytes(pid: number): number {
  return Number(/^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1] ?? 0);
}
