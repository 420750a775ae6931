// How are signals and approvals written on the command line?

import type { Command } from 'commander';
import { type Actions, globals } from './program.ts';

export function addSignals(program: Command, actions: Actions): void {
  program
    .command('signal')
    .description('give a run a signal: it ends the longest wait for that name')
    .argument('<run>')
    .argument('<name>')
    .option('--data <json>', 'what it brings: JSON, or a file with JSON or YAML')
    .action((runId: string, name: string, options: { data?: string }, command: Command) =>
      actions.signal(runId, name, options.data, globals(command)),
    );
  for (const [verb, approved] of [
    ['approve', true],
    ['reject', false],
  ] as const) {
    program
      .command(verb)
      .description(`answer a wait for approval: a signal with {"approved": ${approved}}`)
      .argument('<run>')
      .argument('<name>', 'of the signal that is waited for')
      .option('--reason <text>', 'why')
      .action((runId: string, name: string, options: { reason?: string }, command: Command) =>
        actions.decide(runId, name, approved, options.reason ?? '', globals(command)),
      );
  }
}
