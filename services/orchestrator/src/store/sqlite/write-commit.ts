// How a commit becomes rows: one transaction, checked against the namespace's epoch and revision.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { StoreError } from '../port.ts';
import type { Unpacker } from './packing.ts';
import { REVISION_BITS } from './schema.ts';

/** Eight counts, in the order of the task states' numbers. */
const COUNT_COLUMNS = [
  'waiting',
  'ready',
  'running',
  'retrying',
  'completed',
  'failed',
  'cancelled',
  'skipped',
];
const STATUS_COLUMNS = [
  'phase',
  'reason',
  'message',
  'paused',
  'ended_at_ms',
  'last_revision',
  'failed_task',
  ...COUNT_COLUMNS,
];

/** Reads a packed batch and writes it, or throws and leaves everything as it was. */
export function createCommitWriter(database: DatabaseSync): (input: Unpacker) => void {
  const namespaceOf = database.prepare('SELECT id, epoch, latest_revision FROM namespaces WHERE name = ?');
  const advance = database.prepare('UPDATE namespaces SET latest_revision = ?2 WHERE id = ?1');
  const statements = prepareStatements(database);

  const write = (input: Unpacker): void => {
    const name = input.string();
    const epoch = input.number();
    const { namespace, latestRevision: before } = requireEpoch(namespaceOf.get(name), name, epoch);
    const latest = writeEvents(statements, input, name, namespace, before);
    if (latest > before) advance.run(namespace, latest);
    writeNewRuns(statements, input, namespace);
    writeRunStatuses(statements, input, namespace);
    writeAddedTasks(statements, input, namespace);
    writeTaskStatuses(statements, input, namespace);
    writeRequests(statements.request, input, namespace);
    for (let left = input.number(); left > 0; left -= 1) {
      statements.reference.run(namespace, input.number(), input.string());
    }
  };

  return (input) => inTransaction(database, () => write(input));
}

/** S3. @param row the namespace's `id`, `epoch` and `latest_revision` */
export function requireEpoch(
  row: Readonly<Record<string, unknown>> | undefined,
  name: string,
  epoch: number,
): { readonly namespace: number; readonly latestRevision: number } {
  if (row === undefined || row['epoch'] !== epoch) {
    const latest =
      row === undefined ? 'nobody has claimed it' : `the latest claim has epoch ${String(row['epoch'])}`;
    throw new StoreError('FENCED', `namespace ${name}: a commit with epoch ${epoch} was refused, ${latest}`);
  }
  return { namespace: Number(row['id']), latestRevision: Number(row['latest_revision']) };
}

