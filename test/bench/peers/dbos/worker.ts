// An application with DBOS in it, in a process of its own: starts the workflows that it is asked for, and those of
// its queue; a task is a workflow of its own there, and a step of a workflow elsewhere.

import { DBOS } from '@dbos-inc/dbos-sdk';
import { nowMs } from '../clock.ts';
import { fibo } from '../fibo.ts';
import { tellEnded, workerReady, workerSettings } from '../worker-side.ts';

/** What the adapter asks for; the answer is the end of `run`. */
export type Order =
  | { readonly run: string; readonly workflow: 'stamped' }
  | {
      readonly run: string;
      readonly workflow: 'chain';
      readonly steps: number;
      readonly n: number | undefined;
    }
  | { readonly run: string; readonly workflow: 'fan'; readonly width: number };

export interface Settings {
  readonly url: string;
  readonly application: string;
  readonly queue: string;
  /** Of this process. */
  readonly slots: number;
  readonly pollingIntervalMs: number;
}

const { url, application, queue, slots, pollingIntervalMs } = workerSettings<Settings>();

/** Its default is 10; connections are what its workflows wait for first. */
const POOL_SIZE = 20;

const noop = async () => {};

DBOS.registerWorkflow(noop, { name: 'noop' });

const stamped = DBOS.registerWorkflow(async () => DBOS.runStep(async () => nowMs(), { name: 'stamp' }), {
  name: 'stamped',
});

const chain = DBOS.registerWorkflow(
  async (steps: number, n: number | null) => {
    const step = async () => (n === null ? 0 : fibo(n));
    for (let index = 0; index < steps; index += 1) await DBOS.runStep(step, { name: 'step' });
  },
  { name: 'chain' },
);

const fan = DBOS.registerWorkflow(
  async (width: number) => {
    for (const size of [1, width, 1]) {
      // Steps begun in a fixed order and awaited together:
      // https://docs.dbos.dev/typescript/tutorials/workflow-tutorial#determinism
      await Promise.all(Array.from({ length: size }, () => DBOS.runStep(noop, { name: 'step' })));
    }
  },
  { name: 'fan' },
);

async function follow(order: Order): Promise<number> {
  switch (order.workflow) {
    case 'stamped':
      return await (await DBOS.startWorkflow(stamped)()).getResult();
    case 'chain':
      await (await DBOS.startWorkflow(chain)(order.steps, order.n ?? null)).getResult();
      return 0;
    case 'fan':
      await (await DBOS.startWorkflow(fan)(order.width)).getResult();
      return 0;
  }
}

DBOS.setConfig({
  name: application,
  systemDatabaseUrl: url,
  systemDatabasePoolSize: POOL_SIZE,
  logLevel: 'error',
  // Processes are told apart by it; alike, each would take up the other's workflows at its start.
  executorID: String(process.pid),
  applicationVersion: 'bench',
});
await DBOS.launch();
await DBOS.registerQueue(queue, {
  workerConcurrency: slots,
  minPollingIntervalMs: pollingIntervalMs,
  onConflict: 'always_update',
});
process.on('message', (order: Order) => {
  follow(order).then(
    (startedAtMs) => tellEnded(order.run, startedAtMs),
    (error: unknown) => {
      process.stderr.write(`dbos: ${String(error)}\n`);
      process.exit(1);
    },
  );
});
workerReady(() => DBOS.shutdown());
