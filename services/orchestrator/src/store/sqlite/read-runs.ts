// Looking runs, tasks and requests up, on the reader's thread.

import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { Unpacker } from './packing.ts';
import { ACTIVE_PHASES, allRows, type NamespaceOf, packRows, prepareRows } from './read-events.ts';
import {
  REQUEST_COLUMNS,
  RUN_COLUMNS,
  type SqlRow,
  TASK_COLUMNS,
  TASK_DEPENDENCIES,
  TASK_JOINS,
} from './row-codec.ts';
import { REVISION_BITS } from './schema.ts';
import type { Handler } from './worker-protocol.ts';

export function createLookupHandlers(
  database: DatabaseSync,
  namespaceOf: NamespaceOf,
): Record<string, Handler> {
  const activeNamespaces = prepareRows(
    database,
    `SELECT name FROM namespaces
     WHERE EXISTS (SELECT 1 FROM runs WHERE namespace = namespaces.id AND phase IN (${ACTIVE_PHASES.join(', ')})) ORDER BY name`,
  );
  const latestRevision = prepareRows(database, 'SELECT latest_revision FROM namespaces WHERE name = ?');
  const run = prepareRows(database, `SELECT ${RUN_COLUMNS} FROM runs WHERE namespace = ? AND run_id = ?`);
  const runNumber = prepareRows(
    database,
    `SELECT run_id, id - (?1 << ${REVISION_BITS}) FROM runs WHERE namespace = ?1 AND run_id = ?2`,
  );
  // Their ids begin with that of the run and `~`; char(127) comes right after that.
  const startedRun = prepareRows(
    database,
    "SELECT run_id FROM runs WHERE namespace = ?1 AND run_id > ?2 || '~' AND run_id < ?2 || char(127) LIMIT 1",
  );
  const request = prepareRows(
    database,
    `SELECT ${REQUEST_COLUMNS} FROM requests WHERE namespace = ? AND request_id = ?`,
  );
  const record = prepareRows(
    database,
    `SELECT record FROM run_records WHERE run = ((?1 << ${REVISION_BITS}) | ?2)`,
  );

  /** One lookup for each of a list of names; what is not found is left out. */
  const lookUpEach =
    (statement: typeof run): Handler =>
    (input, output) => {
      const namespace = namespaceOf(input.string());
      const rows: SqlRow[] = [];
      for (let left = input.number(); left > 0; left -= 1) {
        const name = input.string();
        if (namespace !== undefined) rows.push(...allRows(statement, namespace, name));
      }
      packRows(output, rows);
    };

  return {
    activeNamespaces: (_input, output) => packRows(output, allRows(activeNamespaces)),
    latestRevision: (input, output) => packRows(output, allRows(latestRevision, input.string())),
    getRun: lookUpEach(run),
    getRunRecord: (input, output) => {
      const namespace = namespaceOf(input.string());
      packRows(output, namespace === undefined ? [] : allRows(record, namespace, input.number()));
    },
    findRunIds: lookUpEach(runNumber),
    findStartedRun: lookUpEach(startedRun),
    findRequests: lookUpEach(request),
    listRuns: (input, output) => {
      const namespace = namespaceOf(input.string());
      packRows(output, namespace === undefined ? [] : listRuns(database, namespace, unpackFilter(input)));
    },
    ...createTaskHandlers(database, namespaceOf),
  };
}

function createTaskHandlers(database: DatabaseSync, namespaceOf: NamespaceOf): Record<string, Handler> {
  const key = `((?1 << ${REVISION_BITS}) | ?2)`;
  const task = prepareRows(
    database,
    `SELECT ${TASK_COLUMNS} FROM tasks INDEXED BY tasks_by_key ${TASK_JOINS} WHERE tasks.run = ${key} AND task_key = ?3`,
  );
  const tasks = prepareRows(
    database,
    `SELECT ${TASK_COLUMNS} FROM tasks ${TASK_JOINS}
     WHERE tasks.run = ${key} AND tasks.task > ?3 AND (1 << coalesce(state, first_state)) & ?4
     ORDER BY tasks.task LIMIT ?5`,
  );
  return {
    getTask: (input, output) => {
      const namespace = namespaceOf(input.string());
      const run = input.number();
      const rows = namespace === undefined ? [] : allRows(task, namespace, run, input.string());
      packRows(output, rows, TASK_DEPENDENCIES);
    },
    listTasks: (input, output) => {
      const namespace = namespaceOf(input.string());
      const [run, states, after, limit] = [input.number(), input.number(), input.number(), input.number()];
      const rows = namespace === undefined ? [] : allRows(tasks, namespace, run, after, states, limit);
      packRows(output, rows, TASK_DEPENDENCIES);
    },
  };
}

