// The thread of the reading connection: a long read here delays no commit.

import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { openReader } from './connection.ts';
import { DATABASE_FILE } from './files.ts';
import { createEventHandlers } from './read-events.ts';
import { createPayloadReadHandlers } from './read-payloads.ts';
import { createRetentionHandlers } from './read-retention.ts';
import { createLookupHandlers } from './read-runs.ts';
import { createWorkflowHandlers } from './read-workflows.ts';
import { type Handler, type Handlers, serveRequests } from './worker-protocol.ts';

serveRequests((folder) => {
  const database = openReader(join(folder, DATABASE_FILE));
  const namespaces = database.prepare('SELECT id FROM namespaces WHERE name = ?');
  const namespaceOf = (name: string): number | undefined => {
    const id = namespaces.get(name)?.['id'];
    return id === undefined ? undefined : Number(id);
  };
  const handlers = {
    ...createEventHandlers(database, namespaceOf),
    ...createLookupHandlers(database, namespaceOf),
    ...createWorkflowHandlers(database, namespaceOf),
    ...createPayloadReadHandlers(database, namespaceOf),
    ...createRetentionHandlers(database, namespaceOf),
  };
  return { handlers: inOneView(database, handlers), close: () => database.close() };
});

/** S4: all statements of one request see the same commits. */
function inOneView(database: DatabaseSync, handlers: Handlers): Handlers {
  const wrap =
    (handler: Handler): Handler =>
    (input, output) => {
      database.exec('BEGIN');
      try {
        handler(input, output);
      } finally {
        database.exec('COMMIT');
      }
    };
  return Object.fromEntries(Object.entries(handlers).map(([type, handler]) => [type, wrap(handler)]));
}
