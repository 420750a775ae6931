// Which seed found each planted bug last? Kept in found.json, and told in docs/planted-bugs.md.

import { readFileSync, writeFileSync } from 'node:fs';
import type { Mutation } from './mutation.ts';
import { MUTATIONS } from './mutations.ts';

export interface Found {
  readonly seed: number;
  readonly invariant: string;
}

const RECORD = new URL('./found.json', import.meta.url);
const PAGE = new URL('../../../docs/planted-bugs.md', import.meta.url);
const BEGIN = '<!-- begin: written by npm run planted -->';
const END = '<!-- end -->';

/** By the name of the mutation. */
export function readFound(): Readonly<Record<string, Found>> {
  return JSON.parse(readFileSync(RECORD, 'utf8')) as Record<string, Found>;
}

/** Those that are given take the place of what was recorded of them; what is no mutation any more goes. */
export function writeFound(given: Readonly<Record<string, Found>>): void {
  const before = readFound();
  const all: Record<string, Found> = {};
  for (const { name } of MUTATIONS) {
    const found = given[name] ?? before[name];
    if (found !== undefined) all[name] = { seed: found.seed, invariant: found.invariant };
  }
  writeFileSync(RECORD, `${JSON.stringify(all, undefined, 2)}\n`);
  writeFileSync(PAGE, pageWith(tableOf(all)));
}

export function readPage(): string {
  return readFileSync(PAGE, 'utf8');
}

/** The page as it should be, with this table. */
export function pageWith(table: string): string {
  const page = readPage();
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin)
    throw new Error(`docs/planted-bugs.md has no place for the table: ${BEGIN} … ${END}`);
  return `${page.slice(0, begin + BEGIN.length)}\n\n${table}\n\n${page.slice(end)}`;
}

export function tableOf(found: Readonly<Record<string, Found>>): string {
  const rows = MUTATIONS.map((mutation) => rowOf(mutation, found[mutation.name]));
  return [
    '| planted bug | promise | what then happens | seed | invariant |',
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

function rowOf({ name, file, promise, breaks }: Mutation, found: Found | undefined): string {
  const link = `[${name}](../services/orchestrator/src/${file})`;
  return `| ${link} | ${promise} | ${breaks} | ${found?.seed ?? 'none yet'} | ${found?.invariant ?? ''} |`;
}
