// Which commands are there for the life of a run, with which options?

import { type Command, InvalidArgumentError } from 'commander';
import type { CopyInput, DurationInput, RerunInput } from './client.ts';
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

export function addDepend(program: Command, actions: Actions): void {
  const keys = (key: string, before: readonly string[]) => [...before, key];
  program
    .command('depend')
    .description('change what a task waits for, as long as it does')
    .argument('<run>')
    .argument('<task>', 'its key')
    .option(
      '--add <key>',
      'wait for its success, with ? for any end, with ! for its failure; repeatable',
      keys,
      [],
    )
    .option('--remove <key>', 'wait for it no longer; repeatable', keys, [])
    .action((runId: string, taskKey: string, options: RawDependOptions, command: Command) => {
      if (options.add.length + options.remove.length === 0) {
        throw usageFailure('nothing is to be changed: give --add or --remove');
      }
      const change = { add: options.add.map(edgeOf), remove: options.remove };
      return actions.depend(runId, taskKey, change, globals(command));
    });
}

interface RawDependOptions {
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

/** Keys end in neither mark. */
function edgeOf(text: string) {
  if (text.endsWith('?')) return { key: text.slice(0, -1), condition: 'FINISHED' as const };
  if (text.endsWith('!')) return { key: text.slice(0, -1), condition: 'FAILURE' as const };
  return text;
}

export function addRunKeeping(program: Command, actions: Actions): void {
  const keys = (key: string, before: readonly string[]) => [...before, key];
  program
    .command('copy')
    .description('start a new run that is a copy of an old one, or of a part of it')
    .argument('<run>')
    .option('--task <key>', 'only this task, with what is grouped under it; repeatable', keys, [])
    .option('--link <key>', 'take the result of this task instead of doing it again; repeatable', keys, [])
    .option('--link-outside', 'link whatever the copied tasks depend on that is not copied')
    .option('--run-id <id>', 'an id of your choice for the new run')
    .option('--wait', 'stay until the new run ends; the exit code tells how')
    .action((runId: string, options: RawCopyOptions, command: Command) =>
      actions.copy(runId, copyInput(options), options.wait ?? false, globals(command)),
    );
  for (const [action, description] of [
    ['archive', 'freeze a run that has ended: nothing changes or removes it'],
    ['unarchive', 'let go of a run that was archived'],
    ['delete', 'forget a run that has ended, with its tasks and events'],
  ] as const) {
    program
      .command(action)
      .description(description)
      .argument('<run>')
      .action((runId: string, _options: object, command: Command) =>
        actions.keep(action, runId, globals(command)),
      );
  }
  program
    .command('retention')
    .description('show, or say, how long runs of the namespace are kept after their end')
    .argument('[keep]', 'for example 30d or 12h; for-ever', retentionText)
    .action((keep: DurationInput | 'for-ever' | undefined, _options: object, command: Command) =>
      actions.retention(keep, globals(command)),
    );
}

interface RawCopyOptions {
  readonly task: readonly string[];
  readonly link: readonly string[];
  readonly linkOutside?: true;
  readonly runId?: string;
  readonly wait?: true;
}

function copyInput({ task, link, linkOutside, runId }: RawCopyOptions): CopyInput {
  return {
    copy: task,
    link,
    linkOutside: linkOutside ?? false,
    ...(runId === undefined ? {} : { newRunId: runId }),
  };
}

function retentionText(text: string): DurationInput | 'for-ever' {
  if (text === 'for-ever' || /^\d+(\.\d+)?(ms|s|m|h|d)$/.test(text)) return text as DurationInput;
  throw new InvalidArgumentError('Give a number with a unit, such as 30d or 12h, or for-ever.');
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
