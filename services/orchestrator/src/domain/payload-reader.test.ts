// B.3: payloads that are read again and again, in turn, are parsed once.

import { expect, test } from 'vitest';
import { createPayloadReader } from './payload-json.ts';
import { payload } from './test-support.ts';

const json = (text: string) => ({ ...payload(text), contentType: '' });

test('B.3: a reader knows the few payloads that it read last, and no more', () => {
  const read = createPayloadReader();
  const [list, input] = [json('[1]'), json('{"a":1}')];
  const [first, second] = [read(list), read(input)];

  expect([read(list), read(input)].map((each, index) => each === [first, second][index])).toEqual([
    true,
    true,
  ]);
  for (const other of ['[2]', '[3]', '[4]', '[5]']) read(json(other));
  expect(read(list)).toEqual([1]);
  expect(read(list)).not.toBe(first);
});
