// What keeps everything on one machine running, and ends it in the right order?
//
// Executors are restarted, within bounds. The orchestrator is not: if it cannot go on, a person must
// know, and `up` started again on the same folder goes on where it left off.

import { setTimeout as pause } from 'node:timers/promises';
import { type Child, type ChildSpec, describeEnd, startChild } from './child.ts';
import { executorProgram, orchestratorProgram, type UpOptions } from './programs.ts';
import { createRestarts } from './restarts.ts';

/** How long a program may take to say that it is ready. */
const readyTimeoutMs = 60_000;
/** How long executors have to drain (see programs.ts) and leave, then the orchestrator to close. */
const stopGraceMs = 10_000;

/** Where things listen. */
export interface Addresses {
  readonly grpc: string;
  readonly http: string;
  readonly nats: string;
}

export interface Stack {
  readonly addresses: Addresses;
  /** Says why, once the stack cannot go on by itself. Never if it is stopped first. */
  readonly broken: Promise<string>;
  /** Executors first, so that they can report; then the orchestrator. */
  stop(): Promise<void>;
}

/** Starts a program; tests give their own. */
export type StartChild = (spec: ChildSpec) => Child;

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
  start: StartChild = startChild,
): Promise<Stack> {
  const orchestrator = start(orchestratorProgram(options));
  const executors: ExecutorKeeper[] = [];
  let onBroken: (why: string) => void = () => {};
  const broken = new Promise<string>((resolve) => {
    onBroken = resolve;
  });
  let isStopping = false;
  void orchestrator.ended.then((end) => {
    if (!isStopping) onBroken(`the orchestrator ended (${describeEnd(end)})`);
  });

  async function stop(): Promise<void> {
    isStopping = true;
    await Promise.all(executors.map((executor) => executor.stop()));
    await orchestrator.stop(stopGraceMs);
  }
  function killAll(): void {
    for (const executor of executors) executor.kill();
    orchestrator.kill();
  }
  // However this process ends, short of SIGKILL (for which the children watch their standard input).
  process.once('exit', killAll);

  try {
    const addresses = readAddresses(await readyInTime(orchestrator, 'the orchestrator', signal));
    let givenUpCount = 0;
    const onGivenUp = (): void => {
      givenUpCount += 1;
      if (givenUpCount === options.executorCount) onBroken('every executor was given up');
    };
    for (let number = 1; number <= options.executorCount; number += 1) {
      const spec = executorProgram(options, addresses.nats, number);
      executors.push(keepExecutor(spec, start, log, onGivenUp));
    }
    await Promise.all(executors.map((executor) => readyInTime(executor.first, executor.name, signal)));
    return {
      addresses,
      broken,
      async stop() {
        await stop();
        process.removeListener('exit', killAll);
      },
    };
  } catch (error) {
    await stop();
    process.removeListener('exit', killAll);
    throw error;
  }
}

interface ExecutorKeeper {
  readonly name: string;
  /** The first process: what it needs to be ready is told at the start. */
  readonly first: Child;
  stop(): Promise<void>;
  kill(): void;
}

function keepExecutor(
  spec: ChildSpec,
  start: StartChild,
  log: (line: string) => void,
  onGivenUp: () => void,
): ExecutorKeeper {
  const restarts = createRestarts();
  const stopping = new AbortController();
  let current = start(spec);
  const first = current;

  async function keep(): Promise<void> {
    for (;;) {
      const startedMs = performance.now();
      const end = await current.ended;
      if (stopping.signal.aborted) return;
      const delayMs = restarts.afterLife(performance.now() - startedMs);
      if (delayMs === undefined) {
        log(`${spec.name} ended again (${describeEnd(end)}) and is given up`);
        onGivenUp();
        return;
      }
      log(`${spec.name} ended (${describeEnd(end)}); it is started again in ${delayMs} ms`);
      await pause(delayMs, undefined, { signal: stopping.signal }).catch(() => {});
      if (stopping.signal.aborted) return;
      current = start(spec);
    }
  }
  const kept = keep();

  return {
    name: spec.name,
    first,
    async stop() {
      stopping.abort();
      await current.stop(stopGraceMs);
      await kept;
    },
    kill: () => current.kill(),
  };
}

async function readyInTime(
  child: Child,
  name: string,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const timeout = AbortSignal.timeout(readyTimeoutMs);
  const either = AbortSignal.any([signal, timeout]);
  const over = new Promise<never>((_, reject) => {
    const fail = (): void => {
      reject(
        new Error(timeout.aborted ? `${name} was not ready within ${readyTimeoutMs} ms` : 'interrupted'),
      );
    };
    if (either.aborted) fail();
    else either.addEventListener('abort', fail, { once: true });
  });
  over.catch(() => {});
  return Promise.race([child.ready, over]);
}

function readAddresses(ready: Readonly<Record<string, unknown>>): Addresses {
  const { grpc, http, nats } = ready;
  if (typeof grpc !== 'string' || typeof http !== 'string' || typeof nats !== 'string') {
    throw new Error(
      `the orchestrator said where it listens in a form that is not known: ${JSON.stringify(ready)}`,
    );
  }
  return { grpc, http, nats };
}
