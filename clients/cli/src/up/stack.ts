// What keeps everything on one machine running, and ends it in the right order?
//
// Whatever dies is started again, within bounds: the orchestrator on the same ports and data, so that
// clients and executors find it again (DESIGN, promise 8). What keeps dying is given up: if that is the
// orchestrator, or every executor, a person must know.

import { startChild } from './child.ts';
import { type Keeper, keepRunning, type StartChild } from './keep.ts';
import { type KeptOrchestrator, keepOrchestrator } from './orchestrator.ts';
import { type Addresses, executorProgram, orchestratorProgram, type UpOptions } from './programs.ts';
import { readyInTime } from './ready.ts';
import { executorRestartPolicy, orchestratorRestartPolicy, type RestartPolicy } from './restarts.ts';

/** Executors may drain (see programs.ts) and leave, then the orchestrator close. */
const inOrder = { signal: 'SIGTERM', graceMs: 10_000 } as const;
/** Executors without an orchestrator have nobody to finish for: they drop what they hold. */
const forsaken = { signal: 'SIGHUP', graceMs: 2_000 } as const;

export interface Stack {
  readonly addresses: Addresses;
  /** Says why, once the stack cannot go on by itself. Never if it is stopped first. */
  readonly broken: Promise<string>;
  /** Executors first, so that they can report; then the orchestrator. */
  stop(): Promise<void>;
}

/** What tests replace. */
export interface StackParts {
  readonly start: StartChild;
  readonly orchestratorPolicy: RestartPolicy;
  readonly executorPolicy: RestartPolicy;
}

const realParts: StackParts = {
  start: startChild,
  orchestratorPolicy: orchestratorRestartPolicy,
  executorPolicy: executorRestartPolicy,
};

/**
 * Starts the orchestrator, then executors, and answers when all of them are ready.
 *
 * @param signal ends the start early; whatever was started is stopped.
 * @param log is told what happens, for people.
 * @throws Error if a program does not become ready; nothing is left running.
 */
export async function startStack(
  options: UpOptions,
  signal: AbortSignal,
  log: (line: string) => void,
  parts: StackParts = realParts,
): Promise<Stack> {
  const broken = Promise.withResolvers<string>();
  const first = parts.start(orchestratorProgram(options));
  const executors: Keeper[] = [];
  let orchestrator: KeptOrchestrator | undefined;

  async function stop(): Promise<void> {
    const leave = orchestrator?.isUp() ? inOrder : forsaken;
    await Promise.all(executors.map((executor) => executor.stop(leave.graceMs, leave.signal)));
    await (orchestrator ?? first).stop(inOrder.graceMs);
    process.removeListener('exit', killAll);
  }
  function killExecutors(): void {
    for (const executor of executors) executor.kill();
  }
  function killAll(): void {
    killExecutors();
    (orchestrator ?? first).kill();
  }
  // However this process ends, short of SIGKILL (for which the children watch their standard input).
  process.once('exit', killAll);

  try {
    orchestrator = await keepOrchestrator(options, first, signal, {
      ...{ start: parts.start, policy: parts.orchestratorPolicy, log },
      // They would look for it where nobody is any more; started again, they are told where.
      onNatsMoved: killExecutors,
      onGivenUp: (end) => broken.resolve(`the orchestrator ended again and again, the last time with ${end}`),
    });
    const { addresses } = orchestrator;
    let givenUpCount = 0;
    const onGivenUp = (): void => {
      givenUpCount += 1;
      if (givenUpCount === options.executorCount) broken.resolve('every executor was given up');
    };
    const ready: Promise<unknown>[] = [];
    for (let number = 1; number <= options.executorCount; number += 1) {
      const spec = () => executorProgram(options, addresses().nats, number);
      const { name } = spec();
      const child = parts.start(spec());
      const { start, executorPolicy: policy } = parts;
      executors.push(keepRunning({ name, first: child, spec, start, policy, log, onGivenUp }));
      ready.push(readyInTime(child, name, signal));
    }
    await Promise.all(ready);
    return { addresses: addresses(), broken: broken.promise, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
