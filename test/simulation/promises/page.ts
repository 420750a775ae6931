// docs/promises.md: what is promised, where it is kept, which invariants check it, and under what.

import { posix } from 'node:path';
import { type Place, PROMISES } from './promises.ts';

/** What the latest published run of the simulation came to, without a violation. */
export interface SeedsRun {
  readonly from: number;
  readonly seeds: number;
  readonly events: number;
  /** The ids of those that it checked. */
  readonly invariants: readonly string[];
  /** How often each kind struck. */
  readonly faults: Readonly<Record<string, number>>;
}

/** @param invariants id, such as `P1.2`, to what it says */
export function promisesPage(invariants: Readonly<Record<string, string>>, run: SeedsRun): string {
  const rows = PROMISES.map(
    ({ number, keptIn, testedIn }) =>
      `| ${number} | ${listed(keptIn)} | ${idsOf(invariants, `P${number}.`).join(', ')} | ${listed(testedIn)} |`,
  );
  const { seeds, from, events, faults } = run;
  const kinds = Object.keys(faults).sort();
  const later = idsOf(invariants, '').filter((id) => !run.invariants.includes(id));
  const but = later.length === 0 ? '' : ` (but ${later.join(', ')}, added since, and held by CI's seeds)`;
  return `# What Tutti promises

${PROMISES.map(({ number, text }) => `${number}. ${text}`).join('\n')}

## Where each is kept, and what checks it

| | kept in | invariants | tested by real parts in |
|---|---|---|---|
${rows.join('\n')}

## The invariants

Each is checked after every step of the [simulation](simulation.md), by a model that knows the contract and
nothing of the code. Each has a test that shows it can fail, but P8.0 and D.1 to D.4, which are about the cluster as
a whole: P8.0 and D.1 are those by which many a [planted bug](planted-bugs.md) is found.

| | |
|---|---|
${idsOf(invariants, '')
  .map((id) => `| ${id} | ${invariants[id]} |`)
  .join('\n')}

## Under what they were checked

All of them${but} under all of these, ${grouped(seeds)} seeds from ${from} on, ${grouped(events)} events, no violation:
\`npm run simulate -- --from ${from} --seeds ${seeds}\`.

| fault | how often it struck |
|---|---|
${kinds.map((kind) => `| ${kind.toLowerCase().replaceAll('_', ' ')} | ${grouped(faults[kind] ?? 0)} |`).join('\n')}

This page is written by \`npm run simulate -- --seeds ${seeds} --publish\`.
`;
}

function listed(places: readonly Place[]): string {
  return places.map(({ path, what }) => `[${posix.basename(path)}](../${path}): ${what}`).join('; ');
}

function idsOf(invariants: Readonly<Record<string, string>>, prefix: string): readonly string[] {
  const numbers = (id: string) => id.slice(1).split('.').map(Number);
  return Object.keys(invariants)
    .filter((id) => id.startsWith(prefix))
    .sort((a, b) => {
      const [major = 0, minor = 0] = numbers(a);
      const [otherMajor = 0, otherMinor = 0] = numbers(b);
      return b.charCodeAt(0) - a.charCodeAt(0) || major - otherMajor || minor - otherMinor;
    });
}

function grouped(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}
