// The services of the Restate peer: a task is a call of a service, a step of a chain is a `ctx.run`.

import { createServer } from 'node:http2';
import * as restate from '@restatedev/restate-sdk';
import { nowMs } from '../clock.ts';
import { fibo } from '../fibo.ts';
import { workerReady, workerSettings } from '../worker-side.ts';

const { port } = workerSettings<{ port: number }>();

const TASKS = { name: 'tasks' };

const tasks = restate.service({
  ...TASKS,
  handlers: {
    noop: async () => {},
    stamp: async () => nowMs(),
    chain: async (context: restate.Context, { steps, n }: { steps: number; n: number }) => {
      for (let index = 0; index < steps; index += 1) await context.run(`step-${index}`, () => fibo(n));
    },
    threeSteps: async (context: restate.Context) => {
      for (let index = 0; index < 3; index += 1) await context.run(`step-${index}`, () => undefined);
    },
    // https://docs.restate.dev/guides/parallelizing-work: subtasks are calls, awaited together.
    many: async (context: restate.Context, width: number) => callMany(context, width),
    fan: async (context: restate.Context, width: number) => {
      await callMany(context, 1);
      await callMany(context, width);
      await callMany(context, 1);
    },
  },
});

async function callMany(context: restate.Context, width: number): Promise<void> {
  const client = context.serviceClient<typeof tasks>(TASKS);
  await restate.RestatePromise.all(Array.from({ length: width }, () => client.noop()));
}

// HTTP/2, as `restate.serve` has it, on this machine alone.
const server = createServer(restate.createEndpointHandler({ services: [tasks], logger: logErrors }));
server.listen(port, '127.0.0.1', () => workerReady(async () => server.close()));

function logErrors(meta: restate.LogMetadata, ...text: unknown[]): void {
  if (meta.level === 'error') process.stderr.write(`${text.join(' ')}\n`);
}
