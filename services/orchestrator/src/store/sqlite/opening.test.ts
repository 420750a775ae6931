// What must hold of a data folder before the store is used, and what is said where it does not.

import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { NAMESPACE, submission } from '../contract/batches.ts';
import { expectStoreError } from '../contract/expect-store-error.ts';
import { StoreError } from '../port.ts';
import { openReader, openWriter, readSetting } from './connection.ts';
import { DATABASE_FILE } from './files.ts';
import { openSqliteStore } from './open.ts';
import { migrate, SCHEMA_VERSION } from './schema.ts';

let root = '';

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tutti-store-'));
});

afterEach(async () => {
  await chmod(root, 0o700);
  await rm(root, { recursive: true, force: true });
});

it('writes through a log that is synced at every commit, within bounded memory', () => {
  const database = openWriter(join(root, 'settings.db'));
  try {
    expect(readSetting(database, 'journal_mode')).toBe('wal');
    expect(readSetting(database, 'synchronous')).toBe(2);
    expect(readSetting(database, 'cache_size')).toBe(-32 * 1024);
    expect(readSetting(database, 'journal_size_limit')).toBe(64 * 1024 * 1024);
    expect(readSetting(database, 'busy_timeout')).toBe(5_000);
  } finally {
    database.close();
  }
});

it('refuses with UNUSABLE where the settings do not hold', () => {
  // A database in memory cannot have a write-ahead log: SQLite keeps the mode it has, silently.
  expect(() => openWriter(':memory:')).toThrow(StoreError);
  expect(() => openWriter(':memory:')).toThrow('journal_mode=memory where wal was set');
});

it('reads through a connection that cannot write', () => {
  const file = join(root, 'settings.db');
  openWriter(file).close();
  const reader = openReader(file);
  try {
    expect(() => reader.exec('CREATE TABLE t (a)')).toThrow('readonly');
  } finally {
    reader.close();
  }
});

it('migrates a database of version 0, once', () => {
  const database = openWriter(join(root, 'version.db'));
  try {
    expect(readSetting(database, 'user_version')).toBe(0);
    migrate(database, 'version.db');
    expect(readSetting(database, 'user_version')).toBe(SCHEMA_VERSION);
    migrate(database, 'version.db');
    expect(readSetting(database, 'user_version')).toBe(SCHEMA_VERSION);
    expect(readSetting(database, 'integrity_check')).toBe('ok');
  } finally {
    database.close();
  }
});

it('brings a database of version 1 along, and its runs were started from no workflow', async () => {
  const database = openWriter(join(root, DATABASE_FILE));
  migrate(database, DATABASE_FILE, 1);
  database.exec(`
    INSERT INTO namespaces VALUES (1, 'old', 1, 1);
    INSERT INTO runs VALUES ((1 << 44) | 1, 1, 'run-1', 'Old', '{}', 5, '', 1, 0, '', NULL, 1, '', 1, 0, 0, 0, 0, 0, 0, 0);`);
  database.close();
  const store = await openSqliteStore({ folder: root });
  try {
    const [run] = await store.listRuns('old', {
      phases: [],
      labels: {},
      submittedFromMs: undefined,
      submittedBeforeMs: undefined,
      before: undefined,
      limit: 10,
    });
    expect(run).toMatchObject({ runId: 'run-1', name: 'Old', workflow: undefined });
    expect(run).toMatchObject({ paused: false, archived: false, parent: undefined });
    expect(await store.listWorkflows('old', '', 10)).toEqual([]);
  } finally {
    await store.close();
  }
});

it('refuses a database of a later version, names both versions, and leaves it alone', async () => {
  await (await openSqliteStore({ folder: root })).close();
  const file = join(root, DATABASE_FILE);
  const later = new DatabaseSync(file);
  later.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
  later.close();
  const error = await expectStoreError(openSqliteStore({ folder: root }), 'UNUSABLE');
  expect(error.message).toContain(`schema version ${SCHEMA_VERSION + 1}`);
  expect(error.message).toContain(`up to ${SCHEMA_VERSION}`);
  expect(error.message).toContain(file);
});

