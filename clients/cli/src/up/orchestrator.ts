// How does the orchestrator stay where it was, also after it died?

import type { Child } from './child.ts';
import { keepRunning, type StartChild } from './keep.ts';
import { type Addresses, listeningAgain, orchestratorProgram, type UpOptions } from './programs.ts';
import { readyInTime } from './ready.ts';
import type { RestartPolicy } from './restarts.ts';

const name = 'the orchestrator';

export interface OrchestratorSettings {
  readonly start: StartChild;
  readonly policy: RestartPolicy;
  readonly log: (line: string) => void;
  /** Its own NATS server could not have its port again. */
  readonly onNatsMoved: () => void;
  readonly onGivenUp: (end: string) => void;
}

export interface KeptOrchestrator {
  /** Where it listens, now or as soon as it is back. */
  readonly addresses: () => Addresses;
  /** False while it is started again, and once it was given up. */
  readonly isUp: () => boolean;
  stop(graceMs: number): Promise<void>;
  kill(): void;
}

/**
 * Waits until the first process is ready, and keeps it running from then on: one that cannot even start
 * the first time would not the second time.
 */
export async function keepOrchestrator(
  options: UpOptions,
  first: Child,
  signal: AbortSignal,
  settings: OrchestratorSettings,
): Promise<KeptOrchestrator> {
  const { start, policy, log } = settings;
  let addresses = readAddresses(await readyInTime(first, name, signal));
  let isUp = true;
  let isStopping = false;
  const seeEnd = (child: Child): void => {
    void child.ended.then(() => {
      isUp = false;
    });
  };

  async function welcome(child: Child): Promise<void> {
    seeEnd(child);
    try {
      const now = readAddresses(await readyInTime(child, name, signal));
      const hasMoved = now.nats !== addresses.nats;
      addresses = now;
      isUp = true;
      log(`${name} is back`);
      if (hasMoved) settings.onNatsMoved();
    } catch (error) {
      if (isStopping || signal.aborted) return;
      log(error instanceof Error ? error.message : String(error));
      // Whatever it does, it is of no use; the next one may be.
      child.kill();
    }
  }

  seeEnd(first);
  const keeper = keepRunning({
    ...{ name, first, start, policy, log, onGivenUp: settings.onGivenUp },
    spec: () => orchestratorProgram(listeningAgain(options, addresses)),
    onRestart: (child) => void welcome(child),
  });
  return {
    addresses: () => addresses,
    isUp: () => isUp,
    stop(graceMs) {
      isStopping = true;
      return keeper.stop(graceMs);
    },
    kill: () => keeper.kill(),
  };
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
