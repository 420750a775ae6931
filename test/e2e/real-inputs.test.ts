// Every recorded workflow runs to its end, each task after its parents (issue 2, "Shows it is done").

import { expect, test } from 'vitest';
import { listRealInputs, NO_REAL_INPUTS, readRealInput } from '../support/real-inputs.ts';
import { setScene } from '../support/scene.ts';

const EXECUTORS = 2;
const SLOTS = 32;
/** What each takes at least when it is alone. */
const BOUND_SECONDS = 0.5;

const names = listRealInputs();
if (names.length === 0) console.warn(`skipped: ${NO_REAL_INPUTS}`);

test.skipIf(names.length === 0)(
  'all real inputs complete, side by side, each task after its parents',
  async () => {
    await using scene = await setScene({ executors: EXECUTORS, slots: SLOTS });
    const { follower } = scene;
    for (const name of names) {
      await scene.submit(runIdOf(name), readRealInput(name, BOUND_SECONDS, EXECUTORS * SLOTS));
    }
    for (const name of names) {
      await follower.until(`${name} has ended`, () => follower.ended(runIdOf(name)));
    }
    const { violations, runs, attempts } = await scene.judge();
    expect(violations).toEqual([]);
    expect([...runs].map(([runId, run]) => [runId, run.end])).toEqual(
      names.map((name) => [runIdOf(name), 'runCompleted']),
    );
    // Without a fault, no task is tried twice.
    expect(attempts.filter((attempt) => attempt.number > 1)).toEqual([]);
  },
);

function runIdOf(name: string): string {
  return name.replace('.json.gz', '').replaceAll('.', '-');
}