interface Filter {
  readonly phases: readonly number[];
  readonly labels: readonly (readonly [string, string])[];
  readonly submittedFromMs: number | undefined;
  readonly submittedBeforeMs: number | undefined;
  readonly before: number | undefined;
  readonly limit: number;
}

function unpackFilter(input: Unpacker): Filter {
  const phases: number[] = [];
  for (let left = input.number(); left > 0; left -= 1) phases.push(input.number());
  const labels: [string, string][] = [];
  for (let left = input.number(); left > 0; left -= 1) labels.push([input.string(), input.string()]);
  return {
    phases,
    labels,
    submittedFromMs: input.optionalNumber(),
    submittedBeforeMs: input.optionalNumber(),
    before: input.optionalNumber(),
    limit: input.number(),
  };
}

/**
 * Walks the narrowest index there is from the latest run down: the first label's if there is one,
 * else each phase's, whose few sorted answers are merged.
 */
function listRuns(database: DatabaseSync, namespace: number, filter: Filter): readonly SqlRow[] {
  if (filter.labels.length > 0 || filter.phases.length === 0) return selectRuns(database, namespace, filter);
  return filter.phases
    .flatMap((phase) => selectRuns(database, namespace, { ...filter, phases: [phase] }))
    .sort((a, b) => Number(b[0]) - Number(a[0]))
    .slice(0, filter.limit);
}

function selectRuns(database: DatabaseSync, namespace: number, filter: Filter): readonly SqlRow[] {
  const parameters: SQLInputValue[] = [];
  const bind = (value: SQLInputValue): string => `?${parameters.push(value)}`;
  const space = bind(namespace);
  // The index to be walked decides which table's columns the order and the bounds are taken from.
  const byLabel = filter.labels.length > 0;
  const id = byLabel ? 'l0.run' : 'runs.id';
  const tables: string[] = [];
  const conditions: string[] = [];
  for (const [i, [label, value]] of filter.labels.entries()) {
    tables.push(`run_labels AS l${i}`);
    conditions.push(
      `l${i}.namespace = ${space} AND l${i}.label = ${bind(label)} AND l${i}.value = ${bind(value)}`,
    );
    if (i > 0) conditions.push(`l${i}.run = l0.run`);
  }
  tables.push('runs');
  if (byLabel) conditions.push('runs.id = l0.run');
  const onePhase = !byLabel && filter.phases.length === 1;
  if (onePhase) conditions.push(`runs.namespace = ${space}`);
  conditions.push(`${id} > (${space} << ${REVISION_BITS})`);
  conditions.push(
    filter.before === undefined
      ? `${id} < ((${space} + 1) << ${REVISION_BITS})`
      : `${id} < ((${space} << ${REVISION_BITS}) | ${bind(filter.before)})`,
  );
  if (filter.phases.length > 0) conditions.push(`phase IN (${filter.phases.map(bind).join(', ')})`);
  if (filter.submittedFromMs !== undefined)
    conditions.push(`submitted_at_ms >= ${bind(filter.submittedFromMs)}`);
  if (filter.submittedBeforeMs !== undefined)
    conditions.push(`submitted_at_ms < ${bind(filter.submittedBeforeMs)}`);
  // CROSS JOIN keeps SQLite to this order of tables.
  const sql = `SELECT ${RUN_COLUMNS} FROM ${tables.join(' CROSS JOIN ')}
    WHERE ${conditions.join(' AND ')} ORDER BY ${id} DESC LIMIT ${bind(filter.limit)}`;
  return allRows(prepareRows(database, sql), ...parameters);
}
