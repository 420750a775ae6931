// One cycle: a fault, its end, and how long it takes until work goes on.

import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessEnd } from '../support/service-process.ts';
import type { Fault } from './faults.ts';
import type { Pulse } from './pulse.ts';
import type { Stage } from './stage.ts';

export interface CycleNote {
  readonly fault: Fault;
  readonly struckAtMs: number;
  /** The process was started again, or goes on. */
  readonly upAtMs: number;
  /** It said that it is ready; the same where it only stood still. */
  readonly readyAtMs: number;
  /** From `upAtMs` to the first attempt that is given out, and to the first that succeeds; undefined: in vain. */
  readonly dispatchedMs: number | undefined;
  readonly completedMs: number | undefined;
  /** What should not have been. */
  readonly complaints: readonly string[];
}

/** Told to end, each must have ended by then. */
const TERMINATE_MS = 15_000;
const RECOVERY_PATIENCE_MS = 30_000;

export interface CycleOptions {
  readonly stage: Stage;
  readonly pulse: Pulse;
  readonly fault: Fault;
  readonly leaseMs: number;
  readonly signal: AbortSignal;
  /** Told while the process is away or stands still. */
  readonly struck: (fault: Fault) => void;
}

interface Up {
  readonly upAtMs: number;
  readonly readyAtMs: number;
}

export async function runCycle(options: CycleOptions): Promise<CycleNote> {
  const { fault, pulse, stage, signal } = options;
  await delay(fault.pauseMs, undefined, { signal });
  const complaints: string[] = [];
  const struckAtMs = Date.now();
  const { upAtMs, readyAtMs } = await strike(options, complaints);
  // Of an executor, work is back when it has work itself.
  const executorId = fault.kind.startsWith('executor') ? stage.executorId(fault.executor) : undefined;
  const [dispatchedAtMs, completedAtMs] = await Promise.all([
    pulse.first('dispatched', upAtMs, RECOVERY_PATIENCE_MS, executorId),
    pulse.first('completed', upAtMs, RECOVERY_PATIENCE_MS, executorId),
  ]);
  signal.throwIfAborted();
  return {
    fault,
    struckAtMs,
    upAtMs,
    readyAtMs,
    dispatchedMs: dispatchedAtMs && dispatchedAtMs - upAtMs,
    completedMs: completedAtMs && completedAtMs - upAtMs,
    complaints,
  };
}

async function strike(options: CycleOptions, complaints: string[]): Promise<Up> {
  const { stage, fault, signal } = options;
  const { nats } = stage;
  const away = () => {
    options.struck(fault);
    return delay(fault.holdMs, undefined, { signal });
  };
  switch (fault.kind) {
    case 'orchestrator killed':
      await stage.orchestrator().kill();
      await away();
      return startAgain(() => stage.restartOrchestrator());
    case 'orchestrator terminated':
      complainOf(await stage.orchestrator().stop(TERMINATE_MS), 'the orchestrator', complaints);
      await away();
      return startAgain(() => stage.restartOrchestrator());
    case 'orchestrator stopped':
    case 'orchestrator stopped for longer than a lease':
      return standStill((name) => void stage.orchestrator().kill(name), away);
    case 'executor killed':
      await stage.executor(fault.executor).kill();
      await away();
      return startAgain(() => stage.restartExecutor(fault.executor));
    case 'executor killed and gone':
      await stage.executor(fault.executor).kill();
      options.struck(fault);
      await untilNoticed(options, complaints);
      return startAgain(() => stage.restartExecutor(fault.executor));
    case 'executor terminated': {
      const executor = stage.executor(fault.executor);
      complainOf(await executor.stop(TERMINATE_MS), executor.name, complaints);
      await away();
      return startAgain(() => stage.restartExecutor(fault.executor));
    }
    case 'executor stopped':
    case 'executor stopped for longer than a lease':
      return standStill((name) => void stage.executor(fault.executor).kill(name), away);
    case 'nats-server killed':
      await nats.end('SIGKILL');
      await away();
      return startAgain(() => nats.start());
    case 'nats-server terminated':
      await nats.end('SIGTERM');
      await away();
      return startAgain(() => nats.start());
    case 'everything killed': {
      const executors = Array.from({ length: stage.executorCount }, (_, index) => index);
      await Promise.all([
        stage.orchestrator().kill(),
        nats.end('SIGKILL'),
        ...executors.map((index) => stage.executor(index).kill()),
      ]);
      await away();
      // Each finds the others, whoever comes first.
      return startAgain(async () => {
        const others = executors.map((index) => stage.restartExecutor(index));
        await Promise.all([stage.restartOrchestrator(), nats.start(), ...others]);
      });
    }
    case 'nats-server stopped':
      return standStill((name) => nats.signal(name), away);
  }
}

function complainOf({ code, signal }: ProcessEnd, name: string, complaints: string[]): void {
  if (code !== 0) complaints.push(`${name} was told to end, and ended with ${signal ?? `exit code ${code}`}`);
}

async function startAgain(start: () => Promise<void>): Promise<Up> {
  const upAtMs = Date.now();
  await start();
  return { upAtMs, readyAtMs: Date.now() };
}

async function standStill(
  signal: (name: 'SIGSTOP' | 'SIGCONT') => void,
  away: () => Promise<void>,
): Promise<Up> {
  signal('SIGSTOP');
  try {
    await away();
  } finally {
    signal('SIGCONT');
  }
  const upAtMs = Date.now();
  return { upAtMs, readyAtMs: upAtMs };
}

async function untilNoticed(
  { stage, pulse, fault, leaseMs }: CycleOptions,
  complaints: string[],
): Promise<void> {
  const id = stage.executorId(fault.executor);
  const patienceMs = 2 * leaseMs + 15_000;
  if (await pulse.untilNothingHeld(id, patienceMs)) return;
  complaints.push(`${id} was killed, and ${patienceMs} ms later it still counts as holding attempts`);
}
