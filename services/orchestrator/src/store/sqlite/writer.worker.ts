// The thread that owns the one writing connection, and with it the lock on the data folder.

import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { openWriter } from './connection.ts';
import { unusableFile } from './errors.ts';
import { DATABASE_FILE, LOCK_FILE, rewriteLog, syncFolder } from './files.ts';
import { lockFolder } from './lock.ts';
import { migrate } from './schema.ts';
import type { Handler } from './worker-protocol.ts';
import { serveRequests } from './worker-protocol.ts';
import { createCommitWriter } from './write-commit.ts';
import { createPayloadHandlers } from './write-payloads.ts';
import { createRunChangeHandlers } from './write-run-changes.ts';
import { createWorkflowWriter } from './write-workflows.ts';

serveRequests((folder) => {
  const unlock = lockFolder(folder, join(folder, LOCK_FILE));
  const file = join(folder, DATABASE_FILE);
  let database: DatabaseSync | undefined;
  try {
    rewriteLog(folder);
    database = openWriter(file);
    migrate(database, file);
    syncFolder(folder);
    return { handlers: createHandlers(database), close: createClose(database, unlock) };
  } catch (error) {
    database?.close();
    unlock();
    throw unusableFile(file, error);
  }
});

function createHandlers(database: DatabaseSync): Record<string, Handler> {
  // Not one upsert: that would ask for a new number first, and fail where numbers have run out.
  const claim = database.prepare(
    'UPDATE namespaces SET epoch = epoch + 1 WHERE name = ? RETURNING epoch, latest_revision',
  );
  const create = database.prepare(
    'INSERT INTO namespaces (name, epoch, latest_revision) VALUES (?, 1, 0) RETURNING epoch, latest_revision',
  );
  const pruneRequests = database.prepare(
    'DELETE FROM requests WHERE id IN (SELECT id FROM requests WHERE at_ms < ? ORDER BY at_ms LIMIT ?)',
  );
  const commit = createCommitWriter(database);
  const changeWorkflows = createWorkflowWriter(database);
  return {
    claim: (input, output) => {
      // all() and not get(): only a statement that is run to its end is committed.
      const namespace = input.string();
      const row = claim.all(namespace)[0] ?? create.all(namespace)[0];
      output.number(Number(row?.['epoch']));
      output.number(Number(row?.['latest_revision']));
    },
    commit: (input) => commit(input),
    ...createRunChangeHandlers(database),
    changeWorkflows: (input) => changeWorkflows(input),
    ...createPayloadHandlers(database),
    pruneRequests: (input, output) => {
      output.number(Number(pruneRequests.run(input.number(), input.number()).changes));
    },
  };
}

/** Leaves the log empty, so that the next start has nothing to recover. */
function createClose(database: DatabaseSync, unlock: () => void): () => void {
  return () => {
    database.close();
    unlock();
  };
}
