// What does the system say about a process? Linux only: read from /proc.

import { readdirSync, readFileSync } from 'node:fs';

/** Of /proc/PID/stat: USER_HZ, which is 100 on every platform that Linux runs Node on. */
const TICKS_PER_SECOND = 100;

export interface ProcessUse {
  /** User and system time since its start. */
  readonly cpuSeconds: number;
  /** The same of its children that have ended and that it has waited for. */
  readonly endedChildrenCpuSeconds: number;
  readonly rssBytes: number;
  /** The most it ever had. */
  readonly peakRssBytes: number;
  /** Of rssBytes: mapped files and shared memory, which other processes may have mapped too. */
  readonly sharedRssBytes: number;
}

export function readUse(pid: number): ProcessUse {
  const fields = statFields(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
  return {
    // Fields 14 and 15 of proc(5), counted from 1; the list here begins with field 3.
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    endedChildrenCpuSeconds: (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND,
    rssBytes: kilobytes('VmRSS') * 1_024,
    peakRssBytes: kilobytes('VmHWM') * 1_024,
    sharedRssBytes: (kilobytes('RssFile') + kilobytes('RssShmem')) * 1_024,
  };
}

/** The ids of all processes that descend from `pid`. */
export function listDescendants(pid: number): number[] {
  return descendants(pid).map(({ id }) => id);
}

/** The ids of the processes of this name that descend from `pid`. */
export function findDescendants(pid: number, name: string): number[] {
  return descendants(pid)
    .filter((descendant) => descendant.name === name)
    .map(({ id }) => id);
}

/** The ids of the processes that descend from `pid` and have this in their command line. */
export function findDescendantsByCommand(pid: number, part: string): number[] {
  return descendants(pid)
    .map(({ id }) => id)
    .filter((id) => {
      try {
        return readFileSync(`/proc/${id}/cmdline`, 'utf8').includes(part);
      } catch {
        // It has ended since the folder was read.
        return false;
      }
    });
}

interface Descendant {
  readonly id: number;
  readonly name: string;
}

function descendants(pid: number): Descendant[] {
  const parents = new Map<number, { readonly parent: number; readonly name: string }>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const command = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
      parents.set(Number(entry), { parent: Number(statFields(stat)[1]), name: command });
    } catch {
      // It has ended since the folder was read.
    }
  }
  const descends = (id: number): boolean => {
    // A chain of parents is short; the bound guards against ids that were used again meanwhile.
    for (let current = parents.get(id)?.parent, steps = 0; current !== undefined && steps < 64; steps += 1) {
      if (current === pid) return true;
      current = parents.get(current)?.parent;
    }
    return false;
  };
  return [...parents].filter(([id]) => descends(id)).map(([id, { name }]) => ({ id, name }));
}

/** From the state on, that is from field 3: the name in field 2 may contain anything. */
function statFields(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}
