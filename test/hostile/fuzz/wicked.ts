// Which values have broken programs before? What honest ones look like here, and what the others are.

import type { Random } from '../../simulation/world/random.ts';

const WICKED_TEXTS: readonly string[] = [
  '',
  ' ',
  '\u0000',
  '*',
  '>',
  'a.*.b',
  '..',
  '../../etc/passwd',
  '$JS.API.>',
  'a\r\nb: c',
  '__proto__',
  'constructor',
  'toString',
  '%s%n%x',
  '\u202e\u2066',
  '\ufeff',
  '\uffff',
  'é́́́́',
  '😀'.repeat(40),
  'a'.repeat(63),
  'a'.repeat(64),
  'a'.repeat(65),
  'a'.repeat(200),
  'a'.repeat(201),
  'a'.repeat(4_096),
  'a'.repeat(4_097),
  `${'a'.repeat(298)}😀b`,
  'NaN',
  '-1',
  'null',
  '((((((((',
  '['.repeat(500),
  'input.a.b.c',
  'item + index',
  '"x".matches("(a+)+$")',
  'results.a[9223372036854775807]',
];

const EXPRESSIONS: readonly string[] = [
  'true',
  'false',
  'input == 1',
  'size(input) > 0',
  'results.a',
  '{"a": [1, 2, 3].map(x, x * 2)}',
  '[1, 2, 3].all(x, x > 0)',
  '1 / 0',
  'iteration > 3',
];

/** By the names of fields, as what an honest client would say there. */
const HONEST: Readonly<Record<string, readonly string[]>> = {
  namespace: ['', 'default', 'fuzz'],
  runId: ['before', 'held-anna', 'held-bob', 'fuzzed', 'f1', 'f2'],
  newRunId: ['', 'copy-1', 'copy-2'],
  requestId: ['', 'q1', 'q2'],
  taskKey: ['a', 'b', 'c', 'anna', 'bob'],
  key: ['a', 'b', 'c', 'd'],
  to: ['a', 'b'],
  parent: ['', 'a', 'b'],
  capability: ['echo', 'anna.work', 'bob.work', 'x.y'],
  fallback: ['', 'echo'],
  executorId: ['anna', 'bob', 'carl', 'replayed'],
  uploadId: ['u1', 'u2'],
  contentType: ['', 'application/json', 'text/plain', 'text/csv'],
  workflow: ['', 'w1', 'w2@1'],
  name: ['w1', 'w2', 'echo', 'go'],
  service: ['', 'tutti.v1.OrchestratorService', 'x'],
  pageToken: [''],
};
const EXPRESSION_FIELDS =
  /^(when|until|output|expression|inputExpression|itemsExpression|nextInput|check|reason)$/;

const NUMBERS: readonly number[] = [0, 1, 2, 3, 10, 100, 255, 256, 10_000, 100_000];
const WICKED_NUMBERS: readonly number[] = [-1, -(2 ** 31), 2 ** 31 - 1, 65_536, 1_000_001];
const WICKED_DOUBLES: readonly number[] = [Number.NaN, Number.POSITIVE_INFINITY, -0, 1e308, -1e308, 5e-324];
const WICKED_LONGS: readonly bigint[] = [-1n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n), 253_402_300_800n];

/** How often a value is a wicked one. */
const WICKEDNESS = 0.08;

export interface Values {
  text(fieldName: string): string;
  integer(): number;
  long(signed: boolean): bigint;
  double(): number;
  bytes(fieldName: string): Uint8Array;
}

/** @param known further honest texts, by the names of fields: sessions and tokens of those who live */
export function createValues(
  random: Random,
  known: Readonly<Record<string, readonly string[]>> = {},
): Values {
  const wicked = () => random.chance(WICKEDNESS);
  return {
    text(fieldName) {
      if (wicked()) return random.pick(WICKED_TEXTS);
      const honest = known[fieldName] ?? HONEST[fieldName];
      if (honest !== undefined && honest.length > 0) return random.pick(honest);
      return EXPRESSION_FIELDS.test(fieldName)
        ? random.pick(EXPRESSIONS)
        : random.pick(['a', 'b', 'c', 'text']);
    },
    integer: () => random.pick(wicked() ? WICKED_NUMBERS : NUMBERS),
    long(signed) {
      const value = wicked() ? random.pick(WICKED_LONGS) : BigInt(random.pick(NUMBERS));
      return signed || value >= 0n ? value : -value;
    },
    double: () => random.pick(wicked() ? WICKED_DOUBLES : [0, 0.5, 1, 2, 1.5]),
    bytes(fieldName) {
      if (fieldName === 'sha256' && !wicked()) return new Uint8Array(32).fill(random.below(3));
      if (wicked())
        return new Uint8Array(random.pick([0, 1, 31, 33, 4_096, 262_145])).fill(random.below(256));
      return Buffer.from(random.pick(['1', '"a"', '{"a":1}', '[1,2,3]', 'null', 'a,b\n1,2\n']));
    },
  };
}
