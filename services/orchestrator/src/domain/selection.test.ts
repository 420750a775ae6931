// BEHAVIOURS B.2: an edge passes all, nothing, named fields, the last items, so many bytes.

import { describe, expect, test } from 'vitest';
import { selectFrom } from './selection.ts';
import { SELECT_ALL, type Selection } from './spec.ts';

function select(text: string, selection: Partial<Selection>, contentType = '') {
  const bytes = new TextEncoder().encode(text);
  const selected = selectFrom({ bytes, contentType }, { ...SELECT_ALL, ...selection });
  if (!selected.ok) return selected;
  const { payload } = selected;
  return payload && [new TextDecoder('utf-8', { fatal: true }).decode(payload.bytes), payload.contentType];
}

test.each<[string, string, Partial<Selection>, string | undefined]>([
  ['all', '{"a":1}', {}, '{"a":1}'],
  ['nothing', '{"a":1}', { part: { type: 'NOTHING' } }, undefined],
  [
    'fields',
    '{"a":1,"b":null,"c":3}',
    { part: { type: 'FIELDS', names: ['c', 'b', 'x'] } },
    '{"b":null,"c":3}',
  ],
  ['own fields alone', '{"a":1}', { part: { type: 'FIELDS', names: ['constructor'] } }, '{}'],
  ['fields of a list: it passes whole', '[1]', { part: { type: 'FIELDS', names: ['a'] } }, '[1]'],
  ['the last items', '[1,2,3]', { part: { type: 'LAST', count: 2 } }, '[2,3]'],
  ['more items than there are', '[1]', { part: { type: 'LAST', count: 2 } }, '[1]'],
  ['items of an object: it passes whole', '{"a":1}', { part: { type: 'LAST', count: 2 } }, '{"a":1}'],
  ['what fits', '[1]', { maxBytes: 3 }, '[1]'],
  ['what fits once selected', '[1,2,3]', { part: { type: 'LAST', count: 1 }, maxBytes: 3 }, '[3]'],
])('%s', (_, text, selection, expected) => {
  expect(select(text, selection)).toEqual(expected === undefined ? undefined : [expected, '']);
});

test('a larger one is refused by default', () => {
  expect(select('[1,2]', { maxBytes: 4 })).toEqual({ ok: false, sizeBytes: 5, limitBytes: 4 });
});

test('or cut at a whole character; cut JSON passes as text', () => {
  const cut = { maxBytes: 3, oversize: 'CUT' } as const;

  expect(select('[1,2]', cut)).toEqual(['[1,', 'text/plain; charset=utf-8']);
  expect(select('aäää', { ...cut, maxBytes: 4 }, 'text/markdown')).toEqual(['aä', 'text/markdown']);
  expect(select('€', { ...cut, maxBytes: 2 }, 'text/plain')).toEqual(['', 'text/plain']);
});

describe('B.4: a result that is stored apart passes whole or not at all', () => {
  const ref = { sha256: 'ab'.repeat(32), sizeBytes: 5_000 };
  const result = { bytes: new Uint8Array(0), contentType: '', ref };
  const selected = (selection: Partial<Selection>) => selectFrom(result, { ...SELECT_ALL, ...selection });
  const refused = (limitBytes: number) => ({ ok: false, sizeBytes: 5_000, limitBytes, apart: true });

  test.each<[string, Partial<Selection>, unknown]>([
    ['all', {}, { ok: true, payload: result }],
    ['nothing', { part: { type: 'NOTHING' } }, { ok: true, payload: undefined }],
    ['within the limit of its edge', { maxBytes: 5_000 }, { ok: true, payload: result }],
    ['beyond it', { maxBytes: 4_999 }, refused(4_999)],
    ['beyond it, and to be cut', { maxBytes: 4_999, oversize: 'CUT' }, refused(4_999)],
    ['fields', { part: { type: 'FIELDS', names: ['a'] } }, refused(262_144)],
    ['the last items', { part: { type: 'LAST', count: 1 } }, refused(262_144)],
  ])('%s', (_, selection, expected) => {
    expect(selected(selection)).toEqual(expected);
  });
});
