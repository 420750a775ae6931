// Is the join of a task met, and can it still be? By the states of its upstreams, as the contract says
// (Dependency, Join), and what came of the edges' conditions.

import type { Dependency } from '../../../services/orchestrator/src/domain/spec.ts';
import type { TaskState } from '../../../services/orchestrator/src/domain/states.ts';
import type { RunModel, TaskModel } from './ledger.ts';
import { FINAL } from './states.ts';

type EdgeState = 'OPEN' | 'MET' | 'DEAD';

export function isMet(run: RunModel, task: TaskModel): boolean {
  return edgesOf(run, task).filter((edge) => edge === 'MET').length >= required(task);
}

export function canBeMet(run: RunModel, task: TaskModel): boolean {
  return edgesOf(run, task).filter((edge) => edge !== 'DEAD').length >= required(task);
}

/** For people. */
export function edgesInWords(run: RunModel, task: TaskModel): string {
  const words = task.dependencies.map((edge) => {
    const state = run.byKey.get(edge.key)?.state;
    return `${edge.key} is ${state}, asked for ${edge.condition}: ${edgeOf(run, task, edge)}`;
  });
  return `${required(task)} of [${words.join('; ')}]`;
}

function required({ spec, dependencies }: TaskModel): number {
  if (dependencies.length === 0) return 0;
  switch (spec.join.mode) {
    case 'ALL':
      return dependencies.length;
    case 'ANY':
      return 1;
    case 'AT_LEAST':
      return spec.join.count;
  }
}

function edgesOf(run: RunModel, task: TaskModel): readonly EdgeState[] {
  return task.dependencies.map((edge) => edgeOf(run, task, edge));
}

function edgeOf(run: RunModel, task: TaskModel, { key, condition, when }: Dependency): EdgeState {
  const state = run.byKey.get(key)?.state;
  if (state === undefined || !FINAL.has(state)) return 'OPEN';
  if (!isAskedFor(condition, state)) return 'DEAD';
  if (when === '') return 'MET';
  const judged = task.judged.get(key);
  return judged === undefined ? 'OPEN' : judged ? 'MET' : 'DEAD';
}

function isAskedFor(condition: Dependency['condition'], state: TaskState): boolean {
  switch (condition) {
    case 'SUCCESS':
      return state === 'COMPLETED';
    case 'FAILURE':
      return state === 'FAILED';
    case 'FINISHED':
      return true;
  }
}
