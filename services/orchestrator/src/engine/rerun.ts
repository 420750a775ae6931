// How does a final run come back to the engine, to be done again?
//
// The engine knows no final runs: the runtime reads the run back from the store and hands it in. Whoever
// does sees to it that the run is not changed in the meantime.

import { apply } from '../domain/apply.ts';
import { accept, type Result, reject } from '../domain/rejection.ts';
import { runNotFinal } from '../domain/rerun.ts';
import type { Core } from './core.ts';
import type { RerunRun, RestartedRun } from './inputs.ts';
import { refuseMoreTasks, runNotFound, taskNotFound } from './requests.ts';

export function rerunRun(core: Core, input: RerunRun): Result<RestartedRun> {
  const { runId, run, scope, taskKey } = input;
  const active = core.runs.get(runId);
  if (active !== undefined) return runNotFinal(runId, active.state.phase);
  if (run === undefined) return runNotFound(core.options.namespace, runId);
  // Only another owner of the namespace can have written that; the next commit here is going to be refused.
  if (run.lastRevision > core.revision) return servedElsewhere(core.options.namespace);
  const from = scope === 'FROM' ? run.graph.indexOf(taskKey) : undefined;
  if (scope === 'FROM' && from === undefined) return taskNotFound(runId, taskKey);
  const full = refuseMoreTasks(core, run.tasks.length);
  if (full !== undefined) return full;
  const revision = core.revision + 1;
  const result = apply(run, { type: 'RerunRun', scope, from }, core.nowMs, revision);
  if (!result.ok) return result;
  core.admit(run, result.value);
  const resetCount = result.value.filter(({ change }) => change.type === 'TaskReset').length;
  return accept({ resetCount, revision });
}

function servedElsewhere(namespace: string) {
  const message = `namespace ${namespace} is served by another orchestrator by now: try again in a moment`;
  return reject('NOT_SERVING', message, { namespace });
}
