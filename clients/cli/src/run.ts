// What is one call of `tutti`, from its arguments to its exit code?

import { isAbsolute, resolve } from 'node:path';
import { CommanderError } from 'commander';
import type { CommandClient } from './client.ts';
import { cancelRun } from './commands/cancel.ts';
import type { CommandContext } from './commands/context.ts';
import { drawGraph } from './commands/graph.ts';
import { getRun, getTask, listExecutors, listRuns, listTasks } from './commands/read.ts';
import { changeDependencies, pauseRun, rerunRun, resumeRun } from './commands/run-control.ts';
import { copyRun, keepRun, retention } from './commands/run-keeping.ts';
import { decideRun, signalRun } from './commands/signal.ts';
import { submitFile, submitWfformat, submitWorkflow } from './commands/submit.ts';
import { watchRun } from './commands/watch.ts';
import { deleteWorkflow, getWorkflow, listWorkflows, putWorkflow } from './commands/workflow.ts';
import { exitCode, Failure, usageFailure } from './failure.ts';
import { createOutput, type OutputFormat, renderFailure, type Sink } from './output.ts';
import { type Actions, createProgram, type GlobalOptions } from './program.ts';
import { isJsonText } from './spec/spec-file.ts';
import { runUp } from './up/command.ts';

export interface Surroundings {
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** What relative paths of the command line start from. */
  readonly folder: string;
  connect(address: string, namespace: string): CommandClient;
}

/** @param args without the program's own name. Never rejects: every failure is told and has its code. */
export async function runTutti(args: readonly string[], around: Surroundings): Promise<number> {
  let code: number = exitCode.completed;
  const program = createProgram(
    createActions(around, (result) => (code = result)),
    around.stdout,
  );
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitCode.completed;
    const failure = asFailure(error);
    around.stderr.write(renderFailure(failure, formatOf(args)));
    return failure.exitCode;
  }
}

function createActions(around: Surroundings, finish: (code: number) => void): Actions {
  const outputOf = (options: GlobalOptions) => createOutput(options.output, around.stdout, around.stderr);
  const pathOf = (path: string) => (path === '-' || isAbsolute(path) ? path : resolve(around.folder, path));

  async function withClient(
    options: GlobalOptions,
    act: (context: CommandContext) => Promise<number>,
  ): Promise<void> {
    const client = around.connect(options.address, options.namespace);
    try {
      finish(await act({ client, output: outputOf(options) }));
    } finally {
      client.close();
    }
  }

  return {
    async up({ data, nats, executors, exitWithParent, ...choices }, options) {
      const where = { dataFolder: pathOf(data), namespace: options.namespace };
      finish(
        await runUp(
          {
            ...choices,
            ...where,
            natsUrl: nats,
            natsServer: process.env.TUTTI_NATS_SERVER || undefined,
            executorCount: executors,
          },
          exitWithParent ?? false,
          outputOf(options),
        ),
      );
    },
    submit: (file, submit, options) =>
      withClient(options, (context) => submitFile(context, pathOf(file), submit)),
    submitWorkflow: (workflow, input, submit, options) =>
      withClient(options, (context) => {
        const given = input === undefined || isJsonText(input) ? input : pathOf(input);
        return submitWorkflow(context, workflow, given, submit);
      }),
    putWorkflow: (file, options) => withClient(options, (context) => putWorkflow(context, pathOf(file))),
    getWorkflow: (workflow, options) => withClient(options, (context) => getWorkflow(context, workflow)),
    listWorkflows: (name, options) => withClient(options, (context) => listWorkflows(context, name)),
    deleteWorkflow: (workflow, options) =>
      withClient(options, (context) => deleteWorkflow(context, workflow)),
    importWfformat: (file, timeScale, submit, options) =>
      withClient(options, (context) => submitWfformat(context, pathOf(file), timeScale, submit)),
    watch: (runId, showEvents, options) =>
      withClient(options, (context) => watchRun(context, runId, showEvents)),
    getRun: (runId, options) => withClient(options, (context) => getRun(context, runId)),
    getTask: (runId, taskKey, options) => withClient(options, (context) => getTask(context, runId, taskKey)),
    listTasks: (runId, options) => withClient(options, (context) => listTasks(context, runId)),
    drawGraph: (runId, format, options) =>
      withClient(options, (context) => drawGraph(context, runId, format)),
    listRuns: (filter, range, options) => withClient(options, (context) => listRuns(context, filter, range)),
    signal: (runId, name, data, options) =>
      withClient(options, (context) => signalRun(context, runId, name, data)),
    decide: (runId, name, approved, reason, options) =>
      withClient(options, (context) => decideRun(context, runId, name, approved, reason)),
    cancel: (runId, message, options) => withClient(options, (context) => cancelRun(context, runId, message)),
    pause: (runId, message, options) => withClient(options, (context) => pauseRun(context, runId, message)),
    resume: (runId, options) => withClient(options, (context) => resumeRun(context, runId)),
    depend: (runId, taskKey, change, options) =>
      withClient(options, (context) => changeDependencies(context, runId, taskKey, change)),
    rerun: (runId, tasks, wait, options) =>
      withClient(options, (context) => rerunRun(context, runId, tasks, wait)),
    copy: (runId, part, wait, options) =>
      withClient(options, (context) => copyRun(context, runId, part, wait)),
    keep: (action, runId, options) => withClient(options, (context) => keepRun(context, action, runId)),
    retention: (keep, options) => withClient(options, (context) => retention(context, keep)),
    listExecutors: (capability, options) =>
      withClient(options, (context) => listExecutors(context, capability)),
  };
}

function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof CommanderError) {
    // Without a command, commander's message is the whole help.
    const isHelp = error.code === 'commander.help';
    const message = isHelp ? 'no command was given' : error.message.replace(/^error: /, '');
    return usageFailure(`${message} (see: tutti --help)`);
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new Failure(exitCode.failed, { code: 'INTERNAL', message });
}

/** As far as can be told, also when the command line is wrong elsewhere. */
function formatOf(args: readonly string[]): OutputFormat {
  const written = args.flatMap((arg, index) => {
    if (arg === '-o' || arg === '--output') return [args[index + 1]];
    return [/^(?:-o=?|--output=)(.+)$/.exec(arg)?.[1]];
  });
  return written.includes('json') ? 'json' : 'text';
}
