// How does a command that people call by hand begin and end? It says how it is called where that is asked for, and
// leaves nothing behind when it is told to end.

import { constants } from 'node:os';

/** To be called before anything is begun: ends with 0 where help is asked for. */
export function helpIfAsked(usage: string): void {
  if (!process.argv.slice(2).some((argument) => argument === '--help' || argument === '-h')) return;
  process.stdout.write(`${usage}\n`);
  process.exit(0);
}

/** Ends with 2: nothing was begun. */
export function misused(problem: unknown, usage: string): never {
  process.stderr.write(`${problem instanceof Error ? problem.message : problem}\n${usage}\n`);
  process.exit(2);
}

/** What is to be cleared up listens to the process's `exit`. A terminal and npm both pass on one Ctrl-C. */
export function endOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => process.exit(128 + constants.signals[signal]));
  }
}
