// What does the engine add to a run that a manager leads (C.6)? It alone knows the executors: it shows them to the
// manager, and says with each answer which of them are there.

import { readDecision } from '../domain/decision-form.ts';
import { isManager } from '../domain/manager.ts';
import type { Surroundings } from '../domain/manager-decision.ts';
import { managerInput, type Place } from '../domain/manager-input.ts';
import type { Payload } from '../domain/payload.ts';
import { accept } from '../domain/rejection.ts';
import type { RunState } from '../domain/state.ts';
import { iterationOf } from '../domain/variables.ts';
import { assignmentOf } from './assignment.ts';
import type { Core } from './core.ts';
import { listExecutors } from './executor-list.ts';
import type { Assignment } from './inputs.ts';

/** The assignment of the attempt that runs now. */
export function assignmentIn(
  core: Core,
  run: RunState,
  task: number,
  shown = shownTo(core, run, task),
): Assignment {
  const assignment = assignmentOf(run, task);
  return shown === undefined
    ? assignment
    : { ...assignment, input: shown, iteration: iterationOf(run, task) };
}

/** What a manager is given to decide on, as it stands now; undefined for every other task. */
export function shownTo(core: Core, run: RunState, task: number): Payload | undefined {
  return isManager(run, task) ? managerInput(run, task, placesOf(core)) : undefined;
}

/** What surrounds the answer of a manager; undefined for every other result. */
export function surroundingsOf(
  core: Core,
  run: RunState,
  task: number,
  result: Payload,
): Surroundings | undefined {
  if (!isManager(run, task)) return undefined;
  const json = run.graph.readPayload(result);
  const reading = json === undefined ? undefined : readDecision(json);
  const add = reading?.ok === true ? reading.decision.add : [];
  return {
    places: new Map(
      placesOf(core).map(({ executorId, capabilities }) => [executorId, new Set(capabilities)]),
    ),
    added: add.length === 0 ? accept([]) : core.options.readTasks(add),
  };
}

function placesOf(core: Core): readonly Place[] {
  return listExecutors(core, '')
    .filter(({ draining }) => !draining)
    .map(({ executorId, capabilities, labels, slots, running }) => ({
      executorId,
      capabilities: capabilities.map(({ name }) => name),
      labels,
      slots,
      running,
    }));
}
