// Looks for input that does harm, at random but reproducibly.
//
// usage: npm run fuzz -- grpc|http|nats|all [--minutes M] [--seed S]
//        npm run fuzz -- replay FILE
//
// Each door is hunted for M minutes (default 1) on a stack of its own. The first harm ends it: the least that
// does it is looked for, written to a file, and the command that does it again is printed. Exit code 1.

import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { endOnSignals, helpIfAsked, misused } from '../../support/command.ts';
import type { DoorName } from '../corpus.ts';
import type { Case } from './draw-case.ts';
import { type Finding, hunt } from './hunt.ts';
import { createReplayer, shrink } from './shrink.ts';
import { createTally } from './tally.ts';

const DOORS: readonly DoorName[] = ['grpc', 'http', 'nats'];
const USAGE = `usage: npm run fuzz -- grpc|http|nats|all [--minutes M] [--seed S]
       npm run fuzz -- replay FILE
  --minutes M  for each door; 1
  --seed S     which cases; any`;

function usage(problem: unknown): never {
  return misused(problem, USAGE);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function readArguments() {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({ allowPositionals: true, options: { minutes: text, seed: text } });
  } catch (error) {
    return usage(error);
  }
}

function positive(name: string, text: string | undefined, preset: number): number {
  const value = Number(text ?? preset);
  return Number.isFinite(value) && value > 0 ? value : usage(`--${name} is "${text}": say a number above 0`);
}

async function huntAt(door: DoorName, minutes: number, seed: number): Promise<boolean> {
  say(`${door}: ${minutes} minutes from seed ${seed}`);
  const tally = createTally(() => performance.now());
  const finding = await hunt({ door, minutes, seed, tally, say: (line) => say(`${door}: ${line}`) });
  say(tally.table());
  if (finding === undefined) {
    say(`${door}: no harm done`);
    return true;
  }
  await report(door, seed, finding);
  return false;
}

async function report(door: DoorName, seed: number, { what, suspects }: Finding): Promise<void> {
  say(`${door}: HARM: ${what}`);
  say('looking for the least that does it ...');
  await using replayer = createReplayer();
  const least = await shrink(suspects, replayer.replay);
  const cases = least?.cases ?? suspects.toReversed();
  const file = join(tmpdir(), `tutti-fuzz-${door}-${seed}.json`);
  writeFileSync(file, JSON.stringify(cases, null, 1));
  if (least === undefined) say('none of it did it again on a fresh stack; all that was sent last is kept');
  else say(`the least found: ${cases.length} of them; it does: ${least.what}\n${shown(cases)}`);
  say(`seed ${seed}; again: npm run fuzz -- replay ${file}`);
}

function shown(cases: readonly Case[]): string {
  const text = JSON.stringify(cases);
  return text.length > 4_000 ? `${text.slice(0, 4_000)} ... (all of it in the file)` : text;
}

function casesIn(file: string): readonly Case[] {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Case[];
  } catch (error) {
    return usage(error);
  }
}

async function main(): Promise<boolean> {
  const { values, positionals } = readArguments();
  const [what = '', file, ...more] = positionals;
  if (more.length > 0) return usage(`what is "${more.join(' ')}"?`);
  if (what === 'replay') {
    if (file === undefined) return usage('which file?');
    const cases = casesIn(file);
    await using replayer = createReplayer();
    const harm = await replayer.replay(cases);
    say(harm === undefined ? 'no harm done' : `HARM: ${harm}`);
    return harm === undefined;
  }
  const doors = what === 'all' ? DOORS : DOORS.filter((door) => door === what);
  if (doors.length === 0 || file !== undefined) return usage(`which door? Not "${positionals.join(' ')}"`);
  const minutes = positive('minutes', values.minutes, 1);
  const seed = Math.floor(positive('seed', values.seed, 1 + Math.floor(Math.random() * 1_000_000)));
  let harmless = true;
  for (const door of doors) harmless = (await huntAt(door, minutes, seed)) && harmless;
  return harmless;
}

helpIfAsked(USAGE);
endOnSignals();
process.exit((await main()) ? 0 : 1);
