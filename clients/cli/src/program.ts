// Which commands are there, with which options? Says nothing of what they do.

import { GraphFormat } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { RunState, RunStateSchema } from '@tutti/proto/tutti/v1/run_pb.ts';
import { Command, InvalidArgumentError, Option } from 'commander';
import type {
  CopyInput,
  DependencyChange,
  DurationInput,
  RerunInput,
  RunFilter,
  WorkflowName,
} from './client.ts';
import type { RunRange } from './commands/read.ts';
import type { KeepAction } from './commands/run-keeping.ts';
import type { SubmitFileOptions, SubmitOptions } from './commands/submit.ts';
import { usageFailure } from './failure.ts';
import type { OutputFormat, Sink } from './output.ts';
import { addDepend, addRunControl, addRunKeeping } from './program-run-life.ts';
import { addSignals } from './program-signals.ts';
import { parseItemsOf } from './spec/items.ts';

/** Options that every command has. */
export interface GlobalOptions {
  readonly output: OutputFormat;
  readonly address: string;
  readonly namespace: string;
}

/** What `up` was asked for; the folder as it was written. */
export interface UpChoices {
  readonly data: string;
  readonly grpcPort: number;
  readonly httpPort: number;
  readonly nats: string | undefined;
  readonly executors: number;
  readonly slots: number;
  readonly exitWithParent?: true;
}

/** What each command does. */
export interface Actions {
  up(choices: UpChoices, options: GlobalOptions): Promise<void>;
  submit(file: string, submit: SubmitFileOptions, options: GlobalOptions): Promise<void>;
  importWfformat(
    file: string,
    timeScale: number,
    submit: SubmitOptions,
    options: GlobalOptions,
  ): Promise<void>;
  submitWorkflow(
    workflow: WorkflowName,
    input: string | undefined,
    submit: SubmitOptions,
    options: GlobalOptions,
  ): Promise<void>;
  putWorkflow(file: string, options: GlobalOptions): Promise<void>;
  getWorkflow(workflow: WorkflowName, options: GlobalOptions): Promise<void>;
  listWorkflows(name: string, options: GlobalOptions): Promise<void>;
  deleteWorkflow(workflow: WorkflowName, options: GlobalOptions): Promise<void>;
  watch(runId: string, showEvents: boolean, options: GlobalOptions): Promise<void>;
  getRun(runId: string, options: GlobalOptions): Promise<void>;
  getTask(runId: string, taskKey: string, options: GlobalOptions): Promise<void>;
  listTasks(runId: string, options: GlobalOptions): Promise<void>;
  drawGraph(runId: string, format: GraphFormat, options: GlobalOptions): Promise<void>;
  listRuns(filter: RunFilter, range: RunRange, options: GlobalOptions): Promise<void>;
  signal(runId: string, name: string, data: string | undefined, options: GlobalOptions): Promise<void>;
  decide(
    runId: string,
    name: string,
    approved: boolean,
    reason: string,
    options: GlobalOptions,
  ): Promise<void>;
  cancel(runId: string, message: string, options: GlobalOptions): Promise<void>;
  pause(runId: string, message: string, options: GlobalOptions): Promise<void>;
  resume(runId: string, options: GlobalOptions): Promise<void>;
  depend(runId: string, taskKey: string, change: DependencyChange, options: GlobalOptions): Promise<void>;
  rerun(runId: string, tasks: RerunInput, wait: boolean, options: GlobalOptions): Promise<void>;
  copy(runId: string, part: CopyInput, wait: boolean, options: GlobalOptions): Promise<void>;
  keep(action: KeepAction, runId: string, options: GlobalOptions): Promise<void>;
  retention(keep: DurationInput | 'for-ever' | undefined, options: GlobalOptions): Promise<void>;
  listExecutors(capability: string, options: GlobalOptions): Promise<void>;
}

export const defaultAddress = '127.0.0.1:7420';

