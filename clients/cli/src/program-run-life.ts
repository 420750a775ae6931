// Which commands are there for the life of a run, with which options?

import type { Command } from 'commander';
import type { RerunInput } from './client.ts';
import { usageFailure } from './failure.ts';
import { type Actions, globals } from './program.ts';

export function addRunControl(program: Command, actions: Actions): void {
  program
    .command('pause')
    .description('start nothing more of a run until it is resumed; what runs goes on')
    .argument('<run>')
    .option('--message <text>', 'why, for people')
    .action((runId: string, options: { message?: string }, command: Command) =>
      actions.pause(runId, options.message ?? '', globals(command)),
    );
  program
    .command('resume')
    .description('let a paused run go on')
    .argument('<run>')
    .action((runId: string, _options: object, command: Command) => actions.resume(runId, globals(command)));
  program
    .command('rerun')
    .description('have tasks of a run that has ended done again; the results of others are kept')
    .argument('<run>')
    .option('--failed', 'what failed or was cancelled, and what was skipped because of it (default)')
    .option('--from <task>', 'this task and everything that depends on it')
    .option('--all', 'all tasks')
    .option('--wait', 'stay until the run ends; the exit code tells how')
    .action((runId: string, options: RawRerunOptions, command: Command) =>
      actions.rerun(runId, rerunInput(options), options.wait ?? false, globals(command)),
    );
}

interface RawRerunOptions {
  readonly failed?: true;
  readonly from?: string;
  readonly all?: true;
  readonly wait?: true;
}

function rerunInput({ failed, from, all }: RawRerunOptions): RerunInput {
  if ([failed, from, all].filter((given) => given !== undefined).length > 1) {
    throw usageFailure('--failed, --from and --all exclude each other: give one of them');
  }
  if (from !== undefined) return { from };
  return all === true ? 'ALL' : 'FAILED';
}
