// Simulates whole clusters under faults, seed after seed, and checks every promise after every step.
//
// usage: npm run simulate -- [--seeds N] [--from S] [--minutes M] [--all] [--publish]
//        npm run simulate -- --seed S [--keep PARTS] [--trace]

import { parseArgs } from 'node:util';
import { helpIfAsked, misused } from '../support/command.ts';
import type { Violation } from './invariants/violation.ts';
import { publish } from './promises/publish.ts';
import { drawPlan, type Plan } from './scenario/plan.ts';
import { keepOnly, selectionOf } from './scenario/selection.ts';
import { runSeeds } from './seeds.ts';
import { shrink } from './shrink.ts';
import { type Outcome, simulate } from './simulate.ts';
import { type Tally, total } from './tally.ts';
import { traceLine } from './trace.ts';
import { createCoverage } from './world/coverage.ts';

const USAGE = `usage: npm run simulate -- [--seeds N] [--from S] [--minutes M] [--all] [--publish]
       npm run simulate -- --seed S [--keep PARTS] [--trace]
  --seeds N    how many seeds; 2000 where neither this nor --minutes is given
  --from S     the first of them; 1
  --minutes M  no seed is begun after that
  --all        goes on after a violation, and lists all
  --publish    writes docs/promises.md if there was no violation
  --seed S     this one alone
  --keep PARTS of its plan only these, as a violation names them
  --trace      everything that is seen of it, a line each`;
const DEFAULT_SEEDS = 2_000;
const LEAST_MINUTES = 0.01;

/** What goes with --seed, and what does not. */
const OF_ONE = ['keep', 'trace'];
const OF_MANY = ['seeds', 'from', 'minutes', 'all', 'publish'];

const say = (line: string) => process.stdout.write(`${line}\n`);

function fail(problem: unknown): never {
  return misused(problem, USAGE);
}

function orMisused<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    return fail(error);
  }
}

function readArguments() {
  const string = { type: 'string' } as const;
  const boolean = { type: 'boolean' } as const;
  const { values } = parseArgs({
    options: {
      seeds: string,
      from: string,
      minutes: string,
      seed: string,
      keep: string,
      all: boolean,
      publish: boolean,
      trace: boolean,
    },
  });
  const number = (name: 'seeds' | 'from' | 'minutes' | 'seed', least: number): number | undefined => {
    const text = values[name];
    if (text === undefined) return undefined;
    const value = Number(text);
    const isWhole = name === 'minutes' || Number.isSafeInteger(value);
    const what = name === 'minutes' ? 'number' : 'whole number';
    if (text !== '' && isWhole && value >= least) return value;
    return fail(`--${name}: "${text}" is no ${what} from ${least}`);
  };
  refuseWhatDoesNotFit(values);
  return {
    seeds: number('seeds', 1),
    from: number('from', 0) ?? 1,
    minutes: number('minutes', LEAST_MINUTES),
    seed: number('seed', 0),
    keep: values.keep,
    all: values.all ?? false,
    publish: values.publish ?? false,
    trace: values.trace ?? false,
  };
}

/** What would be passed over without a word. */
function refuseWhatDoesNotFit(values: Readonly<Record<string, unknown>>): void {
  const isOne = values['seed'] !== undefined;
  const odd = (isOne ? OF_MANY : OF_ONE).find((name) => values[name] !== undefined);
  if (odd !== undefined) fail(`--${odd} ${isOne ? 'does not go with' : 'asks for'} --seed`);
}

type Arguments = ReturnType<typeof readArguments>;

async function replay(seed: number, { keep, trace }: Arguments): Promise<boolean> {
  const plan = orMisused(() => (keep === undefined ? drawPlan(seed) : keepOnly(drawPlan(seed), keep)));
  const { violation, steps, virtualMs } = await simulate(plan, createCoverage(), (observation) => {
    if (trace) say(traceLine(observation));
  });
  say(
    `seed ${seed} with ${selectionOf(plan)}: ${steps} steps, ${Math.round(virtualMs / 1_000)} s of its time`,
  );
  say(violation?.message ?? 'every promise holds');
  return violation === undefined;
}

async function search({ seeds, from, minutes, all, ...given }: Arguments): Promise<boolean> {
  const startedAtMs = performance.now();
  const count = seeds ?? (minutes === undefined ? DEFAULT_SEEDS : undefined);
  const deadlineMs = minutes === undefined ? undefined : startedAtMs + minutes * 60_000;
  let saidAtMs = startedAtMs;
  const progress = (tally: Tally): void => {
    if (performance.now() - saidAtMs < 10_000) return;
    saidAtMs = performance.now();
    say(`${tally.seeds} seeds, ${perSecond(tally, startedAtMs)} a second`);
  };
  const { tally, broken } = await runSeeds({ from, count, deadlineMs, all, progress });
  describe(tally, startedAtMs);
  for (const { seed, message } of broken) say(`seed ${seed} broke ${message.split('\n')[0]}`);
  const [first] = broken;
  if (first === undefined) {
    say(`${tally.seeds} seeds without a violation`);
    if (given.publish) publish(from, tally);
    return true;
  }
  await explain(first.seed);
  return false;
}

function describe(tally: Tally, startedAtMs: number): void {
  const seconds = (performance.now() - startedAtMs) / 1_000;
  say(`${tally.seeds} seeds in ${seconds.toFixed(1)} s: ${perSecond(tally, startedAtMs)} a second`);
  say(`${tally.steps} steps, ${(tally.virtualMs / 3_600_000).toFixed(1)} hours of their time`);
  say(`${total(tally.events)} events; faults by kind, ${total(tally.faults)} in all:`);
  for (const [kind, count] of [...tally.faults].sort()) say(`  ${kind} ${count}`);
}

function perSecond(tally: Tally, startedAtMs: number): number {
  return Math.round(tally.seeds / ((performance.now() - startedAtMs) / 1_000));
}

/** The smallest reproduction, and how to see it. */
async function explain(seed: number): Promise<void> {
  const run = (plan: Plan): Promise<Outcome> => simulate(plan, createCoverage());
  const { violation } = await run(drawPlan(seed));
  if (violation === undefined) {
    say(`seed ${seed} does not break it again: that is a defect of the simulation`);
    return;
  }
  const { invariant }: Violation = violation;
  say(`looking for the smallest part of seed ${seed} that breaks ${invariant} ...`);
  const plan = await shrink(
    drawPlan(seed),
    async (less) => (await run(less)).violation?.invariant === invariant,
  );
  say(`smallest: ${(await run(plan)).violation?.message}`);
  say(`replay it: npm run simulate -- --seed ${seed} --keep ${selectionOf(plan)} --trace`);
}

helpIfAsked(USAGE);
const given = orMisused(readArguments);
const holds = given.seed === undefined ? await search(given) : await replay(given.seed, given);
process.exitCode = holds ? 0 : 1;
