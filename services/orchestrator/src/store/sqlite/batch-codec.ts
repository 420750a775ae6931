// A commit on its way to the writer's thread: which values, in which order. The reading side is
// write-commit.ts, which puts each value into its statement as it comes.

import {
  type AddedTasks,
  type CommitBatch,
  type EventRecord,
  type NewRun,
  type NewTask,
  type RequestRow,
  type RunNumber,
  type RunStatusRow,
  StoreError,
  type TaskStatusRow,
} from '../port.ts';
import { runPhaseCode, stateReasonCode, taskStateCode } from './codes.ts';
import type { Packer, Unpacker } from './packing.ts';

export function packBatch(output: Packer, batch: CommitBatch): void {
  output.string(batch.namespace);
  output.number(batch.epoch);
  output.number(batch.events.length);
  for (const event of batch.events) packEvent(output, event);
  packRuns(output, batch);
  output.number(batch.addedTasks.length);
  for (const added of batch.addedTasks) packAddedTasks(output, added);
  output.number(batch.tasks.length);
  for (const task of batch.tasks) packTaskStatus(output, task);
  output.number(batch.requests.length);
  for (const request of batch.requests) packRequest(output, request);
  output.number(batch.references.length);
  for (const { run, sha256 } of batch.references) {
    output.number(run);
    output.string(sha256);
  }
}

export function packEvent(output: Packer, event: EventRecord): void {
  output.number(event.revision);
  output.number(event.run);
  output.number(event.task);
  output.bytes(event.payload);
  output.optionalBytes(event.attachment);
}

export function unpackEvent(input: Unpacker): EventRecord {
  return {
    revision: input.number(),
    run: input.number(),
    task: input.number(),
    payload: input.bytes(),
    attachment: input.optionalBytes(),
  };
}

/** New runs go with their status, so that each is written once. */
function packRuns(output: Packer, batch: CommitBatch): void {
  const statuses = new Map<RunNumber, RunStatusRow>();
  for (const status of batch.runs) statuses.set(status.run, status);
  output.number(batch.newRuns.length);
  for (const run of batch.newRuns) {
    const status = statuses.get(run.run);
    if (status === undefined) {
      throw new StoreError('FAILED', `the commit brings run ${run.run} without its status`);
    }
    statuses.delete(run.run);
    packNewRun(output, run);
    packRunStatus(output, status);
  }
  output.number(statuses.size);
  for (const status of statuses.values()) packRunStatus(output, status);
}

function packNewRun(output: Packer, run: NewRun): void {
  output.number(run.run);
  output.string(run.runId);
  output.string(run.name);
  output.string(JSON.stringify(run.labels));
  output.number(run.submittedAtMs);
  output.string(run.traceId);
  packOrigin(output, run.workflow);
  packParent(output, run.parent);
  packLinks(output, run.links);
  output.bytes(run.record);
  const labels = Object.entries(run.labels);
  output.number(labels.length);
  for (const [label, value] of labels) {
    output.string(label);
    output.string(value);
  }
  packNewTasks(output, run.tasks);
}

function packAddedTasks(output: Packer, added: AddedTasks): void {
  output.number(added.run);
  output.number(added.first);
  output.number(added.addedAtMs);
  packLinks(output, added.links);
  packNewTasks(output, added.tasks);
}

function packLinks(output: Packer, links: readonly string[]): void {
  const origins = new Set(links);
  output.number(origins.size);
  for (const origin of origins) output.string(origin);
}

function packNewTasks(output: Packer, tasks: readonly NewTask[]): void {
  output.number(tasks.length);
  for (const task of tasks) {
    output.string(task.key);
    output.number(taskStateCode.toNumber(task.state));
    output.bytes(task.spec);
  }
}

/** No workflow has an empty name. */
function packOrigin(output: Packer, workflow: NewRun['workflow']): void {
  output.string(workflow?.name ?? '');
  output.number(workflow?.version ?? 0);
}

/** No run has an empty id. */
function packParent(output: Packer, parent: NewRun['parent']): void {
  output.string(parent?.runId ?? '');
  output.string(parent?.taskKey ?? '');
  output.number(parent?.attempt ?? 0);
}

function packRunStatus(output: Packer, status: RunStatusRow): void {
  output.number(status.run);
  output.number(runPhaseCode.toNumber(status.phase));
  output.number(stateReasonCode.toNumber(status.reason));
  output.string(status.message);
  output.number(status.paused ? 1 : 0);
  output.optionalNumber(status.endedAtMs);
  output.number(status.lastRevision);
  output.string(status.failedTask);
  for (const state of taskStateCode.names) output.number(status.counts[state]);
}

function packTaskStatus(output: Packer, status: TaskStatusRow): void {
  output.number(status.run);
  output.number(status.task);
  output.number(taskStateCode.toNumber(status.state));
  output.number(stateReasonCode.toNumber(status.reason));
  output.number(status.attemptCount);
  output.optionalNumber(status.firstReadyAtMs);
  output.optionalNumber(status.startedAtMs);
  output.optionalNumber(status.endedAtMs);
  output.optionalBytes(status.dependencies);
}

export function packRequest(output: Packer, request: RequestRow): void {
  output.string(request.requestId);
  output.string(request.fingerprint);
  output.number(request.atMs);
  output.string(request.answer);
}
