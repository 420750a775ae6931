// Which runs are kept for how long, and what keeps them: on the reader's thread.

import type { DatabaseSync } from 'node:sqlite';
import { allRows, type NamespaceOf, packRows, prepareRows } from './read-events.ts';
import { REVISION_BITS } from './schema.ts';
import type { Handler } from './worker-protocol.ts';

export function createRetentionHandlers(
  database: DatabaseSync,
  namespaceOf: NamespaceOf,
): Record<string, Handler> {
  const retention = prepareRows(database, 'SELECT retention_ms FROM namespaces WHERE id = ?');
  // nullif: 0 is for ever, and nothing is before an unknown time.
  const expired = prepareRows(
    database,
    `SELECT namespaces.name, runs.id & ${2 ** REVISION_BITS - 1}, run_id, ?1 - coalesce(retention_ms, ?2)
     FROM namespaces CROSS JOIN runs INDEXED BY runs_by_end
     WHERE runs.namespace = namespaces.id AND archived = 0
       AND ended_at_ms < ?1 - nullif(coalesce(retention_ms, ?2), 0)
       AND NOT EXISTS (SELECT 1 FROM run_links WHERE origin = runs.id)
     LIMIT ?3`,
  );
  const linking = prepareRows(
    database,
    `SELECT run_id FROM run_links CROSS JOIN runs ON runs.id = run_links.run
     WHERE origin = ((?1 << ${REVISION_BITS}) | ?2) ORDER BY run_links.run LIMIT ?3`,
  );
  return {
    getRetention: (input, output) => {
      const namespace = namespaceOf(input.string());
      packRows(output, namespace === undefined ? [] : allRows(retention, namespace));
    },
    findExpiredRuns: (input, output) => {
      const [nowMs, defaultMs, limit] = [input.number(), input.optionalNumber() ?? null, input.number()];
      packRows(output, allRows(expired, nowMs, defaultMs, limit));
    },
    findLinkingRuns: (input, output) => {
      const namespace = namespaceOf(input.string());
      const [run, limit] = [input.number(), input.number()];
      packRows(output, namespace === undefined ? [] : allRows(linking, namespace, run, limit));
    },
  };
}
