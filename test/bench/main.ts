// Measures Tutti on this machine. Human-readable lines go to stderr, the result as JSON to stdout.
//
// usage: npm run bench -- flat|chain|latency|montage|foreach|decide [--tasks N] [--rounds N] [--slots N]
//
// Orchestrator, nats-server, executors and load are processes of their own, on a data folder of their
// own in the system's temporary folder (TMPDIR names another disk), every state with its fsync.

import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { endOnSignals, helpIfAsked, misused } from '../support/command.ts';
import { createRpc } from '../support/rpc.ts';
import { startStack } from '../support/stack.ts';
import type { Bench, BenchOptions } from './bench.ts';
import { chain } from './chain.ts';
import { decideCurve } from './decide.ts';
import { flat } from './flat.ts';
import { foreach } from './foreach.ts';
import { latency } from './latency.ts';
import { montage } from './montage.ts';

const BENCHES: Readonly<Record<string, Bench>> = { flat, chain, latency, montage, foreach };

const USAGE = `usage: npm run bench -- ${Object.keys(BENCHES).join('|')}|decide [--tasks N] [--rounds N] [--slots N]`;

function usage(problem: unknown): never {
  return misused(problem, USAGE);
}

function readArguments(): { name: string; bench: Bench; options: BenchOptions } {
  const number = { type: 'string' } as const;
  const { values, positionals } = (() => {
    try {
      return parseArgs({ allowPositionals: true, options: { tasks: number, rounds: number, slots: number } });
    } catch (error) {
      return usage(error);
    }
  })();
  const [name = '', ...more] = positionals;
  const bench = BENCHES[name];
  if (bench === undefined || more.length > 0) return usage(`which benchmark? Not "${positionals.join(' ')}"`);
  const count = (option: 'tasks' | 'rounds' | 'slots'): number | undefined => {
    const text = values[option];
    if (text === undefined) return undefined;
    const value = Number(text);
    return Number.isInteger(value) && value >= 1
      ? value
      : usage(`--${option}: "${text}" is no whole number from 1`);
  };
  const say = (line: string) => process.stderr.write(`${line}\n`);
  return {
    name,
    bench,
    options: { tasks: count('tasks'), rounds: count('rounds'), slots: count('slots'), say },
  };
}

helpIfAsked(USAGE);
endOnSignals();
if (process.argv[2] === 'decide') {
  // The rules alone: no server is needed.
  const microseconds = decideCurve((line) => process.stderr.write(`${line}\n`));
  process.stdout.write(`${JSON.stringify({ bench: 'decide', microseconds }, undefined, 2)}\n`);
  process.exit(0);
}
const { name, bench, options } = readArguments();
options.say(`bench ${name}: starting orchestrator, nats-server and executors`);
const stack = await startStack(bench.stack(options));
const rpc = createRpc(stack.addresses.grpc);
try {
  const result = await bench.run(stack, rpc, options);
  const machine = {
    cores: availableParallelism(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
  };
  process.stdout.write(`${JSON.stringify({ bench: name, machine, ...result }, undefined, 2)}\n`);
} catch (error) {
  process.exitCode = 1;
  options.say(error instanceof Error ? `${error.stack}` : String(error));
  options.say(`the orchestrator last said:\n${stack.orchestrator.lastLines().slice(-20).join('\n')}`);
} finally {
  rpc.close();
  await stack.stop();
}
