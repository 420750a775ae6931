// How do tasks stand? Reads of what is durable.

import { create } from '@bufbuild/protobuf';
import {
  type GetTaskRequest,
  type GetTaskResponse,
  GetTaskResponseSchema,
  type ListTasksRequest,
  type ListTasksResponse,
  ListTasksResponseSchema,
  TaskView,
} from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { StateReason } from '@tutti/proto/tutti/v1/state_reason_pb.ts';
import { type Task, TaskSchema } from '@tutti/proto/tutti/v1/task_pb.ts';
import { accept } from '../../domain/rejection.ts';
import { taskNotFound } from '../../engine/requests.ts';
import type { Orchestrator, StoreQueries } from '../../runtime/orchestrator.ts';
import type { EventRecord, RunRow, TaskRow } from '../../store/port.ts';
import { taskStateFromWire } from '../../wire/enums.ts';
import { payloadFormFromWire } from '../../wire/payload-form.ts';
import { namespaceOf } from '../call.ts';
import { capabilityOf, toBasicTask, toFullTask } from '../messages/task.ts';
import type { UnaryHandler } from '../method.ts';
import { countFitting, type PagedCall, pageSizeOf, readPageToken, writePageToken } from '../page.ts';
import { findRun } from './runs.ts';
import { onlyKnown } from './states.ts';

/** Read from the store at once: bounds what a page of large tasks takes in memory. */
const BASIC_TASKS_AT_ONCE = 200;
const FULL_TASKS_AT_ONCE = 16;

export interface TaskHandlers {
  readonly getTask: UnaryHandler<GetTaskRequest, GetTaskResponse>;
  readonly listTasks: UnaryHandler<ListTasksRequest, ListTasksResponse>;
}

type TaskQueries = Pick<StoreQueries, 'getRun' | 'getTask' | 'listTasks' | 'readTaskEvents'>;

export function createTaskHandlers(orchestrator: Pick<Orchestrator, 'queries' | 'offers'>): TaskHandlers {
  const queries: TaskQueries = orchestrator.queries;
  return {
    async getTask(request) {
      const namespace = namespaceOf(request);
      const run = await findRun(queries, namespace, request.runId);
      if (!run.ok) return run;
      const row = await queries.getTask(namespace, run.value.run, request.taskKey);
      if (row === undefined) return taskNotFound(request.runId, request.taskKey);
      const events = await queries.readTaskEvents(namespace, row.run, [row.task]);
      const form = payloadFormFromWire(request.payloadForm);
      const task = toFullTask(request.runId, row, events, form);
      tellNoExecutor(orchestrator, namespace, [row], [task]);
      return accept(create(GetTaskResponseSchema, { task }));
    },

    async listTasks(request) {
      const namespace = namespaceOf(request);
      const paged = pagedCall(request);
      const after = readPageToken(request.pageToken, paged, -1);
      if (!after.ok) return after;
      const states = onlyKnown(request.states, taskStateFromWire);
      if (!states.ok) return states;
      const run = await findRun(queries, namespace, request.runId);
      if (!run.ok) return run;
      const page = await readPage(queries, namespace, run.value, request, after.value, states.value);
      tellNoExecutor(orchestrator, namespace, page.rows, page.tasks);
      const nextPageToken = page.last === undefined ? '' : writePageToken(paged, page.last);
      return accept(create(ListTasksResponseSchema, { tasks: [...page.tasks], nextPageToken }));
    },
  };
}

interface Page {
  /** One for each task. */
  readonly rows: readonly TaskRow[];
  readonly tasks: readonly Task[];
  /** Index of the last task, where more follow. */
  readonly last: number | undefined;
}

/** Ends when the page is full, by number or by bytes, or the tasks are at their end. */
async function readPage(
  queries: TaskQueries,
  namespace: string,
  run: RunRow,
  request: ListTasksRequest,
  after: number,
  states: readonly NonNullable<ReturnType<typeof taskStateFromWire>>[],
): Promise<Page> {
  const pageSize = pageSizeOf(request);
  const atOnce = request.view === TaskView.FULL ? FULL_TASKS_AT_ONCE : BASIC_TASKS_AT_ONCE;
  const rowsOfPage: TaskRow[] = [];
  const tasks: Task[] = [];
  let usedBytes = 0;
  let last = after;
  while (tasks.length < pageSize) {
    const wanted = Math.min(atOnce, pageSize - tasks.length);
    // One more tells whether any follow.
    const rows = await queries.listTasks(namespace, run.run, { states, after: last, limit: wanted + 1 });
    const messages = await toMessages(queries, namespace, request, rows.slice(0, wanted));
    const fitting = countFitting(TaskSchema, messages, usedBytes);
    usedBytes = fitting.bytes;
    tasks.push(...messages.slice(0, fitting.count));
    rowsOfPage.push(...rows.slice(0, fitting.count));
    last = rows[fitting.count - 1]?.task ?? last;
    if (fitting.count < messages.length) return { rows: rowsOfPage, tasks, last };
    if (rows.length <= wanted) return { rows: rowsOfPage, tasks, last: undefined };
  }
  return { rows: rowsOfPage, tasks, last };
}

/**
 * What no event says, because it changes without one: that a READY task waits for an executor to come.
 * @param tasks the messages of `rows`, in the same order
 */
function tellNoExecutor(
  orchestrator: Pick<Orchestrator, 'offers'>,
  namespace: string,
  rows: readonly TaskRow[],
  tasks: readonly Task[],
): void {
  const offered = new Map<string, boolean | undefined>();
  for (const [index, row] of rows.entries()) {
    const task = tasks[index];
    if (row.state !== 'READY' || task === undefined) continue;
    const capability = capabilityOf(row);
    if (capability === '') continue;
    if (!offered.has(capability)) offered.set(capability, orchestrator.offers(namespace, capability));
    if (offered.get(capability) === false) task.reason = StateReason.NO_EXECUTOR;
  }
}

async function toMessages(
  queries: TaskQueries,
  namespace: string,
  request: ListTasksRequest,
  rows: readonly TaskRow[],
): Promise<Task[]> {
  const { runId } = request;
  const [first] = rows;
  if (request.view !== TaskView.FULL || first === undefined)
    return rows.map((row) => toBasicTask(runId, row));
  const indexes = rows.map((row) => row.task);
  const events = Map.groupBy(
    await queries.readTaskEvents(namespace, first.run, indexes),
    (event: EventRecord) => event.task,
  );
  const form = payloadFormFromWire(request.payloadForm);
  return rows.map((row) => toFullTask(runId, row, events.get(row.task) ?? [], form));
}

function pagedCall(request: ListTasksRequest): PagedCall {
  const { runId, states, view, payloadForm } = request;
  return { name: 'ListTasks', fields: [namespaceOf(request), runId, states, view, payloadForm] };
}
