// What CI runs of the simulation. By hand: npm run simulate -- --seeds 100000.

import { EventSchema } from '@tutti/proto/tutti/v1/event_pb.ts';
import { expect, test } from 'vitest';
import { runSeeds } from './seeds.ts';
import { FAULTS } from './world/coverage.ts';

const SEEDS = 2_000;

test('every promise holds under every kind of fault, and each kind did strike', {
  timeout: 300_000,
}, async () => {
  const { tally, broken } = await runSeeds({
    from: 1,
    count: SEEDS,
    deadlineMs: undefined,
    all: true,
    progress() {},
  });
  const violations = broken.map(({ seed, message }) => `npm run simulate -- --seed ${seed}: ${message}`);
  expect(violations).toEqual([]);
  expect(tally.seeds).toBe(SEEDS);
  expect(FAULTS.filter((fault) => !tally.faults.has(fault))).toEqual([]);
  // What runs can come to: a construct that never happens is not tested.
  const changes = EventSchema.oneofs.find(({ name }) => name === 'change');
  const never = changes?.fields.filter(({ localName }) => !tally.events.has(localName));
  expect(never?.map(({ localName }) => localName)).toEqual([]);
});
