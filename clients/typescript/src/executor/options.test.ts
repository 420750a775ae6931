// What an executor may be set up with: nothing that could be a different NATS subject, no limit of the
// protocol exceeded.

import { expect, test } from 'vitest';
import { readOptions } from './options.ts';
import type { ExecutorOptions } from './types.ts';

const noop = () => null;
const refused: [string, Partial<ExecutorOptions>, RegExp][] = [
  ['an id with a dot', { id: 'a.b' }, /id/],
  ['an id with a wildcard', { id: '*' }, /id/],
  ['an empty id', { id: '' }, /id/],
  ['a namespace with a wildcard', { namespace: '>' }, /namespace/],
  ['a namespace in capitals', { namespace: 'Team' }, /namespace/],
  ['a prefix with an empty token', { prefix: 'a..b' }, /prefix/],
  ['a prefix with a space', { prefix: 'a b' }, /prefix/],
  ['no slots', { slots: 0 }, /slots/],
  ['half a slot', { slots: 1.5 }, /slots/],
  ['too many slots', { slots: 10_001 }, /slots/],
  ['no capability', { capabilities: {} }, /capabilities/],
  ['a capability with a wildcard', { capabilities: { 'text.*': noop } }, /text\.\*/],
  ['a capability with a line break', { capabilities: { 'text\n': noop } }, /text/],
  ['no handler', { capabilities: { text: {} as never } }, /text/],
  ['an endless label', { labels: { a: 'x'.repeat(256) } }, /labels/],
  ['a negative drain timeout', { drainTimeout: -1 }, /drainTimeout/],
];

test.each(refused)('refuses %s', (_name, options, message) => {
  expect(() => readOptions({ capabilities: { noop }, ...options })).toThrow(message);
});

test('fills in what was not given', () => {
  const settings = readOptions({ capabilities: { noop } });
  expect(settings).toMatchObject({
    namespace: 'default',
    prefix: 'tutti.v1',
    slots: 16,
    drainTimeoutMs: 25_000,
  });
  expect(settings.id).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
});
