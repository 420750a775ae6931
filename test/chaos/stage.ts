// The processes of the chaos: an orchestrator, a nats-server beside it, executors; all gone at the end, whatever
// state they are in.

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type NatsProcess, startNatsProcess } from '../support/nats-process.ts';
import type { ServiceProcess } from '../support/service-process.ts';
import { type Addresses, type Stack, startStack } from '../support/stack.ts';

export interface Stage {
  readonly addresses: Addresses;
  readonly nats: NatsProcess;
  orchestrator(): ServiceProcess;
  restartOrchestrator(): Promise<void>;
  readonly executorCount: number;
  executorId(index: number): string;
  executor(index: number): ServiceProcess;
  /** After it has ended: another process with its id. */
  restartExecutor(index: number): Promise<void>;
  /** Of all that it makes. */
  readonly folder: string;
  /** Where the orchestrator keeps its state. */
  readonly dataFolder: string;
  /** Of the executors' notes. */
  readonly notesFolder: string;
  /** Each is told to end, and does, or it rejects. What they left stays to be read. */
  stop(): Promise<void>;
  /** At once: nothing is left, neither processes nor files. */
  dispose(): Promise<void>;
}

export interface StageOptions {
  readonly executors: number;
  readonly slots: number;
  readonly leaseMs: number;
  /** Where it makes a folder of its own. */
  readonly parentFolder: string;
  /** The folder is left for whoever wants to look into it. */
  readonly keep: boolean;
  readonly log: (line: string) => void;
}

export async function openStage(options: StageOptions): Promise<Stage> {
  const folder = await mkdtemp(join(options.parentFolder, 'tutti-chaos-'));
  const dataFolder = join(folder, 'data');
  const notesFolder = join(folder, 'notes');
  let nats: NatsProcess | undefined;
  let stack: Stack | undefined;
  const executors = new Map<string, ServiceProcess>();

  async function stop(): Promise<void> {
    const processes = stack === undefined ? [] : [stack.orchestrator, ...stack.executors];
    // One that stands still could not end.
    for (const each of processes) void each.kill('SIGCONT');
    try {
      await stack?.stop();
    } finally {
      await nats?.dispose();
    }
  }
  async function dispose(): Promise<void> {
    try {
      const processes = stack === undefined ? [] : [stack.orchestrator, ...stack.executors];
      await Promise.all(processes.map((each) => each.kill()));
      await stack?.stop();
      await nats?.dispose();
    } catch (error) {
      options.log(`at the end: ${String(error)}`);
    } finally {
      if (!options.keep) await rm(folder, { recursive: true, force: true });
    }
  }

  try {
    await mkdir(notesFolder);
    nats = await startNatsProcess(join(folder, 'nats'), options.log);
    stack = await startStack({
      executors: options.executors,
      slots: options.slots,
      executorProgram: 'test/chaos/executor.ts',
      env: { TUTTI_CHAOS_NOTES: notesFolder },
      dataFolder,
      natsUrl: nats.url,
      orchestratorArgs: ['--lease-duration-ms', String(options.leaseMs)],
      log: options.log,
    });
  } catch (error) {
    await dispose();
    throw error;
  }
  const started = stack;
  const executorId = (index: number) => `executor-${index + 1}`;
  for (const executor of started.executors) executors.set(executor.name, executor);

  return {
    addresses: started.addresses,
    nats,
    orchestrator: () => started.orchestrator,
    restartOrchestrator: () => started.restartOrchestrator(),
    executorCount: options.executors,
    executorId,
    executor(index) {
      const executor = executors.get(executorId(index));
      if (executor === undefined) throw new Error(`there is no ${executorId(index)}`);
      return executor;
    },
    async restartExecutor(index) {
      executors.set(executorId(index), await started.startExecutor(executorId(index)));
    },
    folder,
    dataFolder,
    notesFolder,
    stop,
    dispose,
  };
}