it('refuses a namespace whose keys would not fit 64 bits, and goes on with the others', async () => {
  await (await openSqliteStore({ folder: root })).close();
  const database = new DatabaseSync(join(root, DATABASE_FILE));
  database.exec("INSERT INTO namespaces (id, name, epoch, latest_revision) VALUES (524286, 'last', 0, 0)");
  database.close();
  const store = await openSqliteStore({ folder: root });
  try {
    await expectStoreError(store.claim('one too many'), 'FAILED');
    const { epoch } = await store.claim('last');
    const run = 2 ** 44 - 1;
    await expectStoreError(store.commit({ ...submission(epoch, run), namespace: 'last' }), 'OUT_OF_ORDER');
    await store.commit({ ...submission(epoch, 1), namespace: 'last' });
    expect((await store.getRun('last', 'run-1'))?.run).toBe(1);
    const query = { afterRevision: 0, run: undefined, limit: 10, limitBytes: 1e9 };
    expect((await store.readEvents('last', query)).map((event) => [event.revision, event.run])).toEqual([
      [1, 1],
    ]);
  } finally {
    await store.close();
  }
});

it('makes the folder and those above it, for its owner only, and leaves no log after close', async () => {
  const folder = join(root, 'a', 'b');
  const store = await openSqliteStore({ folder });
  try {
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    const { epoch } = await store.claim(NAMESPACE);
    await store.commit(submission(epoch, 1));
  } finally {
    await store.close();
  }
  expect((await readdir(folder)).sort()).toEqual(['tutti.db', 'tutti.lock']);
});

it('gives the lock back when opening fails', async () => {
  const file = join(root, DATABASE_FILE);
  await writeFile(file, 'this is no database, and long enough to be taken for one '.repeat(40));
  const error = await expectStoreError(openSqliteStore({ folder: root }), 'UNUSABLE');
  expect(error.message).toContain('not a database');
  expect(error.message).toContain(`${file} `);
  expect(error.message).toContain('move it away, or give another data folder (--data)');
  await rm(file);
  await (await openSqliteStore({ folder: root })).close();
});

it.each(['file', 'file/below'])('refuses a folder at %s, where a file is, with UNUSABLE', async (name) => {
  await writeFile(join(root, 'file'), '');
  const error = await expectStoreError(openSqliteStore({ folder: join(root, name) }), 'UNUSABLE');
  expect(error.message).toContain(`the data folder ${join(root, name)} cannot be`);
  expect(error.message).toContain('--data');
});

it('refuses at once a folder that cannot be made, and names it and the remedy', async (context) => {
  // Nothing can be made there, not even by root; mkdir with `recursive` never returns from it.
  context.skip(!existsSync('/proc/self'), 'there is no /proc');
  const error = await expectStoreError(openSqliteStore({ folder: '/proc/nope/deep' }), 'UNUSABLE');
  expect(error.message).toContain('the data folder /proc/nope/deep cannot be made: ENOENT');
  expect(error.message).toContain('--data');
});

it('refuses a folder in which no file can be made, and names it and the remedy', async (context) => {
  context.skip(!existsSync('/proc/self'), 'there is no /proc');
  const error = await expectStoreError(openSqliteStore({ folder: '/proc' }), 'UNUSABLE');
  expect(error.message).toMatch(/\/proc\b.*: (give|let) .*\(--data\)/);
});

it.for(['folder', 'database'])('refuses a %s that may only be read, and names it', async (what, context) => {
  context.skip(process.getuid?.() === 0, 'root may write all the same');
  await (await openSqliteStore({ folder: root })).close();
  const path = what === 'folder' ? root : join(root, DATABASE_FILE);
  await chmod(path, what === 'folder' ? 0o500 : 0o400);
  const error = await expectStoreError(openSqliteStore({ folder: root }), 'UNUSABLE');
  expect(error.message).toContain(`${path} cannot be written`);
  expect(error.message).toContain('--data');
});
