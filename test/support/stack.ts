// A whole Tutti on this machine, for end-to-end tests and benchmarks: an orchestrator with its
// nats-server, and executors, each a process of its own, on free ports, in a temporary folder.
//
//   await using stack = await startStack({ executors: 2 });
//
// Everything is gone at the end of the block, also when the test fails, and when this process is killed.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findDescendants } from './proc.ts';
import { type ProgramSpec, type ServiceProcess, startProcess } from './service-process.ts';

export interface StackOptions {
  /** How many to start with. Default: 2. */
  readonly executors?: number;
  /** Slots of each. Default: 16. */
  readonly slots?: number;
  /** Default: the ready executor. It must take `--slots N`, `--exit-with-parent`, TUTTI_NATS_URL and TUTTI_EXECUTOR_ID. */
  readonly executorProgram?: string;
  /** For all processes. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default: a temporary folder, removed at the end. */
  readonly dataFolder?: string;
  /** Default: the orchestrator starts a nats-server of its own. */
  readonly natsUrl?: string;
  /** More arguments for the orchestrator. */
  readonly orchestratorArgs?: readonly string[];
  /** Told of every line that any of them logs. Default: TUTTI_TEST_LOGS=1 shows them on stderr. */
  readonly log?: (line: string) => void;
}

export interface Addresses {
  /** host:port. */
  readonly grpc: string;
  /** A URL, as are the rest. */
  readonly http: string;
  readonly nats: string;
}

export interface Stack extends AsyncDisposable {
  readonly addresses: Addresses;
  readonly dataFolder: string;
  /** The present one. */
  readonly orchestrator: ServiceProcess;
  /** Those that were started, in this order, also those that have ended. */
  readonly executors: readonly ServiceProcess[];
  /** Of the orchestrator's own nats-server; undefined if there is none at the moment. */
  natsServerPid(): number | undefined;
  /** After the orchestrator has ended: another one, on the same data folder and ports. */
  restartOrchestrator(): Promise<void>;
  /**
   * One more executor; with the id of one that has ended, it takes that one's place.
   * @param env for this one only
   */
  startExecutor(executorId?: string, env?: StackOptions['env']): Promise<ServiceProcess>;
  /** Executors first, then the orchestrator. Rejects if one does not end in time; they are gone anyway. */
  stop(): Promise<void>;
}

const ORCHESTRATOR = 'services/orchestrator/src/main.ts';
const EXECUTOR = 'services/executor/src/main.ts';

export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const ownFolder = options.dataFolder === undefined;
  const dataFolder = options.dataFolder ?? makeFolder();
  const executors: ServiceProcess[] = [];
  let orchestrator = startProcess(orchestratorSpec(options, dataFolder, undefined));

  async function stop(): Promise<void> {
    const stopped = await Promise.allSettled(executors.map((executor) => executor.stop()));
    stopped.push(...(await Promise.allSettled([orchestrator.stop()])));
    if (ownFolder) removeFolder(dataFolder);
    for (const outcome of stopped) if (outcome.status === 'rejected') throw outcome.reason;
  }

  try {
    const addresses = readAddresses(await orchestrator.ready);
    const startExecutor = async (
      executorId = `executor-${executors.length + 1}`,
      env: StackOptions['env'] = {},
    ): Promise<ServiceProcess> => {
      const spec = executorSpec(options, addresses, executorId);
      const executor = startProcess({ ...spec, env: { ...spec.env, ...env } });
      executors.push(executor);
      await executor.ready;
      return executor;
    };
    const count = options.executors ?? 2;
    await Promise.all(Array.from({ length: count }, (_, index) => startExecutor(`executor-${index + 1}`)));
    return {
      addresses,
      dataFolder,
      get orchestrator() {
        return orchestrator;
      },
      executors,
      natsServerPid: () => findDescendants(orchestrator.pid, 'nats-server')[0],
      async restartOrchestrator() {
        await orchestrator.ended;
        orchestrator = startProcess(orchestratorSpec(options, dataFolder, addresses));
        await orchestrator.ready;
      },
      startExecutor,
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    // Why it did not start is the news; that it then did not stop cleanly either is not.
    await stop().catch(() => {});
    throw error;
  }
}

const made = new Set<string>();

/** Removed with removeFolder(), or as this process exits. */
function makeFolder(): string {
  if (made.size === 0) process.once('exit', () => [...made].forEach(removeFolder));
  const folder = mkdtempSync(join(tmpdir(), 'tutti-stack-'));
  made.add(folder);
  return folder;
}

function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  made.delete(folder);
}

function orchestratorSpec(options: StackOptions, dataFolder: string, at: Addresses | undefined): ProgramSpec {
  const args = ['--data', dataFolder, '--host', '127.0.0.1'];
  args.push('--grpc-port', portOf(at?.grpc), '--http-port', portOf(at?.http));
  if (options.natsUrl !== undefined) args.push('--nats', options.natsUrl);
  args.push(...(options.orchestratorArgs ?? []));
  return { name: 'orchestrator', program: ORCHESTRATOR, args, ...common(options, 'orchestrator') };
}

function executorSpec(options: StackOptions, addresses: Addresses, executorId: string): ProgramSpec {
  const { env, log } = common(options, executorId);
  return {
    name: executorId,
    program: options.executorProgram ?? EXECUTOR,
    args: ['--slots', String(options.slots ?? 16)],
    env: { ...env, TUTTI_NATS_URL: addresses.nats, TUTTI_EXECUTOR_ID: executorId },
    log,
  };
}

function common(
  options: StackOptions,
  name: string,
): { env: Record<string, string | undefined>; log: (line: string) => void } {
  const toStderr = (line: string) => {
    if (process.env.TUTTI_TEST_LOGS === '1') process.stderr.write(`[${name}] ${line}\n`);
  };
  return { env: { ...options.env }, log: options.log ?? toStderr };
}

/** Of `host:port` or a URL; 0, which takes a free one, for none. */
function portOf(address: string | undefined): string {
  return address === undefined ? '0' : (/:(\d+)\/?$/.exec(address)?.[1] ?? '0');
}

function readAddresses(ready: Readonly<Record<string, unknown>>): Addresses {
  const { grpc, http, nats } = ready;
  if (typeof grpc === 'string' && typeof http === 'string' && typeof nats === 'string')
    return { grpc, http, nats };
  throw new Error(`the orchestrator's first line names no addresses: ${JSON.stringify(ready)}`);
}
