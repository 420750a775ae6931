// The tables, and how a database of an earlier version comes to have them.
//
// Runs and events are known by one whole number, namespace number * 2^44 + revision (a run's number
// is the revision of its first event): the key of a plain rowid table, so appending is cheap, and
// every index carries eight bytes. What changes (runs, task_statuses) is apart from what may be
// large (run_records, tasks), because an update rewrites the whole row.

import type { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../port.ts';

/** How far a namespace's number is shifted to the left; 2^44 revisions, 2^19 namespaces. */
export const REVISION_BITS = 44;

/** In order; the position, from 1, is the version it leads to. Never change one that was released. */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE namespaces (
    id INTEGER PRIMARY KEY CHECK (id < 524287), -- keys of the next one up still fit 64 bits
    name TEXT NOT NULL UNIQUE,
    epoch INTEGER NOT NULL,
    latest_revision INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    task INTEGER NOT NULL,
    payload BLOB NOT NULL,
    attachment BLOB
  ) STRICT;
  CREATE INDEX events_by_run ON events (run);
  CREATE INDEX events_by_task ON events (run, task) WHERE task >= 0;

  CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    namespace INTEGER NOT NULL,
    run_id TEXT NOT NULL,
    name TEXT NOT NULL,
    labels TEXT NOT NULL,
    submitted_at_ms INTEGER NOT NULL,
    trace_id TEXT NOT NULL,
    phase INTEGER NOT NULL,
    reason INTEGER NOT NULL,
    message TEXT NOT NULL,
    ended_at_ms INTEGER,
    last_revision INTEGER NOT NULL,
    failed_task TEXT NOT NULL,
    waiting INTEGER NOT NULL,
    ready INTEGER NOT NULL,
    running INTEGER NOT NULL,
    retrying INTEGER NOT NULL,
    completed INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    skipped INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX runs_by_run_id ON runs (namespace, run_id);
  CREATE INDEX runs_by_phase ON runs (namespace, phase);

  CREATE TABLE run_records (
    run INTEGER PRIMARY KEY,
    record BLOB NOT NULL
  ) STRICT;

  CREATE TABLE run_labels (
    namespace INTEGER NOT NULL,
    label TEXT NOT NULL,
    value TEXT NOT NULL,
    run INTEGER NOT NULL,
    PRIMARY KEY (namespace, label, value, run)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE tasks (
    run INTEGER NOT NULL,
    task INTEGER NOT NULL,
    task_key TEXT NOT NULL,
    first_state INTEGER NOT NULL,
    spec BLOB NOT NULL,
    PRIMARY KEY (run, task)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX tasks_by_key ON tasks (run, task_key);

  -- A task that has not moved since its run was submitted has no row here.
  CREATE TABLE task_statuses (
    run INTEGER NOT NULL,
    task INTEGER NOT NULL,
    state INTEGER NOT NULL,
    reason INTEGER NOT NULL,
    attempt_count INTEGER NOT NULL,
    first_ready_at_ms INTEGER,
    started_at_ms INTEGER,
    ended_at_ms INTEGER,
    PRIMARY KEY (run, task)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE requests (
    id INTEGER PRIMARY KEY,
    namespace INTEGER NOT NULL,
    request_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    answer TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX requests_by_request_id ON requests (namespace, request_id);
  CREATE INDEX requests_by_time ON requests (at_ms);
  `,
  `
  CREATE TABLE workflows (
    id INTEGER PRIMARY KEY,
    namespace INTEGER NOT NULL,
    name TEXT NOT NULL,
    last_version INTEGER NOT NULL -- stays when that version goes: numbers are not given twice
  ) STRICT;
  CREATE UNIQUE INDEX workflows_by_name ON workflows (namespace, name);

  -- What is large is apart from what is listed.
  CREATE TABLE workflow_versions (
    workflow INTEGER NOT NULL,
    version INTEGER NOT NULL,
    description TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (workflow, version)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE workflow_templates (
    id INTEGER PRIMARY KEY,
    workflow INTEGER NOT NULL,
    version INTEGER NOT NULL,
    template BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX workflow_templates_by_version ON workflow_templates (workflow, version);

  ALTER TABLE runs ADD COLUMN workflow TEXT NOT NULL DEFAULT '';
  ALTER TABLE runs ADD COLUMN workflow_version INTEGER NOT NULL DEFAULT 0;
  `,
  `
  CREATE TABLE payloads (
    id INTEGER PRIMARY KEY,
    namespace INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    used_at_ms INTEGER NOT NULL,
    complete INTEGER NOT NULL -- 0 while it is being uploaded
  ) STRICT;
  CREATE UNIQUE INDEX payloads_by_hash ON payloads (namespace, sha256) WHERE complete = 1;
  CREATE INDEX payloads_by_use ON payloads (used_at_ms);

  CREATE TABLE payload_parts (
    id INTEGER PRIMARY KEY,
    payload INTEGER NOT NULL,
    start INTEGER NOT NULL,
    bytes BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX payload_parts_by_start ON payload_parts (payload, start);

  CREATE TABLE payload_references (
    holder INTEGER NOT NULL, -- runs.id, or workflow_templates.id below zero
    payload INTEGER NOT NULL,
    PRIMARY KEY (holder, payload)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX payload_references_by_payload ON payload_references (payload);
  `,
  `
  ALTER TABLE runs ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE runs ADD COLUMN archived INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE runs ADD COLUMN parent_run_id TEXT NOT NULL DEFAULT '';
  ALTER TABLE runs ADD COLUMN parent_task_key TEXT NOT NULL DEFAULT '';
  ALTER TABLE runs ADD COLUMN parent_attempt INTEGER NOT NULL DEFAULT 0;
  -- When a task came that was not submitted with its run.
  ALTER TABLE tasks ADD COLUMN added_at_ms INTEGER;

  -- Which runs took results of which: an origin stays while a run that links to it is there.
  CREATE TABLE run_links (
    origin INTEGER NOT NULL,
    run INTEGER NOT NULL,
    PRIMARY KEY (origin, run)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX run_links_by_run ON run_links (run);

  -- Runs that nobody finds any more, whose events and tasks are still to be swept.
  CREATE TABLE deleted_runs (run INTEGER PRIMARY KEY) STRICT;

  -- What retention may remove, oldest first.
  CREATE INDEX runs_by_end ON runs (namespace, ended_at_ms) WHERE ended_at_ms IS NOT NULL AND archived = 0;
  -- Null: as configured; 0: for ever.
  ALTER TABLE namespaces ADD COLUMN retention_ms INTEGER;
  -- Those of a task that depends on others than were submitted.
  ALTER TABLE task_statuses ADD COLUMN dependencies BLOB;
  `,
];

export const SCHEMA_VERSION = MIGRATIONS.length;

/**
 * Each step is all or nothing. Throws UNUSABLE for a database of a later version.
 * @param version for tests: the version to stop at
 */
export function migrate(database: DatabaseSync, file: string, version = SCHEMA_VERSION): void {
  const found = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
  if (found > SCHEMA_VERSION) {
    throw new StoreError(
      'UNUSABLE',
      `${file} has schema version ${found}, written by a later release; this one knows versions up to ` +
        `${SCHEMA_VERSION}. Start the later release, or give this one another data folder.`,
    );
  }
  for (const [position, migration] of MIGRATIONS.slice(0, version).entries()) {
    if (position < found) continue;
    database.exec(`BEGIN IMMEDIATE; ${migration} PRAGMA user_version = ${position + 1}; COMMIT;`);
  }
}
