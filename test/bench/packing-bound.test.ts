import { create } from '@bufbuild/protobuf';
import { type RunSpec, RunSpecSchema } from '@tutti/proto/tutti/v1/run_pb.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lowerBoundSeconds, withHints } from '../support/real-inputs.ts';
import { inOrderSeconds } from './in-order.ts';
import { packingBoundSeconds } from './packing-bound.ts';

type Sketch = readonly { readonly seconds: number; readonly after: readonly number[] }[];

function runOf(sketch: Sketch): RunSpec {
  return create(RunSpecSchema, {
    tasks: sketch.map(({ seconds, after }, index) => ({
      key: `t${index}`,
      input: {
        data: { case: 'bytes' as const, value: new TextEncoder().encode(JSON.stringify({ seconds })) },
      },
      dependencies: after.map((upstream) => ({ key: `t${upstream}` })),
    })),
  });
}

/** Each as soon as its turn comes, its dependencies have ended and a slot is free, in this order. */
function makespan(sketch: Sketch, slots: number): number {
  const free: number[] = new Array(slots).fill(0);
  const ends: number[] = [];
  for (const { seconds, after } of sketch) {
    const ready = Math.max(0, ...after.map((upstream) => ends[upstream] ?? 0));
    free.sort((a, b) => a - b);
    const end = Math.max(ready, free[0] ?? 0) + seconds;
    free[0] = end;
    ends.push(end);
  }
  return Math.max(...ends);
}

test('no schedule is shorter, and the bound is no lower than work and critical path make it', () => {
  const sketches = fc
    .array(fc.record({ seconds: fc.nat(9), after: fc.array(fc.nat(), { maxLength: 2 }) }), {
      minLength: 1,
      maxLength: 20,
    })
    .map((all) =>
      all.map(({ seconds, after }, index) => ({
        seconds,
        after: index === 0 ? [] : [...new Set(after.map((number) => number % index))],
      })),
    );
  fc.assert(
    fc.property(sketches, fc.integer({ min: 1, max: 4 }), (sketch, slots) => {
      const run = runOf(sketch);
      const bound = packingBoundSeconds(run, slots);
      expect(bound).toBeLessThanOrEqual(makespan(sketch, slots) + 1e-9);
      for (const hinted of [true, false])
        expect(bound).toBeLessThanOrEqual(inOrderSeconds(run, slots, hinted) + 1e-9);
      expect(bound).toBeGreaterThanOrEqual(lowerBoundSeconds(run, slots) - 1e-9);
    }),
  );
});

test('equal tasks go in whole waves', () => {
  const equal = Array.from({ length: 33 }, () => ({ seconds: 1, after: [] }));
  expect(packingBoundSeconds(runOf(equal), 32)).toBe(2);
  const framed = [
    { seconds: 1, after: [] },
    ...equal.map(({ seconds }) => ({ seconds, after: [0] })),
    { seconds: 3, after: equal.map((_, index) => index + 1) },
  ];
  expect(packingBoundSeconds(runOf(framed), 32)).toBe(1 + 2 + 3);
});

test('in order: first ready first, and of those ready at once the longest way first, if that is known', () => {
  const run = runOf([
    { seconds: 1, after: [] },
    { seconds: 1, after: [] },
    { seconds: 3, after: [] },
  ]);
  expect(inOrderSeconds(run, 2, false)).toBe(4);
  expect(inOrderSeconds(run, 2, true)).toBe(3);
  // The long one is ready after the short ones: it comes last, whatever is known.
  const late = runOf([
    { seconds: 1, after: [] },
    ...Array.from({ length: 4 }, () => ({ seconds: 2, after: [] })),
    { seconds: 5, after: [0] },
  ]);
  expect(inOrderSeconds(late, 2, true)).toBe(9);
});

test('a hint is what the task takes, rounded up to milliseconds', () => {
  const run = runOf([{ seconds: 1.0005, after: [] }]);
  expect(withHints(run).tasks[0]?.expectedDuration).toMatchObject({ seconds: 1n, nanos: 1_000_000 });
  expect(run.tasks[0]?.expectedDuration).toBeUndefined();
});