/** Does all of the work, or throws and leaves everything as it was. */
export function inTransaction(database: DatabaseSync, work: () => void): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    work();
    database.exec('COMMIT');
  } catch (error) {
    // SQLite has rolled back by itself after some errors, such as a full disk.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

type Statements = ReturnType<typeof prepareStatements>;

function prepareStatements(database: DatabaseSync) {
  const runKey = `(?1 << ${REVISION_BITS}) | ?2`;
  const parameters = (from: number, count: number) => Array.from({ length: count }, (_, i) => `?${from + i}`);
  const statusParameters = parameters(13, STATUS_COLUMNS.length);
  return {
    event: database.prepare(
      `INSERT INTO events (id, run, task, payload, attachment)
       VALUES (${runKey}, (?1 << ${REVISION_BITS}) | ?3, ?4, ?5, ?6)`,
    ),
    newRun: database.prepare(
      `INSERT INTO runs (namespace, id, run_id, name, labels, submitted_at_ms, trace_id, workflow, workflow_version,
         parent_run_id, parent_task_key, parent_attempt, ${STATUS_COLUMNS.join(', ')})
       VALUES (?1, ${runKey}, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ${statusParameters.join(', ')})`,
    ),
    link: database.prepare(
      `INSERT INTO run_links (run, origin)
       SELECT ${runKey}, id FROM runs WHERE namespace = ?1 AND run_id = ?3
       ON CONFLICT (origin, run) DO UPDATE SET run = run`,
    ),
    record: database.prepare(`INSERT INTO run_records (run, record) VALUES (${runKey}, ?3)`),
    label: database.prepare(
      `INSERT INTO run_labels (namespace, run, label, value) VALUES (?1, ${runKey}, ?3, ?4)`,
    ),
    task: database.prepare(
      `INSERT INTO tasks (run, task, added_at_ms, task_key, first_state, spec)
       VALUES (${runKey}, ?3, ?4, ?5, ?6, ?7)`,
    ),
    taskCount: database.prepare(
      `SELECT coalesce((SELECT max(task) + 1 FROM tasks WHERE run = (${runKey})), 0) AS count
       FROM runs WHERE id = (${runKey})`,
    ),
    runStatus: database.prepare(
      `UPDATE runs SET ${STATUS_COLUMNS.map((column, i) => `${column} = ?${3 + i}`).join(', ')}
       WHERE id = ${runKey}`,
    ),
    taskStatus: database.prepare(
      `REPLACE INTO task_statuses
         (run, task, state, reason, attempt_count, first_ready_at_ms, started_at_ms, ended_at_ms, dependencies)
       VALUES (${runKey}, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)`,
    ),
    request: prepareRequest(database),
    reference: database.prepare(
      `INSERT OR IGNORE INTO payload_references (holder, payload)
       SELECT ${runKey}, id FROM payloads WHERE namespace = ?1 AND sha256 = ?3 AND complete = 1`,
    ),
  };
}

/** Returns the revision of the last event; of the one before where there are none. */
function writeEvents(
  statements: Statements,
  input: Unpacker,
  name: string,
  namespace: number,
  before: number,
): number {
  let latest = before;
  for (let left = input.number(); left > 0; left -= 1) {
    const revision = input.number();
    if (revision !== latest + 1) {
      throw new StoreError('OUT_OF_ORDER', `namespace ${name}: revision ${revision} cannot follow ${latest}`);
    }
    latest = revision;
    const run = input.number();
    const task = input.number();
    statements.event.run(namespace, revision, run, task, input.bytes(), input.optionalBytes() ?? null);
  }
  return latest;
}

function writeNewRuns(statements: Statements, input: Unpacker, namespace: number): void {
  for (let left = input.number(); left > 0; left -= 1) {
    const run = input.number();
    const texts = [input.string(), input.string(), input.string()] as const;
    const submittedAtMs = input.number();
    const traceId = input.string();
    const workflow = [input.string(), input.number()] as const;
    const parent = [input.string(), input.string(), input.number()] as const;
    writeLinks(statements, input, namespace, run);
    statements.record.run(namespace, run, input.bytes());
    for (let labels = input.number(); labels > 0; labels -= 1) {
      statements.label.run(namespace, run, input.string(), input.string());
    }
    writeTasks(statements, input, namespace, run, 0, null);
    input.number(); // the run again, as its status begins
    statements.newRun.run(
      namespace,
      run,
      ...texts,
      submittedAtMs,
      traceId,
      ...workflow,
      ...parent,
      ...readStatus(input),
    );
  }
}

function writeLinks(statements: Statements, input: Unpacker, namespace: number, run: number): void {
  for (let left = input.number(); left > 0; left -= 1) {
    const origin = input.string();
    if (statements.link.run(namespace, run, origin).changes === 1) continue;
    throw new StoreError('FAILED', `run ${run} links to run ${origin}, which does not exist`);
  }
}

function writeAddedTasks(statements: Statements, input: Unpacker, namespace: number): void {
  for (let left = input.number(); left > 0; left -= 1) {
    const run = input.number();
    const first = input.number();
    const count = statements.taskCount.get(namespace, run)?.['count'];
    if (count === undefined)
      throw new StoreError('FAILED', `the commit adds tasks to run ${run}, which does not exist`);
    if (count !== first) {
      throw new StoreError(
        'FAILED',
        `run ${run}: task ${first} was added where ${String(count)} is the next`,
      );
    }
    const addedAtMs = input.number();
    writeLinks(statements, input, namespace, run);
    writeTasks(statements, input, namespace, run, first, addedAtMs);
  }
}

function writeTasks(
  statements: Statements,
  input: Unpacker,
  namespace: number,
  run: number,
  first: number,
  addedAtMs: number | null,
): void {
  const end = first + input.number();
  for (let task = first; task < end; task += 1) {
    statements.task.run(namespace, run, task, addedAtMs, input.string(), input.number(), input.bytes());
  }
}

function writeRunStatuses(statements: Statements, input: Unpacker, namespace: number): void {
  for (let left = input.number(); left > 0; left -= 1) {
    const run = input.number();
    const { changes } = statements.runStatus.run(namespace, run, ...readStatus(input));
    if (changes !== 1) throw new StoreError('FAILED', `the commit changes run ${run}, which does not exist`);
  }
}

/** The values of STATUS_COLUMNS. */
function readStatus(input: Unpacker): (number | string | null)[] {
  const values: (number | string | null)[] = [
    input.number(),
    input.number(),
    input.string(),
    input.number(),
    input.optionalNumber() ?? null,
    input.number(),
    input.string(),
  ];
  for (let i = 0; i < COUNT_COLUMNS.length; i += 1) values.push(input.number());
  return values;
}

function writeTaskStatuses(statements: Statements, input: Unpacker, namespace: number): void {
  for (let left = input.number(); left > 0; left -= 1) {
    statements.taskStatus.run(
      namespace,
      input.number(),
      input.number(),
      input.number(),
      input.number(),
      input.number(),
      input.optionalNumber() ?? null,
      input.optionalNumber() ?? null,
      input.optionalNumber() ?? null,
      input.optionalBytes() ?? null,
    );
  }
}

export function prepareRequest(database: DatabaseSync): StatementSync {
  return database.prepare(
    'REPLACE INTO requests (namespace, request_id, fingerprint, at_ms, answer) VALUES (?, ?, ?, ?, ?)',
  );
}

export function writeRequests(statement: StatementSync, input: Unpacker, namespace: number): void {
  for (let left = input.number(); left > 0; left -= 1) {
    statement.run(namespace, input.string(), input.string(), input.number(), input.string());
  }
}
