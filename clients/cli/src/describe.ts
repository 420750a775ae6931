// How do runs, tasks, events and executors look to people?

import { toJson } from '@bufbuild/protobuf';
import { type Timestamp, timestampMs, ValueSchema } from '@bufbuild/protobuf/wkt';
import { type Event, EventSchema } from '@tutti/proto/tutti/v1/event_pb.ts';
import type { Executor } from '@tutti/proto/tutti/v1/executor_service_pb.ts';
import type { Payload } from '@tutti/proto/tutti/v1/payload_pb.ts';
import type { Run } from '@tutti/proto/tutti/v1/run_pb.ts';
import type { Task, TaskError } from '@tutti/proto/tutti/v1/task_pb.ts';
import {
  attemptStateName,
  executorStateName,
  runStateName,
  stateReasonName,
  taskStateName,
} from './names.ts';
import { renderTable } from './output.ts';
import { renderCounts, renderPlainLine } from './progress/line.ts';

/** The outcome of a run in a line: `COMPLETED in 3.2 s: 120 completed`. */
export function describeOutcome(run: Run): string {
  const reason = stateReasonName(run.reason);
  const took = spanOf(run.submitTime, run.endTime);
  const head = `${runStateName(run.state)}${run.paused ? ', paused' : ''}${reason === '' ? '' : ` (${reason})`}${took === '' ? '' : ` in ${took}`}`;
  const counts = run.tasks === undefined ? 'no tasks' : renderCounts(run.tasks);
  return `${head}: ${counts}`;
}

/** Why a run failed: `resize after 3 attempts: OUT_OF_MEMORY: 2 GiB were not enough`. */
export function describeFailedTask({ key, attemptCount, error }: Task): string {
  const attempts = attemptCount === 1 ? '1 attempt' : `${attemptCount} attempts`;
  return `${key} after ${attempts}${error === undefined ? '' : `: ${describeError(error)}`}`;
}

/**
 * A run in a few lines.
 * @param failedTask the task that the run names as such, if it does
 */
export function describeRun(run: Run, failedTask?: Task): string {
  const rows: [string, string][] = [
    ['run', run.runId],
    ['namespace', run.namespace],
    ['name', run.name],
    [
      'labels',
      Object.entries(run.labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(', '),
    ],
    ['state', describeOutcome(run)],
    ['progress', run.tasks === undefined ? '' : renderPlainLine('', run.tasks).trim()],
    ['message', run.message],
    ['failed task', failedTask === undefined ? run.failedTask : describeFailedTask(failedTask)],
    ['submitted', timeOf(run.submitTime)],
    ['ended', timeOf(run.endTime)],
    ['workflow', run.workflow === undefined ? '' : `${run.workflow.name}@${run.workflow.version}`],
    ['started by', parentOf(run)],
    ['input', payloadOf(run.input)],
    ['output', payloadOf(run.output)],
    ['trace', run.traceId],
  ];
  return renderTable(rows.filter(([, value]) => value !== ''));
}

export function describeRuns(runs: readonly Run[]): string {
  if (runs.length === 0) return 'no runs';
  const rows = runs.map((run) => [
    run.runId,
    run.name,
    `${runStateName(run.state)}${run.paused ? ', paused' : ''}`,
    run.tasks === undefined ? '' : renderPlainLine('', run.tasks).trim(),
    timeOf(run.submitTime),
  ]);
  return renderTable([['RUN', 'NAME', 'STATE', 'PROGRESS', 'SUBMITTED'], ...rows]);
}

export function describeTasks(tasks: readonly Task[]): string {
  const rows = tasks.map((task) => [
    task.key,
    taskStateName(task.state),
    stateReasonName(task.reason),
    String(task.attemptCount),
    spanOf(task.startTime, task.endTime),
  ]);
  return renderTable([['TASK', 'STATE', 'REASON', 'ATTEMPTS', 'TOOK'], ...rows]);
}

/** A task in full: what it was asked, each attempt, what it came to. */
export function describeTask(task: Task): string {
  const rows: [string, string][] = [
    ['task', task.key],
    ['run', task.runId],
    ['state', [taskStateName(task.state), stateReasonName(task.reason)].filter(Boolean).join(' ')],
    ['capability', task.spec?.capability ?? ''],
    ['child run', task.childRunId],
    ['input', payloadOf(task.computedInput ?? task.spec?.input)],
    ['result', payloadOf(task.result)],
    ['error', task.error === undefined ? '' : describeError(task.error)],
    ['told to do better', task.feedback?.reason ?? ''],
    ['ready', timeOf(task.readyTime)],
    ['started', timeOf(task.startTime)],
    ['ended', timeOf(task.endTime)],
    ['next attempt', timeOf(task.retryTime)],
  ];
  const attempts = task.attempts.map((attempt) => [
    `attempt ${attempt.number}`,
    attemptStateName(attempt.state),
    attempt.executorId,
    spanOf(attempt.startTime, attempt.endTime),
    attempt.error === undefined ? '' : describeError(attempt.error),
  ]);
  const head = renderTable(rows.filter(([, value]) => value !== ''));
  return attempts.length === 0 ? head : `${head}\n${renderTable(attempts)}`;
}

export function describeError(error: TaskError): string {
  return error.message === '' ? error.code : `${error.code}: ${error.message}`;
}

export function describeExecutors(executors: readonly Executor[]): string {
  if (executors.length === 0) return 'no executors; start one, or `tutti up --executors 1`';
  const rows = executors.map((executor) => [
    executor.executorId,
    executorStateName(executor.state),
    `${executor.running}/${executor.slots}`,
    executor.capabilities.map((capability) => capability.name).join(', '),
    timeOf(executor.heartbeatTime),
  ]);
  return renderTable([['EXECUTOR', 'STATE', 'SLOTS', 'CAPABILITIES', 'LAST HEARD OF'], ...rows]);
}

/** An event in a line: `12  2026-01-01T00:00:00.000Z  a  taskStarted  {"attempt":1,…}`. */
export function describeEvent(event: Event): string {
  const json = toJson(EventSchema, event) as Record<string, unknown>;
  const change = event.change.case ?? 'unknown';
  const detail = JSON.stringify(json[change] ?? {});
  const parts = [
    event.revision,
    timeOf(event.time),
    event.taskKey || '-',
    change,
    detail === '{}' ? '' : detail,
  ];
  return parts.join('  ').trimEnd();
}

function parentOf({ parent }: Run): string {
  return parent === undefined ? '' : `task ${parent.taskKey} of ${parent.runId}, attempt ${parent.attempt}`;
}

function timeOf(time: Timestamp | undefined): string {
  return time === undefined ? '' : new Date(timestampMs(time)).toISOString();
}

function spanOf(from: Timestamp | undefined, to: Timestamp | undefined): string {
  if (from === undefined || to === undefined) return '';
  const ms = timestampMs(to) - timestampMs(from);
  return ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

function payloadOf(payload: Payload | undefined): string {
  if (payload === undefined) return '';
  switch (payload.data.case) {
    case 'value':
      return JSON.stringify(toJson(ValueSchema, payload.data.value));
    case 'bytes':
      return `${payload.data.value.length} bytes of ${payload.contentType || 'application/json'}`;
    case 'ref':
      return `${payload.data.value.sizeBytes} bytes of ${payload.contentType || 'application/json'}, stored apart`;
    case undefined:
      return '';
  }
}
