// How soon is work given out again after the orchestrator was killed, with many tasks that are not final? From the
// start of its process: until it serves, and until an executor, which has been there all along, begins a task.

import { createExecutor } from '@tutti/client/executor';
import { readUse } from '../../support/proc.ts';
import type { Stack } from '../../support/stack.ts';
import { median, round } from '../measure.ts';
import { fill } from '../queue.ts';
import type { OwnWorkload } from './workload.ts';

const TASKS = 100_000;
const TASKS_OF_A_RUN = 10_000;
const ROUNDS = 5;
const DISPATCH_DEADLINE_MS = 120_000;

export const workload: OwnWorkload = {
  kind: 'OWN',
  help: 'from a kill with 100,000 active tasks to the first one given out again',
  stack: () => ({ executors: 0 }),
  async run(stack, rpc, options) {
    const tasks = options.tasks ?? TASKS;
    const rounds: Recovery[] = [];
    // One start beside an empty store: what is not recovery.
    const empty = await restart(stack);
    await fill(rpc, tasks, TASKS_OF_A_RUN);
    const witness = createWitness(stack);
    try {
      await witness.executor.start();
      for (let number = 1; number <= (options.rounds ?? ROUNDS); number += 1) {
        const found = await recover(stack, witness);
        rounds.push(found);
        options.say(
          `round ${number}: served after ${found.servingSeconds} s, first task after ${found.firstDispatchSeconds} s`,
        );
      }
    } finally {
      witness.finish();
      await witness.executor.stop();
    }
    return {
      tasks,
      emptyServingSeconds: empty.servingSeconds,
      servingSeconds: median(rounds.map(({ servingSeconds }) => servingSeconds)),
      firstDispatchSeconds: median(rounds.map(({ firstDispatchSeconds }) => firstDispatchSeconds)),
      rounds,
    };
  },
};

interface Restart {
  readonly servingSeconds: number;
  readonly beganMs: number;
}

interface Recovery {
  readonly servingSeconds: number;
  readonly firstDispatchSeconds: number;
  /** Of the orchestrator until then. */
  readonly cpuSeconds: number;
  readonly peakRssMegabytes: number;
}

async function restart(stack: Stack): Promise<Restart> {
  await stack.orchestrator.kill();
  const beganMs = performance.now();
  await stack.restartOrchestrator();
  return { beganMs, servingSeconds: secondsSince(beganMs) };
}

/**
 * One slot, always taken: what it holds is done at the moment of the kill, so that the report of it waits for
 * whoever comes after, and the slot is free for the next task as soon as that one has it.
 */
function createWitness(stack: Stack) {
  let done = () => {};
  let began = Promise.withResolvers<number>();
  const executor = createExecutor({
    id: 'witness',
    servers: stack.addresses.nats,
    slots: 1,
    capabilities: {
      noop() {
        began.resolve(performance.now());
        return new Promise<void>((resolve) => {
          done = resolve;
        });
      },
    },
    drainTimeout: 0,
    // That it loses the orchestrator is no news here.
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  });
  return {
    executor,
    /** When it began what it has now. */
    began: () => within(began.promise),
    finish() {
      began = Promise.withResolvers<number>();
      done();
    },
  };
}

async function recover(stack: Stack, witness: ReturnType<typeof createWitness>): Promise<Recovery> {
  await witness.began();
  await stack.orchestrator.kill();
  witness.finish();
  const beganMs = performance.now();
  await stack.restartOrchestrator();
  const servingSeconds = secondsSince(beganMs);
  const dispatchedMs = await witness.began();
  const { cpuSeconds, peakRssBytes } = readUse(stack.orchestrator.pid);
  return {
    servingSeconds,
    firstDispatchSeconds: round((dispatchedMs - beganMs) / 1_000, 3),
    cpuSeconds: round(cpuSeconds, 2),
    peakRssMegabytes: round(peakRssBytes / 1e6, 0),
  };
}

function secondsSince(beganMs: number): number {
  return round((performance.now() - beganMs) / 1_000, 3);
}

async function within(dispatched: Promise<number>): Promise<number> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`no task was given out within ${DISPATCH_DEADLINE_MS} ms`)),
    DISPATCH_DEADLINE_MS,
  );
  try {
    return await Promise.race([dispatched, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