const exitCodesHelp = `
Exit codes:
  0  done; of a run that was waited for: completed
  1  of a run that was waited for: failed; else the call was refused or something broke
  2  the command line, a file or a specification is wrong
  3  of a run that was waited for: cancelled
  4  the orchestrator cannot be reached`;

/** The command line. Its actions are called at most once; errors are thrown (CommanderError). */
export function createProgram(actions: Actions, stdout: Sink): Command {
  const program = new Command('tutti')
    .description('Submits graphs of tasks to a Tutti orchestrator and follows them.')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    // `run.ts` tells every failure itself, in the form that was asked for.
    .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: () => {}, outputError: () => {} })
    .showSuggestionAfterError()
    .addOption(
      new Option('-o, --output <format>', 'form of results and errors')
        .choices(['text', 'json'])
        .default('text'),
    )
    .addOption(
      new Option('--address <host:port>', 'gRPC address')
        .env('TUTTI_ADDRESS')
        .argParser(grpcAddress)
        .default(defaultAddress),
    )
    .addOption(
      new Option('--namespace <name>', 'unit of isolation').env('TUTTI_NAMESPACE').default('default'),
    )
    .addHelpText('after', exitCodesHelp);
  addUp(program, actions);
  addSubmit(program, actions);
  addWorkflow(program, actions);
  addImport(program, actions);
  addReaders(program, actions);
  addGraph(program, actions);
  addSignals(program, actions);
  addCancel(program, actions);
  addRunControl(program, actions);
  addDepend(program, actions);
  addRunKeeping(program, actions);
  return program;
}

function addUp(program: Command, actions: Actions): void {
  program
    .command('up')
    .description('run the orchestrator, NATS and executors on this machine until Ctrl-C')
    .addOption(
      new Option('--data <folder>', 'where the state is kept; started again, it goes on from there')
        .env('TUTTI_DATA')
        .default('.tutti'),
    )
    .addOption(port('grpc', 7420))
    .addOption(port('http', 7421))
    .addOption(new Option('--nats <url>', 'NATS to use instead of an own server').env('TUTTI_NATS_URL'))
    .option('--executors <number>', 'how many ready-made executors to run beside it', integerFrom(0, 64), 0)
    .option('--slots <number>', 'attempts at once in each of them', integerFrom(1, 10_000), 16)
    .option('--exit-with-parent', 'end when standard input ends')
    .action((choices: UpChoices, command: Command) => actions.up(choices, globals(command)));
}

function port(protocol: 'grpc' | 'http', preset: number): Option {
  return new Option(`--${protocol}-port <number>`, `${protocol.toUpperCase()} port; 0 takes a free one`)
    .env(`TUTTI_${protocol.toUpperCase()}_PORT`)
    .argParser(integerFrom(0, 65_535))
    .default(preset);
}

function addSubmit(program: Command, actions: Actions): void {
  withSubmitOptions(program.command('submit'))
    .description(
      'start the run that a YAML or JSON file describes (the JSON mapping of RunSpec), or a workflow',
    )
    .argument('[file]', 'a path, or - for standard input')
    .option('--workflow <name[@version]>', 'start from this workflow instead of a file', workflowName)
    .option('--input <file>', 'with --workflow: a YAML or JSON file, - for standard input, or JSON itself')
    .option(
      '--items <task=file>',
      'the items of a task done for each: rows of .csv or .tsv, a list in .json or .yaml, or lines; repeatable',
      (text: string, before: readonly string[]) => [...before, text],
      [],
    )
    .option('--no-header', 'with --items: the first row of a CSV is a row like any other')
    .action((file: string | undefined, options: RawSubmitOptions & RawStart, command: Command) => {
      const { workflow, input } = options;
      if ((file === undefined) === (workflow === undefined)) {
        throw new InvalidArgumentError('Give either a file or --workflow.');
      }
      if (file === undefined && workflow !== undefined) {
        return actions.submitWorkflow(workflow, input, submitOptions(options), globals(command));
      }
      if (input !== undefined) throw new InvalidArgumentError('--input goes with --workflow only.');
      const items = { items: options.items.map(parseItemsOf), header: options.header };
      return actions.submit(file ?? '', { ...submitOptions(options), ...items }, globals(command));
    });
}

