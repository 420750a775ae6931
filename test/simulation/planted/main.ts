// Plants bugs in the code as shipped, one at a time, and looks for a seed of the simulation that finds each.
//
// usage: npm run planted -- [--missed] [--only NAME] [--seeds N] [--jobs N]

import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { helpIfAsked, misused } from '../../support/command.ts';
import { readFound, writeFound } from './found.ts';
import type { Mutation } from './mutation.ts';
import { MUTATIONS } from './mutations.ts';
import { inParallel, isStillFound, searchFor } from './search.ts';
import type { Finding } from './search.worker.ts';

const USAGE = `usage: npm run planted -- [--missed] [--only NAME] [--seeds N] [--jobs N] [--verbose]
  --missed     those that their recorded seed does not find any more
  --only NAME  those whose name begins so; all
  --seeds N    each is looked for in so many, from 1 on; 10000
  --jobs N     so many bugs at a time; one for each core
  --verbose    what is broken, in full`;
const DEFAULT_SEEDS = 10_000;

const say = (line: string) => process.stdout.write(`${line}\n`);

function fail(problem: unknown): never {
  return misused(problem, USAGE);
}

function readArguments() {
  const string = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const options = { missed: flag, only: string, seeds: string, jobs: string, verbose: flag } as const;
  const { values } = (() => {
    try {
      return parseArgs({ options });
    } catch (error) {
      return fail(error);
    }
  })();
  const number = (name: 'seeds' | 'jobs', fallback: number): number => {
    const text = values[name];
    if (text === undefined) return fallback;
    const value = Number(text);
    return Number.isInteger(value) && value >= 1
      ? value
      : fail(`--${name}: "${text}" is no whole number from 1`);
  };
  const { only = '' } = values;
  const mutations = MUTATIONS.filter(({ name }) => name.startsWith(only));
  if (mutations.length === 0) {
    fail(
      `--only: no planted bug is named "${only}…"; there are: ${MUTATIONS.map(({ name }) => name).join(', ')}`,
    );
  }
  return {
    mutations,
    missed: values.missed ?? false,
    seeds: number('seeds', DEFAULT_SEEDS),
    jobs: number('jobs', availableParallelism()),
    verbose: values.verbose ?? false,
  };
}

interface Looked {
  readonly finding: Finding;
  readonly seconds: number;
}

async function lookFor(mutation: Mutation, seeds: number): Promise<Looked> {
  const startedAtMs = performance.now();
  const searching = searchFor(mutation);
  try {
    const finding = await searching.find({ from: 1, count: seeds });
    return { finding, seconds: (performance.now() - startedAtMs) / 1_000 };
  } finally {
    await searching.end();
  }
}

async function missedOf(all: readonly Mutation[], jobs: number): Promise<readonly Mutation[]> {
  const found = readFound();
  const finds = await inParallel(all, jobs, (mutation) => isStillFound(mutation, found[mutation.name]));
  const missed = all.filter((_, index) => !finds[index]);
  say(`${all.length - missed.length} of ${all.length} planted bugs are found by their recorded seeds`);
  return missed;
}

function rowOf({ name, promise }: Mutation, { finding, seconds }: Looked, width: number): string {
  const found = finding === undefined ? 'not found' : `seed ${finding.seed}`;
  const cells = [
    name.padEnd(width),
    `promise ${promise}`,
    found.padEnd(10),
    (finding?.invariant ?? '').padEnd(5),
  ];
  return `${cells.join('  ')}  ${seconds.toFixed(1)} s`;
}

helpIfAsked(USAGE);
const { missed, seeds, jobs, verbose, ...chosen } = readArguments();
const mutations = missed ? await missedOf(chosen.mutations, jobs) : chosen.mutations;
if (mutations.length === 0) process.exit(0);
const width = Math.max(...mutations.map(({ name }) => name.length));
const looked = await inParallel(mutations, jobs, async (mutation) => {
  const one = await lookFor(mutation, seeds);
  say(rowOf(mutation, one, width));
  // At once: who stops it keeps what it has found by then.
  if (one.finding !== undefined) writeFound({ [mutation.name]: one.finding });
  if (verbose && one.finding !== undefined) say(`    ${one.finding.message}`);
  return one;
});
const count = looked.filter(({ finding }) => finding !== undefined).length;
say(
  `${count} of ${mutations.length} planted bugs were found within ${seeds} seeds; the table is in docs/planted-bugs.md`,
);
process.exitCode = count === mutations.length ? 0 : 1;
