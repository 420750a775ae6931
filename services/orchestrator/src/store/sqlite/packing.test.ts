// Whatever goes into the columns on one thread comes out on the other.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createPacker, createUnpacker } from './packing.ts';

const value = fc.oneof(
  fc.record({ kind: fc.constant('number' as const), value: fc.maxSafeInteger() }),
  fc.record({
    kind: fc.constant('optionalNumber' as const),
    value: fc.option(fc.maxSafeInteger(), { nil: undefined }),
  }),
  fc.record({ kind: fc.constant('string' as const), value: fc.string({ unit: 'binary' }) }),
  fc.record({ kind: fc.constant('bytes' as const), value: fc.uint8Array({ maxLength: 3_000 }) }),
  fc.record({
    kind: fc.constant('optionalBytes' as const),
    value: fc.option(fc.uint8Array({ maxLength: 3_000 }), { nil: undefined }),
  }),
);

it('gives back every value in order, whatever the columns had to grow to', () => {
  fc.assert(
    fc.property(fc.array(value, { maxLength: 300 }), (values) => {
      const packer = createPacker();
      const setCount = packer.reserve();
      for (const one of values) {
        if (one.kind === 'number') packer.number(one.value);
        else if (one.kind === 'optionalNumber') packer.optionalNumber(one.value);
        else if (one.kind === 'string') packer.string(one.value);
        else if (one.kind === 'bytes') packer.bytes(one.value);
        else packer.optionalBytes(one.value);
      }
      setCount(values.length);
      const unpacker = createUnpacker(packer.finish());
      expect(unpacker.number()).toBe(values.length);
      for (const one of values) expect(unpacker[one.kind]()).toEqual(one.value);
    }),
    { numRuns: 200 },
  );
});

it('refuses to read on where numbers, bytes or text have ended', () => {
  const packer = createPacker();
  packer.string('text');
  packer.bytes(new Uint8Array(4));
  const packed = packer.finish();
  const unpacker = createUnpacker(packed);
  expect(unpacker.string()).toBe('text');
  expect(unpacker.bytes()).toHaveLength(4);
  expect(() => unpacker.number()).toThrow(RangeError);
  expect(() => createUnpacker({ ...packed, text: 'tex' }).string()).toThrow(RangeError);
  expect(() => createUnpacker({ ...packed, byteCount: 3, numbers: Float64Array.of(4) }).bytes()).toThrow(
    RangeError,
  );
});