function addWorkflow(program: Command, actions: Actions): void {
  const group = program.command('workflow').description('keep named, versioned templates to start runs from');
  group
    .command('put')
    .description('keep a YAML or JSON file (the JSON mapping of WorkflowTemplate) as the next version')
    .argument('<file>', 'a path, or - for standard input')
    .action((file: string, _options: object, command: Command) =>
      actions.putWorkflow(file, globals(command)),
    );
  group
    .command('get')
    .description('show the latest version, or the one that is named, as a file to put')
    .argument('<name[@version]>', '', workflowName)
    .action((workflow: WorkflowName, _options: object, command: Command) =>
      actions.getWorkflow(workflow, globals(command)),
    );
  group
    .command('list')
    .description('list the workflows, or the versions of one')
    .argument('[name]')
    .action((name: string | undefined, _options: object, command: Command) =>
      actions.listWorkflows(name ?? '', globals(command)),
    );
  group
    .command('delete')
    .description('forget a version, or all of a workflow; its runs go on')
    .argument('<name[@version]>', '', workflowName)
    .action((workflow: WorkflowName, _options: object, command: Command) =>
      actions.deleteWorkflow(workflow, globals(command)),
    );
}

function addImport(program: Command, actions: Actions): void {
  const group = program.command('import').description('start runs from the files of other systems');
  withSubmitOptions(group.command('wfformat'))
    .description('replay a recorded workflow (WfFormat 1.5): each task sleeps as long as it took')
    .argument('<file>', '.json or .json.gz, or - for standard input')
    .option('--time-scale <factor>', 'what recorded runtimes are multiplied by', factor, 1)
    .action((file: string, options: RawSubmitOptions & { timeScale: number }, command: Command) =>
      actions.importWfformat(file, options.timeScale, submitOptions(options), globals(command)),
    );
}

function addReaders(program: Command, actions: Actions): void {
  program
    .command('watch')
    .description('follow a run to its end; with -o json: every event, one to a line')
    .argument('<run>')
    .option('--events', 'show every event instead of progress')
    .action((runId: string, options: { events?: true }, command: Command) =>
      actions.watch(runId, options.events ?? false, globals(command)),
    );
  program
    .command('get')
    .description('show a run, or one of its tasks in full')
    .argument('<run>')
    .argument('[task]', 'the key of a task')
    .option('--tasks', 'list all tasks of the run')
    .action((runId: string, taskKey: string | undefined, options: { tasks?: true }, command: Command) => {
      if (taskKey !== undefined) return actions.getTask(runId, taskKey, globals(command));
      return options.tasks
        ? actions.listTasks(runId, globals(command))
        : actions.getRun(runId, globals(command));
    });
  program
    .command('list')
    .description('list runs, latest first')
    .option('--state <state>', 'only runs in this state; may be repeated', collectState, [])
    .option('--label <key=value>', 'only runs with this label; may be repeated', collectLabel, {})
    .option('--since <time>', 'only runs submitted at or after this time (ISO 8601)', time)
    .option('--until <time>', 'only runs submitted before this time (ISO 8601)', time)
    .option('--limit <number>', 'how many at most', integerFrom(1, 100_000), 50)
    .option('--page-token <token>', 'go on where the last list ended; with the same filters', '')
    .action((options: RawListOptions, command: Command) =>
      actions.listRuns(
        {
          states: options.state,
          labels: options.label,
          submittedAfter: options.since,
          submittedBefore: options.until,
        },
        { limit: options.limit, pageToken: options.pageToken },
        globals(command),
      ),
    );
  program
    .command('executors')
    .description('list the executors that are connected')
    .option('--capability <name>', 'only those with this capability')
    .action((options: { capability?: string }, command: Command) =>
      actions.listExecutors(options.capability ?? '', globals(command)),
    );
}

