// Work that nobody takes fills the memory of the orchestrator up to a limit, and no further: then more is
// refused, and the process lives.

import { expect, test } from 'vitest';
import { startStack } from '../support/stack.ts';
import { newTally, openLoop, settle } from './load.ts';
import { metricsOf, sumOf } from './progress.ts';
import { openRawConnection } from './raw-connection.ts';
import { prepareSubmissions } from './submissions.ts';

const RESOURCE_EXHAUSTED = 8;
/** So many are refused for the lack of memory before it is enough. */
const REFUSALS = 50;

test('an orchestrator without memory to spare refuses more work, and goes on', async () => {
  // Little memory, so that it is soon full; and no executors, so that nothing is ever done.
  await using stack = await startStack({ executors: 0, env: { NODE_OPTIONS: '--max-old-space-size=200' } });
  const address = stack.addresses.grpc;
  const load = {
    connections: [await openRawConnection(address)],
    submissions: prepareSubmissions(address, 20),
  };
  const tally = newTally();
  let refused = 0;
  const looking = setInterval(async () => {
    const metrics = await metricsOf(stack).catch(() => '');
    refused = sumOf(metrics, 'tutti_admissions_refused_total', 'resource="memory"');
  }, 100);
  let ended = false;
  void stack.orchestrator.ended.then(() => {
    ended = true;
  });

  await openLoop(load, tally, 150, () => refused >= REFUSALS || ended);
  clearInterval(looking);
  await settle(load, 30_000);

  expect(ended).toBe(false);
  expect(tally.byStatus.get(RESOURCE_EXHAUSTED)).toBeGreaterThanOrEqual(REFUSALS);
  expect([...tally.byStatus.keys()].sort()).toEqual([0, RESOURCE_EXHAUSTED]);
  expect(sumOf(await metricsOf(stack), 'tutti_runs_active')).toBeGreaterThan(0);
  for (const connection of load.connections) connection.close();
});
