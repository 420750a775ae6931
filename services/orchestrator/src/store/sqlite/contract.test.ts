import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeStore } from '../contract.ts';
import { openSqliteStore } from './open.ts';

describeStore('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tutti-store-'));
  const store = await openSqliteStore({ folder });
  return {
    store,
    openAgain: () => openSqliteStore({ folder }),
    dispose: async () => {
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
});
