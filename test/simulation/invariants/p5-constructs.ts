// P5, too: what a run has to do with other runs, with signals from outside, and with what its tasks make for
// themselves; and whether attempts are used up before a task fails for want of them.

import { StateReason } from '@tutti/proto/tutti/v1/state_reason_pb.ts';
import { type Check, hold, type Place, type Seen } from './check.ts';
import { type Fact, nameOf } from './fact.ts';
import type { NamespaceModel, RunModel, TaskModel } from './ledger.ts';
import { FINAL } from './states.ts';
import { endOfAttempt } from './take-task.ts';

export function checkConstructs({ ledger }: Seen): Check {
  return {
    before(place) {
      waits(place);
      completes(place);
      if (place.task !== undefined) usesUp(place.fact, place.task);
      else if (place.run !== undefined) completesWell(place.fact, place.run);
    },
    after: begins,
    see(observation) {
      if (observation.type !== 'Durable') return;
      const { batch } = observation;
      const { runs } = ledger.of(batch.namespace);
      for (const number of new Set(batch.events.map(({ run }) => run))) {
        const run = runs.get(number);
        if (run !== undefined) endsOwned(run, `${batch.namespace}@${batch.events.at(-1)?.revision}`);
      }
    },
  };
}

/** In a run that a manager leads, it has seen what failed. */
function isHandled(run: RunModel, failed: TaskModel): boolean {
  return run.tasks.some(({ state, attempts, dependencies, judged }) => {
    const ran = state === 'COMPLETED' || (state === 'FAILED' && attempts > 0);
    const edge = dependencies.find(({ key }) => key === failed.key);
    return ran && edge !== undefined && edge.condition !== 'SUCCESS' && judged.get(failed.key) !== false;
  });
}

function completesWell(fact: Fact, run: RunModel): void {
  if (fact.change.case !== 'runCompleted' || run.spec.mode === 'MANAGED') return;
  const failed = run.tasks.find(
    (task) =>
      task.state === 'FAILED' && task.owner === undefined && !task.spec.allowFailure && !isHandled(run, task),
  );
  hold(
    'P5.14',
    failed === undefined,
    () => `${nameOf(fact)}: ${failed?.key} has failed, and nothing made up for it`,
  );
}

/** A fallback that fails gives the reason of what failed before it. */
function usesUp(fact: Fact, { spec, round, fallback }: TaskModel): void {
  const { change } = fact;
  if (change.case !== 'taskFailed' || fallback) return;
  const { maxAttempts, maxLostAttempts } = spec.retry;
  const counted = round.started - round.lost;
  const { reason } = change.value;
  const holds =
    reason === StateReason.ATTEMPTS_EXHAUSTED
      ? counted >= maxAttempts
      : reason !== StateReason.EXECUTORS_LOST || round.lost >= maxLostAttempts;
  hold('P5.12', holds, () => {
    return `${nameOf(fact)}: ${counted} of ${maxAttempts} attempts were made, and ${round.lost} of ${maxLostAttempts} lost`;
  });
}

/** What undoes a task is begun after it, and outlives it. */
function endsOwned(run: RunModel, at: string): void {
  const left = run.tasks.find(
    ({ owner, key, state, cancelling }) =>
      owner !== undefined &&
      owner.state !== 'RUNNING' &&
      !key.endsWith('#undo') &&
      !FINAL.has(state) &&
      !cancelling,
  );
  hold('P5.13', left === undefined, () => {
    return `${at} ${run.runId}: ${left?.key} is ${left?.state}, and ${left?.owner?.key}, which made it, is ${left?.owner?.state}`;
  });
}

function waits({ fact, run }: Place): void {
  const { change } = fact;
  if (change.case !== 'taskSignalled') return;
  const { name } = change.value;
  hold('P5.11', (run?.signals.get(name) ?? 0) > 0, () => `${nameOf(fact)}: there is no signal ${name} left`);
}

function begins({ fact, namespace, run }: Place): void {
  const { change, batch } = fact;
  if (run?.parent === undefined || change.case !== 'runSubmitted') return;
  const { runId, taskKey, attempt } = run.parent;
  const parent = namespace.runIds.get(runId);
  const task = parent?.byKey.get(taskKey);
  const startedHere = task?.state === 'RUNNING' && task.attempts === attempt && task.childRunId === run.runId;
  const first = batch.events[0]?.revision ?? 0;
  hold('P5.10', startedHere && (parent?.lastRevision ?? 0) >= first, () => {
    return `${nameOf(fact)}: attempt ${attempt} at ${runId}/${taskKey} is to have started it; that is ${task?.state} after ${task?.attempts}, with the run ${task?.childRunId}`;
  });
}

function completes({ fact, namespace, task }: Place): void {
  if (task === undefined || task.childRunId === '' || endOfAttempt(fact, task) !== 'COMPLETED') return;
  const state = stateOf(namespace, task.childRunId);
  hold('P5.10', state === 'COMPLETED', () => `${nameOf(fact)}: its run ${task.childRunId} is ${state}`);
}

function stateOf({ runIds }: NamespaceModel, runId: string): string | undefined {
  return runIds.get(runId)?.phase;
}
