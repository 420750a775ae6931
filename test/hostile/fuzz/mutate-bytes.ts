// How do bytes go wrong? Any of these, a few times over.

import type { Random } from '../../simulation/world/random.ts';

type Mutation = (bytes: Buffer, random: Random) => Buffer;

const MAX_BYTES = 2 * 1024 * 1024;
/** Lengths and tags that decoders stumble over. */
const WICKED: readonly string[] = [
  '00',
  'ff',
  '7f',
  '80',
  'ffffffff0f',
  'ffffffffffffffffff01',
  '0b',
  '0c',
  '0f',
  'c080',
  'eda080',
];

const MUTATIONS: readonly Mutation[] = [
  function flipBit(bytes, random) {
    const changed = Buffer.from(bytes);
    const at = random.below(changed.byteLength);
    changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8));
    return changed;
  },
  function overwrite(bytes, random) {
    const changed = Buffer.from(bytes);
    Buffer.from(random.pick(WICKED), 'hex').copy(changed, random.below(changed.byteLength));
    return changed;
  },
  function insert(bytes, random) {
    const at = random.below(bytes.byteLength + 1);
    return Buffer.concat([
      bytes.subarray(0, at),
      Buffer.from(random.pick(WICKED), 'hex'),
      bytes.subarray(at),
    ]);
  },
  function cut(bytes, random) {
    return Buffer.from(bytes.subarray(0, random.below(bytes.byteLength + 1)));
  },
  function remove(bytes, random) {
    const [from, to] = span(bytes, random);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  function duplicate(bytes, random) {
    const [from, to] = span(bytes, random);
    const times = random.chance(0.1) ? random.between(10, 2_000) : random.between(1, 3);
    const part = bytes.subarray(from, to);
    return Buffer.concat([
      bytes.subarray(0, to),
      Buffer.alloc(part.byteLength * times, part),
      bytes.subarray(to),
    ]);
  },
  function shuffle(bytes, random) {
    const [from, to] = span(bytes, random);
    return Buffer.concat([bytes.subarray(to), bytes.subarray(from, to), bytes.subarray(0, from)]);
  },
];

export function mutated(bytes: Uint8Array, random: Random): Buffer {
  let changed: Buffer = Buffer.from(bytes);
  for (let count = random.between(1, 4); count > 0; count -= 1) {
    if (changed.byteLength === 0) changed = Buffer.from(random.pick(WICKED), 'hex');
    const next = random.pick(MUTATIONS)(changed, random);
    if (next.byteLength <= MAX_BYTES) changed = next;
  }
  return changed;
}

function span(bytes: Buffer, random: Random): [from: number, to: number] {
  const from = random.below(bytes.byteLength);
  return [from, Math.min(bytes.byteLength, from + random.between(1, random.chance(0.2) ? 200 : 12))];
}
