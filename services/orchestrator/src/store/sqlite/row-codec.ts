// Rows on their way from the reader's thread: the SQL that selects each kind, how a row of it is
// packed, and how it is unpacked.

import type { SQLOutputValue } from 'node:sqlite';
import type { RunOrigin, RunParent } from '../../domain/spec.ts';
import type { TaskState } from '../../domain/states.ts';
import type { RequestRow, RunRow, TaskRow } from '../port.ts';
import { runPhaseCode, stateReasonCode, taskStateCode } from './codes.ts';
import type { Packer, Unpacker } from './packing.ts';
import { REVISION_BITS } from './schema.ts';

export type SqlRow = readonly SQLOutputValue[];

/** SQL: the revision in a key made of namespace and revision. */
function revisionOf(key: string): string {
  return `${key} & ${2 ** REVISION_BITS - 1}`;
}

export const EVENT_COLUMNS = `${revisionOf('id')}, ${revisionOf('run')}, task, payload, attachment`;
export const EVENT_PAYLOAD = 3;
export const EVENT_ATTACHMENT = 4;

export const RUN_COLUMNS = [
  revisionOf('runs.id'),
  ...['run_id', 'name', 'labels', 'submitted_at_ms', 'trace_id', 'workflow', 'workflow_version'],
  ...['parent_run_id', 'parent_task_key', 'parent_attempt', 'archived'],
  ...['phase', 'reason', 'message', 'paused', 'ended_at_ms', 'last_revision', 'failed_task'],
  ...['waiting', 'ready', 'running', 'retrying', 'completed', 'failed', 'cancelled', 'skipped'],
].join(', ');

/** Of tasks and of task_statuses, if there is one; a task that is READY from the start got so with its run, or when it was added. */
export const TASK_COLUMNS = `
  ${revisionOf('tasks.run')}, tasks.task, task_key, spec, coalesce(state, first_state), coalesce(task_statuses.reason, 0),
  coalesce(attempt_count, 0),
  iif(state IS NULL AND first_state = ${taskStateCode.toNumber('READY')}, coalesce(added_at_ms, submitted_at_ms), first_ready_at_ms),
  started_at_ms, task_statuses.ended_at_ms, dependencies`;
export const TASK_DEPENDENCIES = 10;
export const TASK_JOINS = `
  JOIN runs ON runs.id = tasks.run
  LEFT JOIN task_statuses ON task_statuses.run = tasks.run AND task_statuses.task = tasks.task`;

export const REQUEST_COLUMNS = 'request_id, fingerprint, at_ms, answer';

/** Packs each value as what it is; null as an absent number, or as absent bytes where told so. */
export function packRow(output: Packer, row: SqlRow, nullBytes = -1): void {
  for (let column = 0; column < row.length; column += 1) {
    const value = row[column];
    if (typeof value === 'number') output.number(value);
    else if (typeof value === 'string') output.string(value);
    else if (value === null || value === undefined) {
      if (column === nullBytes) output.optionalBytes(undefined);
      else output.optionalNumber(undefined);
    } else if (value instanceof Uint8Array) output.bytes(value);
    else throw new RangeError(`column ${column} holds ${String(value)}, which is too large for a number`);
  }
}

export function unpackRun(input: Unpacker): RunRow {
  return {
    run: input.number(),
    runId: input.string(),
    name: input.string(),
    labels: JSON.parse(input.string()) as Record<string, string>,
    submittedAtMs: input.number(),
    traceId: input.string(),
    workflow: unpackOrigin(input),
    parent: unpackParent(input),
    archived: input.number() === 1,
    phase: runPhaseCode.toName(input.number()),
    reason: stateReasonCode.toName(input.number()),
    message: input.string(),
    paused: input.number() === 1,
    endedAtMs: input.optionalNumber(),
    lastRevision: input.number(),
    failedTask: input.string(),
    counts: unpackCounts(input),
  };
}

/** The other side of packOrigin in batch-codec.ts. */
function unpackOrigin(input: Unpacker): RunOrigin | undefined {
  const name = input.string();
  const version = input.number();
  return name === '' ? undefined : { name, version };
}

/** The other side of packParent in batch-codec.ts. */
function unpackParent(input: Unpacker): RunParent | undefined {
  const runId = input.string();
  const taskKey = input.string();
  const attempt = input.number();
  return runId === '' ? undefined : { runId, taskKey, attempt };
}

function unpackCounts(input: Unpacker): Record<TaskState, number> {
  return {
    WAITING: input.number(),
    READY: input.number(),
    RUNNING: input.number(),
    RETRYING: input.number(),
    COMPLETED: input.number(),
    FAILED: input.number(),
    CANCELLED: input.number(),
    SKIPPED: input.number(),
  };
}

export function unpackTask(input: Unpacker): TaskRow {
  return {
    run: input.number(),
    task: input.number(),
    key: input.string(),
    spec: input.bytes(),
    state: taskStateCode.toName(input.number()),
    reason: stateReasonCode.toName(input.number()),
    attemptCount: input.number(),
    firstReadyAtMs: input.optionalNumber(),
    startedAtMs: input.optionalNumber(),
    endedAtMs: input.optionalNumber(),
    dependencies: input.optionalBytes(),
  };
}

export function unpackRequest(input: Unpacker): RequestRow {
  return {
    requestId: input.string(),
    fingerprint: input.string(),
    atMs: input.number(),
    answer: input.string(),
  };
}

/** Unpacks a count and so many rows. */
export function unpackAll<T>(input: Unpacker, unpack: (input: Unpacker) => T): T[] {
  const rows: T[] = [];
  for (let left = input.number(); left > 0; left -= 1) rows.push(unpack(input));
  return rows;
}
