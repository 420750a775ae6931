// P7: slots, capabilities, and the limits of runs and lists hold at every moment.

import { type Check, hold, type Place, type Seen } from './check.ts';
import { type Fact, nameOf } from './fact.ts';
import type { LeaseModel, NamespaceModel, RunModel, TaskModel } from './ledger.ts';
import { FINAL } from './states.ts';

export function checkLimits({ executors }: Seen): Check {
  return {
    after({ fact, namespace, run, task }: Place) {
      if (run === undefined) return;
      const { change } = fact;
      if (change.case === 'taskStarted' && task?.lease !== undefined) {
        fitsExecutor(executors, fact, namespace, task.lease);
      }
      switch (change.case) {
        case 'runSubmitted':
        case 'taskReady':
        case 'tasksAdded':
        case 'taskReset':
          fitsRun(fact, run);
          if (change.case === 'tasksAdded') fitsList(fact, run, run.byKey.get(change.value.owner));
          break;
      }
    },
  };
}

/** Under one of the registrations that may have held when it was decided. */
function fitsExecutor(
  executors: Seen['executors'],
  fact: Fact,
  { leases }: NamespaceModel,
  { executorId, capability }: LeaseModel,
): void {
  const view = executors.view(fact.process, fact.namespace, executorId);
  const registrations = view?.registrations ?? [];
  const who = () => `${nameOf(fact)}: executor ${executorId}`;
  hold(
    'P7.3',
    registrations.some(({ capabilities }) => capabilities.has(capability)),
    () => {
      return `${who()} has not registered for ${capability} with process ${fact.process}`;
    },
  );
  hold('P7.4', view?.phases.some(({ takesWork }) => takesWork) === true, () => {
    return `${who()} has said that it takes nothing new`;
  });
  const held = [...leases.values()].filter(
    (lease) => lease.ended === undefined && lease.executorId === executorId,
  );
  const slots = Math.max(...registrations.map((each) => each.slots));
  hold('P7.1', held.length <= slots, () => `${who()} has ${slots} slots, and holds ${held.length} leases`);
  const most = Math.max(
    ...registrations.map(
      ({ capabilities }) => capabilities.get(capability)?.maxConcurrency || Number.POSITIVE_INFINITY,
    ),
  );
  const same = held.filter((lease) => lease.capability === capability).length;
  hold('P7.2', same <= most, () => `${who()} takes ${most} of ${capability} at once, and holds ${same}`);
}

/** What the orchestrator does itself does not count, nor what tasks made for themselves. */
function fitsRun(fact: Fact, run: RunModel): void {
  const { maxParallel } = run.spec;
  if (maxParallel === 0) return;
  const underWay = run.tasks.filter(
    ({ state, owner, spec }) =>
      (state === 'READY' || state === 'RUNNING' || state === 'RETRYING') &&
      owner === undefined &&
      spec.work.type === 'CAPABILITY' &&
      spec.flow.foreach === undefined,
  );
  hold('P7.5', underWay.length <= maxParallel, () => {
    const keys = underWay.map(({ key }) => key).join(', ');
    return `${nameOf(fact)}: ${keys} are under way, where the run allows ${maxParallel}`;
  });
}

/** Items of one round of a list, that is with one beginning of their keys. */
function fitsList(fact: Fact, run: RunModel, owner: TaskModel | undefined): void {
  const most = owner?.spec.flow.foreach?.maxParallel ?? 0;
  if (most === 0) return;
  const underWay = new Map<string, number>();
  for (const task of run.tasks) {
    const found = /^(.*)#\d+$/.exec(task.key);
    if (task.owner !== owner || found === null || FINAL.has(task.state)) continue;
    const round = found[1] as string;
    const count = (underWay.get(round) ?? 0) + 1;
    underWay.set(round, count);
    hold('P7.6', count <= most, () => {
      return `${nameOf(fact)}: ${count} items of ${round} are under way, where it allows ${most}`;
    });
  }
}
