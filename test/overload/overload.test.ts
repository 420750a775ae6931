// The short form of `npm run overload`: under ten times the load, refusals say when to come again, a client of
// the SDK gets through all the same, and nothing that was acknowledged is lost. It judges no speed: machines
// that run this have other things to do.

import { createClient } from '@tutti/client';
import { expect, test } from 'vitest';
import { NOOP_EXECUTOR } from '../bench/bench.ts';
import { startStack } from '../support/stack.ts';
import { findUnended } from './account.ts';
import { newTally, openLoop, settle } from './load.ts';
import { metricsOf, sumOf } from './progress.ts';
import { openRawConnection } from './raw-connection.ts';
import { prepareSubmissions } from './submissions.ts';

const RESOURCE_EXHAUSTED = 8;
const RUNS_PER_CALL = 10;
/** Of one client that ignores every hint. */
const CALLS_PER_SECOND = 2_000;

test('an orchestrator with too much to do refuses, says when to come again, and loses nothing', async () => {
  // So little may be ready that the overload begins with the first calls, on whatever machine.
  await using stack = await startStack({
    executors: 1,
    executorProgram: NOOP_EXECUTOR,
    slots: 64,
    orchestratorArgs: ['--max-pending-bytes', '1048576', '--max-busy-ready-tasks', '100'],
  });
  const address = stack.addresses.grpc;
  const load = {
    connections: [await openRawConnection(address)],
    submissions: prepareSubmissions(address, RUNS_PER_CALL),
  };
  const tally = newTally();
  const polite = createClient({ address, timeoutMs: 60_000 });
  const hints: (number | undefined)[] = [];
  const impatient = createClient({ address, retry: { maxAttempts: 1 } });

  // The flood goes on until somebody is refused, however long that takes here.
  let isRefused = false;
  const flood = openLoop(load, tally, CALLS_PER_SECOND, () => isRefused);
  while (hints.length === 0) {
    await impatient.submit({ capability: 'noop' }).catch((error) => {
      expect(error).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'LIMIT_REACHED' });
      hints.push(error.retryDelayMs);
    });
  }
  expect(hints[0]).toBeGreaterThan(0);
  const submitting = polite.submit({ capability: 'noop' });
  isRefused = true;
  await flood;
  const run = await submitting;
  await settle(load, 60_000);

  expect(await run.wait()).toMatchObject({ finished: true, succeeded: true });
  expect([...tally.byStatus.keys()].sort()).toEqual([0, RESOURCE_EXHAUSTED]);
  const metrics = await metricsOf(stack);
  expect(sumOf(metrics, 'tutti_admissions_refused_total')).toBeGreaterThanOrEqual(
    (tally.byStatus.get(RESOURCE_EXHAUSTED) ?? 0) + hints.length,
  );
  const { acknowledged, lost } = await findUnended(stack, tally.answers, () => {});
  expect(acknowledged).toBeGreaterThan(0);
  expect(lost).toEqual([]);
  for (const client of [polite, impatient]) client.close();
  for (const connection of load.connections) connection.close();
});
