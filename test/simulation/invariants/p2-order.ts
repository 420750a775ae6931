// P2: every change of state happens once, has its place in one order, and is one that the state machine has.

import type { RunChange } from '../../../services/orchestrator/src/store/port-run-life.ts';
import { type Check, hold, type Place, type Seen } from './check.ts';
import { nameOf } from './fact.ts';
import type { NamespaceModel, RunModel } from './ledger.ts';
import type { Observation, ProcessId } from './observation.ts';
import { isFinalPhase, isLive, RUN_MOVES, type RunCase, TASK_MOVES, type TaskCase } from './states.ts';

type Durable = Extract<Observation, { type: 'Durable' }>;

export function checkOrder(_seen: Seen): Check {
  /** By process and namespace: the time of its latest event. */
  const latest = new Map<string, number>();

  return {
    before(place) {
      const { fact, namespace } = place;
      const next = namespace.events.length + 1;
      hold('P2.1', fact.revision === next, () => `${nameOf(fact)}: the next revision is ${next}`);
      isAbout(place);
      if (place.task !== undefined) taskMoves(place);
      else runMoves(place);
      const clock = `${fact.process}/${fact.namespace}`;
      const before = latest.get(clock) ?? 0;
      hold('P2.8', fact.timeMs >= before, () => {
        return `${nameOf(fact)}: its time is ${before - fact.timeMs} ms before that of the event before it`;
      });
      latest.set(clock, fact.timeMs);
    },
  };
}

/** Called before the ledger takes a write in. */
export function checkFence(
  namespace: NamespaceModel,
  process: ProcessId,
  { epoch }: { readonly epoch: number },
): void {
  const isOwner = epoch > namespace.epoch || (epoch === namespace.epoch && namespace.writer === process);
  hold('P2.2', isOwner, () => {
    return `${namespace.name}: process ${process} wrote with epoch ${epoch}, where process ${namespace.writer} has ${namespace.epoch}`;
  });
}

/** Called before the ledger takes a commit in. */
export function checkBatch(namespace: NamespaceModel, { batch, process }: Durable): void {
  checkFence(namespace, process, batch);
  for (const { requestId } of batch.requests) {
    hold('P2.7', !namespace.requests.has(requestId), () => {
      return `${namespace.name}: request ${requestId} had its effect, and has another one in a commit of process ${process}`;
    });
  }
}

function isAbout({ fact, run, task }: Place): void {
  const { record, change, runId, taskKey } = fact;
  if (change.case === 'runSubmitted') {
    hold('P2.3', run === undefined, () => `${nameOf(fact)}: there is such a run`);
    return;
  }
  const isOfTask = change.case.startsWith('task') && change.case !== 'tasksAdded';
  const sameRun = run !== undefined && run.number === record.run && run.runId === runId;
  const sameTask = isOfTask ? task?.index === record.task && task.key === taskKey : record.task === -1;
  hold('P2.3', sameRun && sameTask, () => {
    return `${nameOf(fact)}: it is kept as one of run ${record.run}, task ${record.task}, which is ${run?.runId}/${task?.key}`;
  });
}

function taskMoves({ fact, run, task }: Place): void {
  if (run === undefined || task === undefined) return;
  const { change } = fact;
  hold('P2.5', isLive(run.phase), () => `${nameOf(fact)}: the run is ${run.phase}`);
  const { from } = TASK_MOVES[change.case as TaskCase];
  hold('P2.4', from.includes(task.state), () => `${nameOf(fact)}: the task is ${task.state}`);
  const attempt = attemptOf(change.value);
  if (attempt === undefined) return;
  const isNew = change.case === 'taskStarted';
  const ended = change.case === 'taskFailed' || change.case === 'taskCancelled';
  const running = task.state === 'RUNNING' ? task.attempts : 0;
  const fits = isNew
    ? attempt === task.attempts + 1
    : attempt === running || (ended && attempt === 0 && running === 0);
  hold('P2.4', fits, () => {
    return `${nameOf(fact)}: it is about attempt ${attempt}, and the task is ${task.state} after ${task.attempts}`;
  });
}

function attemptOf(value: object): number | undefined {
  return 'attempt' in value && typeof value.attempt === 'number' ? value.attempt : undefined;
}

function runMoves({ fact, run }: Place): void {
  const { change } = fact;
  if (run === undefined || change.case === 'runSubmitted') return;
  const { from } = RUN_MOVES[change.case as RunCase];
  hold('P2.5', from.includes(run.phase), () => `${nameOf(fact)}: the run is ${run.phase}`);
  const pauses = change.case === 'runPaused' && run.paused;
  const resumes = change.case === 'runResumed' && !run.paused;
  hold('P2.5', !pauses && !resumes, () => `${nameOf(fact)}: it is so already`);
  hold('P2.5', !run.archived, () => `${nameOf(fact)}: the run is archived`);
}

/** Called before the ledger takes it in. */
export function checkRunChange(run: RunModel, { action }: RunChange): void {
  const allowed =
    isFinalPhase(run.phase) && !(run.archived && (action.type === 'DELETE' || action.type === 'EXPIRE'));
  hold('P2.5', allowed, () => {
    const state = run.archived ? 'archived' : run.phase;
    return `${run.namespace}: ${action.type} of run ${run.runId}, which is ${state}`;
  });
}
