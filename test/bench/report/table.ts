// What do people read? A table for each part, a row for each contestant; it is Markdown as well.

import type { Percentiles } from '../round/part.ts';
import { type PartSummary, partNames, type Row, type Spread } from './summary.ts';

export function table(rows: readonly Row[]): string {
  const parts = partNames(rows).map((name) => {
    const present = rows.flatMap((row) => {
      const part = row.parts.find((each) => each.name === name);
      return part === undefined ? [] : [{ row, part }];
    });
    const lines = present.map(({ row, part }) => [row.contestant, durabilityOf(row), ...figures(part)]);
    return `${name}\n\n${aligned([HEAD, ...lines])}`;
  });
  return [...parts, contestants(rows)].join('\n\n');
}

const HEAD = [
  'contestant',
  'durability',
  'tasks/s (min to max)',
  'runs/s',
  'to start, ms: p50 / p99 / p99.9',
  'to end, ms: p50 / p99 / p99.9',
  'CPU s / 1,000 tasks',
  'peak MB',
];

function figures(part: PartSummary): string[] {
  return [
    ofSpread(part.tasksPerSecond),
    String(part.runsPerSecond.median),
    ofPercentiles(part.startedMs),
    ofPercentiles(part.completedMs),
    ofRoles(part.cpuSecondsPer1000Tasks),
    ofRoles(part.peakMegabytes),
  ];
}

function ofSpread({ median, min, max }: Spread): string {
  return `${median} (${min} to ${max})`;
}

function ofPercentiles(value: Percentiles | undefined): string {
  return value === undefined ? '-' : `${value.p50} / ${value.p99} / ${value.p999}`;
}

/** `0.31 = orchestrator 0.2 + nats 0.05 + ...` */
function ofRoles(byRole: Readonly<Record<string, number>>): string {
  const { all, ...roles } = byRole;
  if (all === undefined) return '-';
  return `${all} = ${Object.entries(roles)
    .map(([role, value]) => `${role} ${value}`)
    .join(' + ')}`;
}

/** What was seen; what is claimed beside it, where that is something else or could not be checked. */
export function durabilityOf({ durability: { claimed, seen } }: Row): string {
  if (seen === undefined) return `${WORDS[claimed]} (not checked)`;
  return seen === claimed ? WORDS[seen] : `${WORDS[seen]} (claims: ${WORDS[claimed]})`;
}

const WORDS = { MEMORY: 'memory', PROCESS_KILL: 'process kill', FSYNC: 'fsync' } as const;

function contestants(rows: readonly Row[]): string {
  const head = ['contestant', 'version', 'settings', 'system calls', 'rounds', 'idle MB'];
  const lines = rows.map((row) => [
    row.contestant,
    row.version,
    row.settings,
    callsOf(row),
    row.failedRounds === 0 ? String(row.rounds) : `${row.rounds}, and ${row.failedRounds} failed`,
    ofRoles(row.idleMegabytes),
  ]);
  return `contestants\n\n${aligned([head, ...lines])}`;
}

function callsOf({ durability: { systemCalls } }: Row): string {
  if (systemCalls === undefined) return 'not counted';
  const { by, runs, syncs, fileWrites, writtenBytes } = systemCalls;
  const perRun = (count: number) => (count / runs).toFixed(2);
  if (syncs === undefined || fileWrites === undefined) {
    return `not counted (no strace); ${perRun(writtenBytes)} bytes written a run, by ${by}`;
  }
  return `${perRun(syncs)} fsyncs and ${perRun(fileWrites)} file writes a run, by ${by}`;
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  const lines = rows.map(
    (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`,
  );
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [lines[0], rule, ...lines.slice(1)].join('\n');
}
