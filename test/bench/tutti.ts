// Tutti as a contestant: the orchestrator with its nats-server, and two executors, each a process of its own.

import { readFileSync } from 'node:fs';
import { createRpc, type Rpc } from '../support/rpc.ts';
import { startStack } from '../support/stack.ts';
import { NOOP_EXECUTOR, noopStack } from './bench.ts';
import { nowMs } from './peers/clock.ts';
import type { RunOne } from './peers/loops.ts';
import { offer } from './peers/offer.ts';
import type { Load, Measured, Peer } from './peers/peer.ts';
import {
  allCompleted,
  chainRun,
  execute,
  fanRun,
  flatRun,
  type RunInit,
  STAMPED_RUN,
  submitAll,
} from './runs.ts';

const TASKS_OF_A_LARGE_RUN = 10_000;
/** How runs of one task are submitted where many are: so many in a call, so many calls at once. */
const RUNS_OF_A_CALL = 250;
const CALLS_AT_ONCE = 4;

const tutti: Peer = {
  name: 'tutti',
  settings: 'SQLite synchronous=FULL, 2 executors over NATS, gRPC',
  durability: 'FSYNC',
  kinds: ['flat-large', 'flat-single', 'latency-serial', 'latency-open', 'three-step', 'chain', 'fan'],
  prepare: async () => undefined,
  async start({ folder, slots, say }) {
    const log = process.env.TUTTI_TEST_LOGS === '1' ? say : () => {};
    const stack = await startStack({ ...noopStack(slots), dataFolder: `${folder}/tutti`, log });
    const rpc = createRpc(stack.addresses.grpc);
    return {
      version: `Tutti ${version()}, ${NOOP_EXECUTOR} on Node ${process.version}`,
      processes() {
        const nats = stack.natsServerPid();
        return [
          { role: 'orchestrator', pid: stack.orchestrator.pid },
          ...(nats === undefined ? [] : [{ role: 'nats', pid: nats }]),
          ...stack.executors.map(({ pid }) => ({ role: 'executors', pid })),
        ];
      },
      async run(load) {
        try {
          return await runLoad(rpc, load);
        } catch (error) {
          say(`the orchestrator last said:\n${stack.orchestrator.lastLines().slice(-20).join('\n')}`);
          throw error;
        }
      },
      async stop() {
        rpc.close();
        await stack.stop();
      },
    };
  },
};

function runLoad(rpc: Rpc, load: Load): Promise<Measured> {
  const runOf = (spec: RunInit): RunOne => {
    return async () => {
      await execute(rpc, spec);
      return { startedAtMs: undefined };
    };
  };
  return offer(load, {
    flat(tasks, isKnown) {
      if (isKnown) {
        const specs = Array.from({ length: tasks }, () => flatRun(1));
        return flat(rpc, specs, tasks, RUNS_OF_A_CALL, CALLS_AT_ONCE);
      }
      const specs = Array.from({ length: Math.ceil(tasks / TASKS_OF_A_LARGE_RUN) }, (_, index) =>
        flatRun(Math.min(TASKS_OF_A_LARGE_RUN, tasks - index * TASKS_OF_A_LARGE_RUN)),
      );
      return flat(rpc, specs, tasks, 1, 2);
    },
    one: () => stampedRun(rpc),
    steps: (count, fibo) => runOf(fibo === undefined ? chainRun(count) : fiboChain(count, fibo)),
    fan: (width) => runOf(fanRun(width)),
  });
}

async function flat(
  rpc: Rpc,
  specs: readonly RunInit[],
  tasks: number,
  batch: number,
  inFlight: number,
): Promise<Measured> {
  const beganMs = nowMs();
  await allCompleted(rpc, await submitAll(rpc, specs, batch, inFlight));
  return { seconds: (nowMs() - beganMs) / 1_000, runs: specs.length, tasks };
}

async function stampedRun(rpc: Rpc): Promise<{ startedAtMs: number }> {
  const { output } = await execute(rpc, STAMPED_RUN);
  if (output?.data.case !== 'bytes') throw new Error('the run came to nothing');
  return { startedAtMs: Number(new TextDecoder().decode(output.data.value)) };
}

function fiboChain(steps: number, n: number): RunInit {
  const input = { data: { case: 'bytes' as const, value: new TextEncoder().encode(JSON.stringify({ n })) } };
  const spec = chainRun(steps);
  return {
    ...spec,
    tasks: (spec.tasks ?? []).map((task) => ({ ...task, capability: 'fibo', input })),
  } as RunInit;
}

function version(): string {
  const path = new URL('../../services/orchestrator/package.json', import.meta.url);
  return String((JSON.parse(readFileSync(path, 'utf8')) as { version: unknown }).version);
}

export const peers: readonly Peer[] = [tutti];
