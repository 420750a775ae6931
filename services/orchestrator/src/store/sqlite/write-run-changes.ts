// How a final run is archived and deleted, and what it leaves behind is removed: on the writer's thread.
//
// A run may have millions of rows. So deleting takes away what finds it, in one transaction with the
// answer, and notes its number; the rows go afterwards, a bounded number in each transaction.

import type { DatabaseSync } from 'node:sqlite';
import { isFinalRun } from '../../domain/states.ts';
import type { RunChange, RunChangeOutcome } from '../port-run-life.ts';
import { runPhaseCode } from './codes.ts';
import type { Unpacker } from './packing.ts';
import { REVISION_BITS } from './schema.ts';
import type { Handler } from './worker-protocol.ts';
import { inTransaction, prepareRequest, requireEpoch, writeRequests } from './write-commit.ts';

export function createRunChangeHandlers(database: DatabaseSync): Record<string, Handler> {
  const statements = prepareStatements(database);

  function change(input: Unpacker): RunChangeOutcome {
    const [name, epoch, run] = [input.string(), input.number(), input.number()];
    const type = input.string() as RunChange['action']['type'];
    const endedBeforeMs = input.optionalNumber();
    const { namespace } = requireEpoch(statements.namespace.get(name), name, epoch);
    const row = statements.run.get(namespace, run);
    if (row === undefined) return 'NOT_FOUND';
    const id = Number(row['id']);
    if (!isFinalRun(runPhaseCode.toName(Number(row['phase'])))) return 'NOT_FINAL';
    switch (type) {
      case 'ARCHIVE':
      case 'UNARCHIVE':
        statements.archive.run(id, type === 'ARCHIVE' ? 1 : 0);
        break;
      case 'EXPIRE':
      case 'DELETE': {
        if (row['archived'] === 1) return 'ARCHIVED';
        if (endedBeforeMs !== undefined && Number(row['ended_at_ms']) >= endedBeforeMs) return 'KEPT';
        if (statements.linked.get(id) !== undefined) return 'LINKED';
        for (const statement of statements.hide) statement.run(id);
      }
    }
    writeRequests(statements.request, input, namespace);
    return 'DONE';
  }

  /** Of one run. */
  function sweep(limit: number): number {
    const run = statements.deleted.get()?.['run'];
    if (run === undefined) return 0;
    let left = limit;
    for (const statement of statements.sweep) {
      left -= Number(statement.run(Number(run), left).changes);
      if (left <= 0) return limit;
    }
    statements.swept.run(Number(run));
    return limit - left;
  }

  return {
    changeRun: (input, output) => inTransaction(database, () => output.string(change(input))),
    sweepDeletedRuns: (input, output) => {
      const limit = input.number();
      let swept = 0;
      inTransaction(database, () => {
        while (swept < limit && statements.deleted.get() !== undefined) swept += sweep(limit - swept);
      });
      output.number(swept);
    },
    setRetention: (input) =>
      inTransaction(database, () => {
        const name = input.string();
        const known = statements.namespace.get(name)?.['id'];
        const namespace = Number(known ?? statements.addNamespace.run(name).lastInsertRowid);
        statements.setRetention.run(namespace, input.optionalNumber() ?? null);
        writeRequests(statements.request, input, namespace);
      }),
  };
}

function prepareStatements(database: DatabaseSync) {
  return {
    namespace: database.prepare('SELECT id, epoch, latest_revision FROM namespaces WHERE name = ?'),
    addNamespace: database.prepare('INSERT INTO namespaces (name, epoch, latest_revision) VALUES (?, 0, 0)'),
    setRetention: database.prepare('UPDATE namespaces SET retention_ms = ?2 WHERE id = ?1'),
    run: database.prepare(
      `SELECT id, phase, archived, ended_at_ms FROM runs WHERE id = ((?1 << ${REVISION_BITS}) | ?2)`,
    ),
    archive: database.prepare('UPDATE runs SET archived = ?2 WHERE id = ?1'),
    linked: database.prepare('SELECT 1 FROM run_links WHERE origin = ?'),
    hide: [
      'DELETE FROM run_links WHERE run = ?1',
      'DELETE FROM payload_references WHERE holder = ?1',
      `DELETE FROM run_labels WHERE run = ?1 AND namespace = ?1 >> ${REVISION_BITS}
         AND (label, value) IN (SELECT key, value FROM json_each((SELECT labels FROM runs WHERE id = ?1)))`,
      'DELETE FROM run_records WHERE run = ?1',
      'DELETE FROM runs WHERE id = ?1',
      'INSERT INTO deleted_runs (run) VALUES (?1)',
    ].map((sql) => database.prepare(sql)),
    deleted: database.prepare('SELECT run FROM deleted_runs LIMIT 1'),
    sweep: [
      `DELETE FROM events WHERE id IN (SELECT id FROM events INDEXED BY events_by_run WHERE run = ?1 LIMIT ?2)`,
      `DELETE FROM tasks WHERE run = ?1 AND task IN (SELECT task FROM tasks WHERE run = ?1 ORDER BY task LIMIT ?2)`,
      `DELETE FROM task_statuses WHERE run = ?1
         AND task IN (SELECT task FROM task_statuses WHERE run = ?1 ORDER BY task LIMIT ?2)`,
    ].map((sql) => database.prepare(sql)),
    swept: database.prepare('DELETE FROM deleted_runs WHERE run = ?'),
    request: prepareRequest(database),
  };
}
