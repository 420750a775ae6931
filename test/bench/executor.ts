// The executor of the benchmarks: takes attempts through the SDK, as any executor does, and does nothing.

import { parseArgs } from 'node:util';
import { createExecutor } from '@tutti/client/executor';

const { values } = parseArgs({ options: { slots: { type: 'string', default: '256' } } });

const executor = createExecutor({
  ...(process.env.TUTTI_EXECUTOR_ID && { id: process.env.TUTTI_EXECUTOR_ID }),
  slots: Number(values.slots),
  capabilities: { noop: () => undefined },
  handleSignals: true,
});
await executor.start();
process.stdout.write(`${JSON.stringify({ executorId: executor.id })}\n`);
const error = await executor.closed;
// Whoever started it may hold its standard input open.
process.exit(error === undefined ? 0 : 1);
