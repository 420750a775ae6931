// P5, too: what a run has to do with other runs, and with signals from outside.

import { type Check, hold, type Place, type Seen } from './check.ts';
import { nameOf } from './fact.ts';
import type { NamespaceModel } from './ledger.ts';
import { endOfAttempt } from './take-task.ts';

export function checkConstructs(_seen: Seen): Check {
  return {
    before(place) {
      waits(place);
      completes(place);
    },
    after: begins,
  };
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
