// The executor of the benchmarks: takes attempts through the SDK, as any executor does, and does nothing, or
// tells when it began, or computes.

import { parseArgs } from 'node:util';
import { createExecutor } from '@tutti/client/executor';
import { nowMs } from './peers/clock.ts';
import { fibo } from './peers/fibo.ts';

const { values } = parseArgs({
  options: {
    slots: { type: 'string', default: '256' },
    'exit-with-parent': { type: 'boolean', default: false },
  },
});

const executor = createExecutor({
  ...(process.env.TUTTI_EXECUTOR_ID && { id: process.env.TUTTI_EXECUTOR_ID }),
  slots: Number(values.slots),
  capabilities: {
    noop: () => undefined,
    stamp: () => nowMs(),
    fibo: ({ n }: { n: number }) => fibo(n),
  },
  drainTimeout: 5_000,
  handleSignals: true,
});
if (values['exit-with-parent']) {
  // The parent holds the other end for as long as it lives.
  process.stdin.on('end', () => void executor.stop());
  process.stdin.on('error', () => void executor.stop());
  process.stdin.resume();
}
await executor.start();
process.stdout.write(`${JSON.stringify({ executorId: executor.id })}\n`);
const error = await executor.closed;
process.exit(error === undefined ? 0 : 1);
