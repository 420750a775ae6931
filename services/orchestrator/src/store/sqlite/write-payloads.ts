// How payloads become rows, part by part, and how they go again.
//
// Each statement is a transaction of its own. An upload is a payload that is not complete; nobody sees
// it, and whatever a process leaves of one is deleted at the next start.

import type { DatabaseSync } from 'node:sqlite';
import { createUploads } from '../uploads.ts';
import type { Unpacker } from './packing.ts';
import type { Handler } from './worker-protocol.ts';
import { inTransaction } from './write-commit.ts';

export function createPayloadHandlers(database: DatabaseSync): Record<string, Handler> {
  const statements = prepareStatements(database);

  function namespaceOf(name: string): number {
    const known = statements.namespace.get(name)?.['id'];
    return Number(known ?? statements.addNamespace.run(name).lastInsertRowid);
  }

  function remove(payload: number): void {
    statements.removeParts.run(payload);
    statements.remove.run(payload);
  }

  const renew = (namespace: string, sha256: string, atMs: number) =>
    Number(statements.renew.run(namespace, sha256, atMs).changes) === 1;

  const uploads = createUploads<number>({
    renew,
    begin: ({ namespace, sha256, sizeBytes, atMs }) =>
      Number(statements.begin.run(namespaceOf(namespace), sha256, sizeBytes, atMs).lastInsertRowid),
    append: (payload, offset, bytes) => void statements.append.run(payload, offset, bytes),
    keep: (payload, { atMs }) => void statements.keep.run(payload, atMs),
    drop: (payload) => inTransaction(database, () => remove(payload)),
  });

  inTransaction(database, () => {
    for (const { id } of statements.unfinished.all()) remove(Number(id));
  });

  return {
    putPayload: (input, output) => {
      const progress = uploads.put(unpackPart(input));
      switch (progress.type) {
        case 'STORED':
          output.number(0);
          return;
        case 'RECEIVED':
          output.number(1);
          output.number(progress.nextOffset);
          return;
        case 'MISMATCH':
          output.number(2);
          output.string(progress.found);
      }
    },
    dropUpload: (input) => uploads.drop(input.string(), input.string()),
    renewPayloads: (input, output) => {
      const namespace = input.string();
      const atMs = input.number();
      const sha256s = Array.from({ length: input.number() }, () => input.string());
      inTransaction(database, () => {
        const found = sha256s.filter((sha256) => renew(namespace, sha256, atMs));
        output.number(found.length);
        for (const sha256 of found) output.string(sha256);
      });
    },
    prunePayloads: (input, output) => {
      const [usedBeforeMs, limit] = [input.number(), input.number()];
      inTransaction(database, () => {
        const unused = statements.unused.all(usedBeforeMs, limit);
        for (const { id } of unused) remove(Number(id));
        output.number(unused.length);
      });
    },
  };
}

function unpackPart(input: Unpacker) {
  return {
    namespace: input.string(),
    uploadId: input.string(),
    sha256: input.string(),
    sizeBytes: input.number(),
    offset: input.number(),
    bytes: input.bytes(),
    atMs: input.number(),
  };
}

function prepareStatements(database: DatabaseSync) {
  return {
    namespace: database.prepare('SELECT id FROM namespaces WHERE name = ?'),
    addNamespace: database.prepare('INSERT INTO namespaces (name, epoch, latest_revision) VALUES (?, 0, 0)'),
    begin: database.prepare(
      'INSERT INTO payloads (namespace, sha256, size_bytes, used_at_ms, complete) VALUES (?, ?, ?, ?, 0)',
    ),
    append: database.prepare('INSERT INTO payload_parts (payload, start, bytes) VALUES (?, ?, ?)'),
    keep: database.prepare('UPDATE payloads SET complete = 1, used_at_ms = ?2 WHERE id = ?1'),
    renew: database.prepare(
      `UPDATE payloads SET used_at_ms = max(used_at_ms, ?3)
       WHERE namespace = (SELECT id FROM namespaces WHERE name = ?1) AND sha256 = ?2 AND complete = 1`,
    ),
    unfinished: database.prepare('SELECT id FROM payloads WHERE complete = 0'),
    unused: database.prepare(
      `SELECT id FROM payloads WHERE used_at_ms < ? AND complete = 1
         AND NOT EXISTS (SELECT 1 FROM payload_references WHERE payload = payloads.id)
       ORDER BY used_at_ms LIMIT ?`,
    ),
    removeParts: database.prepare('DELETE FROM payload_parts WHERE payload = ?'),
    remove: database.prepare('DELETE FROM payloads WHERE id = ?'),
  };
}
