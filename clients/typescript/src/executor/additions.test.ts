import { expect, test } from 'vitest';
import { createAdditions } from './additions.ts';
import { readOptions } from './options.ts';
import type { StoredPayloads } from './payload-door.ts';
import type { SessionKeeper } from './session.ts';
import type { Transport } from './transport.ts';

test('more than may be added at once is refused before anything is sent', async () => {
  const nothing = {} as unknown;
  const additions = createAdditions(
    readOptions({ capabilities: { c: () => 1 } }),
    nothing as Transport,
    nothing as SessionKeeper,
    nothing as StoredPayloads,
    () => 1_000,
  );
  const tasks = Array.from({ length: 10_001 }, (_, index) => ({ key: `t${index}`, capability: 'c' }));
  const adding = additions.add('token', tasks, new AbortController().signal);
  await expect(adding).rejects.toThrow('10001 tasks; at most 10000 at once');
});
