// Kills, ends and stops the processes of a real stack under load, and says whether every promise held.
//
// usage: npm run chaos -- [--minutes M] [--cycles N] [--seed S] [--lease-duration-ms L] [--keep]
//
// Each cycle goes to stderr as it happens, the summary to stdout. Exit code 1: something did not hold.

import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { helpIfAsked, misused } from '../support/command.ts';
import { type ChaosOptions, runChaos } from './chaos.ts';
import { summarise } from './summary.ts';

const USAGE = `usage: npm run chaos -- [--minutes M] [--cycles N] [--seed S] [--lease-duration-ms L] [--keep]
  --minutes M            for so long; 5, unless --cycles is given
  --cycles N             so many faults; with both, whichever comes first
  --seed S               which faults, and which load; any
  --lease-duration-ms L  how long an executor may be silent; 15000
  --keep                 leaves its folder`;
const DEFAULT_MINUTES = 5;
const CLIENTS = 24;

function usage(problem: unknown): never {
  return misused(problem, USAGE);
}

function readArguments(): Pick<ChaosOptions, 'seed' | 'minutes' | 'cycles' | 'leaseMs' | 'keep'> {
  const text = { type: 'string' } as const;
  const { values } = (() => {
    try {
      return parseArgs({
        options: {
          minutes: text,
          cycles: text,
          seed: text,
          'lease-duration-ms': text,
          keep: { type: 'boolean' },
        },
      });
    } catch (error) {
      return usage(error);
    }
  })();
  const number = (
    name: 'minutes' | 'cycles' | 'seed' | 'lease-duration-ms',
    least: number,
    whole: boolean,
  ) => {
    const given = values[name];
    if (given === undefined) return undefined;
    const value = Number(given);
    if (given !== '' && value >= least && (!whole || Number.isSafeInteger(value))) return value;
    return usage(`--${name}: "${given}" is no ${whole ? 'whole ' : ''}number from ${least}`);
  };
  const cycles = number('cycles', 1, true);
  const minutes = number('minutes', 0.01, false);
  return {
    cycles: cycles ?? Number.POSITIVE_INFINITY,
    minutes: minutes ?? (cycles === undefined ? DEFAULT_MINUTES : Number.POSITIVE_INFINITY),
    seed: number('seed', 0, true) ?? Math.floor(Math.random() * 1_000_000),
    leaseMs: number('lease-duration-ms', 300, true) ?? 15_000,
    keep: values.keep ?? false,
  };
}

helpIfAsked(USAGE);
const chosen = readArguments();
const over = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  // Ctrl-C in a terminal reaches every process at once; they end, and this one clears up after them.
  process.on(name, () => over.abort(new Error(`interrupted by ${name}`)));
}
const say = (line: string) => process.stderr.write(`${line}\n`);
const startedAtMs = Date.now();
say(
  `chaos: seed ${chosen.seed}, lease of ${chosen.leaseMs} ms; orchestrator, nats-server and executors start`,
);
try {
  const outcome = await runChaos({
    ...chosen,
    recoveryLimitMs: 5_000,
    noticeMarginMs: 2_000,
    clients: CLIENTS,
    evenly: false,
    parentFolder: tmpdir(),
    say,
    log: (line) => (process.env.TUTTI_TEST_LOGS === '1' ? say(line) : undefined),
    signal: over.signal,
  });
  const minutes = ((Date.now() - startedAtMs) / 60_000).toFixed(1);
  for (const line of summarise(outcome)) process.stdout.write(`${line}\n`);
  const { violations, cycles } = outcome;
  if (violations.length === 0) {
    process.stdout.write(`verdict: every promise held (seed ${chosen.seed}, ${minutes} minutes)\n`);
  } else {
    process.stdout.write(`verdict: VIOLATED (seed ${chosen.seed}, ${minutes} minutes)\n`);
    for (const violation of violations) process.stdout.write(`  ${violation}\n`);
    const again = `npm run chaos -- --seed ${chosen.seed} --cycles ${cycles.length + 1} --keep`;
    process.stdout.write(`the same faults in the same order, with what they leave kept: ${again}\n`);
  }
  process.exit(violations.length === 0 ? 0 : 1);
} catch (error) {
  say(error instanceof Error && !over.signal.aborted ? `${error.stack}` : String(error));
  say(`seed ${chosen.seed}: no verdict`);
  process.exit(over.signal.aborted ? 130 : 1);
}
