// What becomes of work that was admitted when ten times as much is offered as can be done? Measured on this
// machine: first the most that can be done, then the overload, in the same processes.
//
// usage: npm run overload -- [--seconds N] [--times N] [--runs-per-call N] [--connections N] [--slots N]
//
// Ends with 1 where a promise of docs/overload.md is not kept.

import { parseArgs } from 'node:util';
import { NOOP_EXECUTOR } from '../bench/bench.ts';
import { endOnSignals, helpIfAsked, misused } from '../support/command.ts';
import { startStack } from '../support/stack.ts';
import { measureOverload } from './measure-overload.ts';
import { show } from './verdict.ts';

const USAGE = `usage: npm run overload -- [--seconds N] [--times N] [--runs-per-call N] [--connections N] [--slots N]
  --seconds N        how long the overload lasts; 20
  --times N          how many times what can be done is offered; 10
  --runs-per-call N  of the clients that ignore every hint; 50
  --connections N    of theirs; 4
  --slots N          of both executors together; 1024`;
const PRESETS = { seconds: 20, times: 10, 'runs-per-call': 50, connections: 4, slots: 1_024 };
type Option = keyof typeof PRESETS;

function readArguments(): Record<Option, number> {
  try {
    const options = Object.fromEntries(
      Object.keys(PRESETS).map((name) => [name, { type: 'string' as const }]),
    );
    const { values } = parseArgs({ options });
    const chosen = Object.entries(values).map(([name, text]) => {
      const value = Number(text);
      if (!Number.isInteger(value) || value < 1)
        throw new Error(`--${name}: "${text}" is no whole number from 1`);
      return [name, value];
    });
    return { ...PRESETS, ...Object.fromEntries(chosen) };
  } catch (error) {
    return misused(error, USAGE);
  }
}

helpIfAsked(USAGE);
const options = readArguments();
endOnSignals();
const say = (line: string) => process.stderr.write(`${line}\n`);
say('overload: starting orchestrator, nats-server and two executors');
const stack = await startStack({
  executors: 2,
  executorProgram: NOOP_EXECUTOR,
  slots: Math.ceil(options.slots / 2),
});
try {
  const found = await measureOverload(stack, {
    peakMs: Math.max(5, options.seconds / 2) * 1_000,
    overloadMs: options.seconds * 1_000,
    times: options.times,
    runsPerCall: options['runs-per-call'],
    connections: options.connections,
    say,
  });
  process.exitCode = show(found, (line) => process.stdout.write(`${line}\n`)) ? 0 : 1;
} catch (error) {
  process.exitCode = 1;
  say(error instanceof Error ? `${error.stack}` : String(error));
  say(`the orchestrator last said:\n${stack.orchestrator.lastLines().slice(-20).join('\n')}`);
} finally {
  await stack.stop();
}
