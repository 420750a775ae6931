// How does a run that is under way get further tasks, and how do its tasks get other dependencies?
//
// Tasks are added on behalf of an attempt: its lease is the right to do so (promise 4), and must be alive.

import type { RunEvent } from '../domain/events.ts';
import { accept, type Refusal, type Result, reject } from '../domain/rejection.ts';
import type { Core } from './core.ts';
import { executorOf, unknownSession } from './executor.ts';
import type { AddedTasks, AddTasks, ChangeDependencies } from './inputs.ts';
import type { Lease } from './leases.ts';
import { expireIfDue } from './loss.ts';
import { refuseMoreTasks, runNotFound, taskNotFound } from './requests.ts';

export function addTasks(core: Core, input: AddTasks): Result<AddedTasks> {
  const found = leaseOf(core, input);
  if (!found.ok) return found;
  const { run } = found.value;
  const fresh = input.tasks.filter(({ key }) => run.state.graph.indexOf(key) === undefined).length;
  const full = fresh === 0 ? undefined : refuseMoreTasks(core, fresh);
  if (full !== undefined) return full;
  const result = core.apply(run, { type: 'AddTasks', tasks: input.tasks });
  return result.ok ? accept({ addedCount: countAdded(result.value) }) : result;
}

function leaseOf(core: Core, { by, leaseToken }: AddTasks): Result<Lease> {
  if (by.type === 'EXECUTOR') {
    expireIfDue(core, by.executorId);
    const executor = executorOf(core, by.executorId, by.session);
    if (executor === undefined) return unknownSession(core, by.executorId, by.session);
    executor.heardAtMs = core.nowMs;
  }
  const lease = core.leases.get(leaseToken);
  const isTheirs =
    by.type === 'EXECUTOR'
      ? lease?.executor.executorId === by.executorId
      : lease?.run.state.runId === by.runId;
  if (lease === undefined || !isTheirs) return noLease(by.type === 'RUN' ? by.runId : '');
  return accept(lease);
}

function noLease(runId: string): Refusal {
  const message =
    'tasks are added by an attempt that is under way, and this lease is not that of one; whoever performs the task now may add them';
  return reject('NO_LEASE', message, runId === '' ? {} : { run_id: runId }, 'lease_token');
}

/** What the tasks make for themselves at once is not counted. */
function countAdded(events: readonly RunEvent[]): number {
  const change = events[0]?.change;
  return change?.type === 'TasksAdded' ? change.specs.length : 0;
}

export function changeDependencies(core: Core, input: ChangeDependencies): Result<true> {
  const run = core.runs.get(input.runId);
  if (run === undefined) return runNotFound(core.options.namespace, input.runId);
  const task = run.state.graph.indexOf(input.taskKey);
  if (task === undefined) return taskNotFound(input.runId, input.taskKey);
  const { add, remove } = input;
  const result = core.apply(run, { type: 'ChangeDependencies', task, add, remove });
  return result.ok ? accept(true) : result;
}