const graphFormats = { mermaid: GraphFormat.MERMAID, dot: GraphFormat.DOT, json: GraphFormat.JSON };

function addGraph(program: Command, actions: Actions): void {
  program
    .command('graph')
    .description('print the graph of a run with the states of its tasks')
    .argument('<run>')
    .addOption(
      new Option('--format <format>', 'language of the graph')
        .choices(Object.keys(graphFormats))
        .default('mermaid'),
    )
    .action((runId: string, options: { format: keyof typeof graphFormats }, command: Command) =>
      actions.drawGraph(runId, graphFormats[options.format], globals(command)),
    );
}

function addCancel(program: Command, actions: Actions): void {
  program
    .command('cancel')
    .description('cancel what is not final in a run')
    .argument('<run>')
    .option('--message <text>', 'why, for people')
    .action((runId: string, options: { message?: string }, command: Command) =>
      actions.cancel(runId, options.message ?? '', globals(command)),
    );
}

interface RawSubmitOptions {
  readonly wait?: true;
  readonly runId?: string;
  readonly useExisting?: true;
}

interface RawStart {
  readonly items: readonly string[];
  readonly header: boolean;
  readonly workflow?: WorkflowName;
  readonly input?: string;
}

interface RawListOptions {
  readonly state: RunState[];
  readonly label: Record<string, string>;
  readonly since: Date | undefined;
  readonly until: Date | undefined;
  readonly limit: number;
  readonly pageToken: string;
}

function withSubmitOptions(command: Command): Command {
  return command
    .option('--wait', 'stay until the run ends; the exit code tells how')
    .option('--run-id <id>', 'an id of your choice; submitting it twice runs it once')
    .option('--use-existing', 'with --run-id: an existing run is no error');
}

function submitOptions({ wait, runId, useExisting }: RawSubmitOptions): SubmitOptions {
  if (useExisting && runId === undefined) {
    throw usageFailure('--use-existing says what to do with the id of --run-id: give that too');
  }
  return { wait: wait ?? false, runId: runId ?? '', useExisting: useExisting ?? false };
}

export function globals(command: Command): GlobalOptions {
  return command.optsWithGlobals<GlobalOptions>();
}

function integerFrom(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

/** Also the forms of gRPC that name how to look up, such as `dns:` and `unix:`. */
function grpcAddress(text: string): string {
  if (/^([^\s/:[\]]+|\[[0-9a-fA-F:.]+\]):\d{1,5}$/.test(text)) return text;
  if (/^(dns|ipv4|ipv6|unix):\S+$/.test(text)) return text;
  throw new InvalidArgumentError(
    'It must be host:port of the gRPC door, such as 127.0.0.1:7420, and no URL.',
  );
}

function factor(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value;
  throw new InvalidArgumentError('It must be a number, 0 or more.');
}

function workflowName(text: string): WorkflowName {
  const at = text.lastIndexOf('@');
  if (at < 0 && text !== '') return { name: text };
  const version = Number(text.slice(at + 1));
  if (at > 0 && /^[1-9]\d{0,8}$/.test(text.slice(at + 1))) return { name: text.slice(0, at), version };
  throw new InvalidArgumentError('It must be the name of a workflow, or NAME@VERSION such as report@3.');
}

function time(text: string): Date {
  const value = new Date(text);
  if (Number.isNaN(value.getTime()))
    throw new InvalidArgumentError('It must be a time as 2026-01-31T12:00:00Z.');
  return value;
}

function collectState(text: string, before: RunState[]): RunState[] {
  const states = RunStateSchema.values.filter((value) => value.number !== RunState.UNSPECIFIED);
  const state = states.find(({ name, localName }) => [name, localName].includes(text.toUpperCase()));
  if (state !== undefined) return [...before, state.number as RunState];
  throw new InvalidArgumentError(`It must be one of ${states.map((value) => value.localName).join(', ')}.`);
}

function collectLabel(text: string, before: Record<string, string>): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It must be written as key=value.');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}
