// Reading events and whole runs, on the reader's thread.

import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { isFinalRun } from '../../domain/states.ts';
import { runPhaseCode } from './codes.ts';
import type { Packer } from './packing.ts';
import { EVENT_ATTACHMENT, EVENT_COLUMNS, EVENT_PAYLOAD, packRow, type SqlRow } from './row-codec.ts';
import { REVISION_BITS } from './schema.ts';
import type { Handler } from './worker-protocol.ts';

/** How much one answer to loadActiveRuns gathers; a single run may be larger. */
const CHUNK_BYTES = 8 * 1024 * 1024;
const CHUNK_RUNS = 256;
export const ACTIVE_PHASES = runPhaseCode.names
  .filter((phase) => !isFinalRun(phase))
  .map((phase) => runPhaseCode.toNumber(phase));

export type NamespaceOf = (name: string) => number | undefined;

/** A statement whose rows come as arrays. */
export function prepareRows(database: DatabaseSync, sql: string): StatementSync {
  const statement = database.prepare(sql);
  statement.setReturnArrays(true);
  return statement;
}

export function iterateRows(statement: StatementSync, ...parameters: SQLInputValue[]): Iterable<SqlRow> {
  // The declared type knows nothing of setReturnArrays.
  return statement.iterate(...parameters) as Iterable<unknown> as Iterable<SqlRow>;
}

export function allRows(statement: StatementSync, ...parameters: SQLInputValue[]): readonly SqlRow[] {
  return statement.all(...parameters) as unknown as readonly SqlRow[];
}

export function createEventHandlers(
  database: DatabaseSync,
  namespaceOf: NamespaceOf,
): Record<string, Handler> {
  const key = (parameter: string) => `((?1 << ${REVISION_BITS}) | ${parameter})`;
  const ofNamespace = prepareRows(
    database,
    `SELECT ${EVENT_COLUMNS} FROM events WHERE id > ${key('?2')} AND id < ((?1 + 1) << ${REVISION_BITS}) ORDER BY id LIMIT ?3`,
  );
  const ofRun = prepareRows(
    database,
    `SELECT ${EVENT_COLUMNS} FROM events INDEXED BY events_by_run
     WHERE run = ${key('?4')} AND id > ${key('?2')} ORDER BY id LIMIT ?3`,
  );
  const ofTask = prepareRows(
    database,
    `SELECT ${EVENT_COLUMNS} FROM events INDEXED BY events_by_task
     WHERE run = ${key('?2')} AND task = ?3 AND task >= 0 ORDER BY id`,
  );
  return {
    readEvents: (input, output) => {
      const namespace = namespaceOf(input.string());
      const after = input.number();
      const run = input.optionalNumber();
      const limit = input.number();
      const limitBytes = input.number();
      if (namespace === undefined) return packRows(output, []);
      const rows =
        run === undefined
          ? iterateRows(ofNamespace, namespace, after, limit)
          : iterateRows(ofRun, namespace, after, limit, run);
      packRows(output, upTo(rows, limitBytes), EVENT_ATTACHMENT);
    },
    readTaskEvents: (input, output) => {
      const namespace = namespaceOf(input.string());
      const run = input.number();
      const rows: SqlRow[] = [];
      for (let left = input.number(); left > 0; left -= 1) {
        const task = input.number();
        if (namespace !== undefined) rows.push(...allRows(ofTask, namespace, run, task));
      }
      rows.sort((a, b) => Number(a[0]) - Number(b[0]));
      packRows(output, rows, EVENT_ATTACHMENT);
    },
    ...createRunHandlers(database, namespaceOf),
  };
}

/** Packs a count and the rows. */
export function packRows(output: Packer, rows: Iterable<SqlRow>, nullBytes?: number): void {
  const setCount = output.reserve();
  let count = 0;
  for (const row of rows) {
    packRow(output, row, nullBytes);
    count += 1;
  }
  setCount(count);
}

/** The rows of events up to a size, the first in any case. */
function* upTo(rows: Iterable<SqlRow>, limitBytes: number): Generator<SqlRow> {
  let total = 0;
  let first = true;
  for (const row of rows) {
    total += lengthOf(row[EVENT_PAYLOAD]) + lengthOf(row[EVENT_ATTACHMENT]);
    if (!first && total > limitBytes) return;
    first = false;
    yield row;
  }
}

function lengthOf(value: SqlRow[number] | undefined): number {
  return value instanceof Uint8Array ? value.length : 0;
}

/** Whole runs: a count, and each with its parts. */
function createRunHandlers(database: DatabaseSync, namespaceOf: NamespaceOf): Record<string, Handler> {
  const active = prepareRows(
    database,
    `SELECT id - (?1 << ${REVISION_BITS}), run_id FROM runs INDEXED BY runs_by_phase
     WHERE namespace = ?1 AND phase = ?2 AND id > ((?1 << ${REVISION_BITS}) | ?3) ORDER BY id LIMIT ?4`,
  );
  const byId = prepareRows(
    database,
    `SELECT id - (?1 << ${REVISION_BITS}), run_id FROM runs WHERE namespace = ?1 AND run_id = ?2`,
  );
  const packParts = createPartsPacker(database);
  return {
    /** The next ones after a run number. */
    loadActiveRuns: (input, output) => {
      const namespace = namespaceOf(input.string());
      const after = input.number();
      if (namespace === undefined) return output.number(0);
      const next = ACTIVE_PHASES.flatMap((phase) => allRows(active, namespace, phase, after, CHUNK_RUNS))
        .sort((a, b) => Number(a[0]) - Number(b[0]))
        .slice(0, CHUNK_RUNS);
      const setCount = output.reserve();
      let count = 0;
      for (const row of next) {
        if (output.byteLength() > CHUNK_BYTES) break;
        packRow(output, row);
        packParts(output, namespace, Number(row[0]));
        count += 1;
      }
      setCount(count);
    },
    loadRun: (input, output) => {
      const namespace = namespaceOf(input.string());
      const rows = namespace === undefined ? [] : allRows(byId, namespace, input.string());
      output.number(rows.length);
      for (const row of rows) {
        packRow(output, row);
        packParts(output, namespace ?? 0, Number(row[0]));
      }
    },
  };
}

function createPartsPacker(database: DatabaseSync): (output: Packer, namespace: number, run: number) => void {
  const key = `((?1 << ${REVISION_BITS}) | ?2)`;
  const record = prepareRows(database, `SELECT record FROM run_records WHERE run = ${key}`);
  const specs = prepareRows(database, `SELECT spec FROM tasks WHERE run = ${key} ORDER BY task`);
  const events = prepareRows(
    database,
    `SELECT ${EVENT_COLUMNS} FROM events INDEXED BY events_by_run WHERE run = ${key} ORDER BY id`,
  );
  return (output, namespace, run) => {
    // Row by row: a run of 100,000 tasks is not to be in memory twice.
    packRows(output, iterateRows(record, namespace, run));
    packRows(output, iterateRows(specs, namespace, run));
    packRows(output, iterateRows(events, namespace, run), EVENT_ATTACHMENT);
  };
}
