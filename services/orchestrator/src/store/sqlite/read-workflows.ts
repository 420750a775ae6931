// Looking workflows up, on the reader's thread.

import type { DatabaseSync } from 'node:sqlite';
import { allRows, type NamespaceOf, packRows, prepareRows } from './read-events.ts';
import type { Handler } from './worker-protocol.ts';

const SUMMARY = 'name, version, description, created_at_ms';
/** Above every version. */
const LATEST = Number.MAX_SAFE_INTEGER;

export function createWorkflowHandlers(
  database: DatabaseSync,
  namespaceOf: NamespaceOf,
): Record<string, Handler> {
  const workflow = '(SELECT id FROM workflows WHERE namespace = ?1 AND name = ?2)';
  const get = prepareRows(
    database,
    `SELECT ?2, v.version, description, created_at_ms, digest, template
     FROM workflow_versions AS v CROSS JOIN workflow_templates AS t
     WHERE v.workflow = ${workflow} AND v.version BETWEEN ?3 AND ?4
       AND t.workflow = v.workflow AND t.version = v.version
     ORDER BY v.version DESC LIMIT 1`,
  );
  const count = prepareRows(
    database,
    `SELECT (SELECT count(*) FROM workflows WHERE namespace = ?1),
       (SELECT count(*) FROM workflow_versions WHERE workflow = ${workflow}),
       coalesce((SELECT last_version FROM workflows WHERE namespace = ?1 AND name = ?2), 0)`,
  );
  const list = prepareRows(
    database,
    `SELECT ${SUMMARY} FROM workflows CROSS JOIN workflow_versions AS v
     WHERE namespace = ?1 AND name > ?2 AND v.workflow = workflows.id
       AND v.version = (SELECT max(version) FROM workflow_versions WHERE workflow = workflows.id)
     ORDER BY name LIMIT ?3`,
  );
  const versions = prepareRows(
    database,
    `SELECT ?2, version, description, created_at_ms FROM workflow_versions
     WHERE workflow = ${workflow} AND version < ?3 ORDER BY version DESC LIMIT ?4`,
  );
  return {
    getWorkflow: (input, output) => {
      const namespace = namespaceOf(input.string());
      const name = input.string();
      const version = input.optionalNumber();
      const range = [version ?? 0, version ?? LATEST];
      packRows(output, namespace === undefined ? [] : allRows(get, namespace, name, ...range));
    },
    countWorkflows: (input, output) => {
      const namespace = namespaceOf(input.string());
      const [row] = namespace === undefined ? [] : allRows(count, namespace, input.string());
      for (const value of row ?? [0, 0, 0]) output.number(Number(value));
    },
    listWorkflows: (input, output) => {
      const namespace = namespaceOf(input.string());
      const [after, limit] = [input.string(), input.number()];
      packRows(output, namespace === undefined ? [] : allRows(list, namespace, after, limit));
    },
    listWorkflowVersions: (input, output) => {
      const namespace = namespaceOf(input.string());
      const name = input.string();
      const [before, limit] = [input.optionalNumber() ?? LATEST, input.number()];
      packRows(output, namespace === undefined ? [] : allRows(versions, namespace, name, before, limit));
    },
  };
}
