// P5: what comes first is over before a task starts, attempts are bounded, what was cancelled does not complete,
// and a run that is paused or over does nothing.

import { StateReason } from '@tutti/proto/tutti/v1/state_reason_pb.ts';
import type { RunSpec, TaskSpec } from '../../../services/orchestrator/src/domain/spec.ts';
import { type Check, hold, type Place, type Seen } from './check.ts';
import { type Fact, nameOf } from './fact.ts';
import { canBeMet, edgesInWords, isMet } from './joins.ts';
import type { RunModel, TaskModel } from './ledger.ts';
import { FINAL } from './states.ts';

export function checkRules(_seen: Seen): Check {
  return {
    before({ fact, run, task }: Place) {
      if (run === undefined) return;
      if (task === undefined) {
        endsWhenAllIsOver(fact, run);
        return;
      }
      const { change } = fact;
      if (change.case === 'taskReady' || change.case === 'taskStarted') joins(fact, run, task);
      if (change.case === 'taskReady') isDue(fact, task);
      if (change.case === 'taskStarted') mayStart(fact, run, task);
      if (change.case === 'taskReset') isResetFor(fact, run, task);
      ends(fact, run, task);
      loops(fact, run, task);
    },
    after({ fact, run }) {
      const { change } = fact;
      if (run === undefined) return;
      if (change.case === 'runSubmitted') begin(fact, run, 0, run.tasks.length);
      if (change.case === 'tasksAdded')
        begin(fact, run, change.value.firstIndex, change.value.taskKeys.length);
    },
  };
}

function joins(fact: Fact, run: RunModel, task: TaskModel): void {
  // A task whose next attempt is due has been there before, but what is done again takes it back (base of P5.5).
  hold('P5.1', isMet(run, task), () => `${nameOf(fact)}: it needs ${edgesInWords(run, task)}`);
}

function isDue(fact: Fact, task: TaskModel): void {
  const dueAtMs = task.state === 'RETRYING' ? task.dueAtMs : task.heldUntilMs;
  hold('P5.8', dueAtMs === undefined || fact.timeMs >= dueAtMs, () => {
    return `${nameOf(fact)}: that is ${(dueAtMs ?? 0) - fact.timeMs} ms before its moment`;
  });
}

function mayStart(fact: Fact, run: RunModel, task: TaskModel): void {
  hold('P5.4', !run.paused, () => `${nameOf(fact)}: the run is paused`);
  const undoes = run.phase === 'COMPENSATING' && task.key.endsWith('#undo');
  hold('P5.6', run.phase === 'RUNNING' || undoes, () => `${nameOf(fact)}: the run is ${run.phase}`);
  const { maxAttempts, maxLostAttempts } = task.spec.retry;
  const { started, lost, fallbacks, lostFallbacks } = task.round;
  const counted = started - lost;
  const fits = task.fallback ? fallbacks === 0 : counted < maxAttempts;
  // One loss too many is a reason for the fallback, too.
  const mostLost = task.fallback && lostFallbacks === 0 ? maxLostAttempts + 1 : maxLostAttempts;
  hold('P5.2', fits && lost <= mostLost, () => {
    return `${nameOf(fact)}: ${counted} of ${maxAttempts} attempts were made, ${fallbacks} of them by the fallback, and ${lost} of ${maxLostAttempts} lost`;
  });
}

function isResetFor(fact: Fact, run: RunModel, task: TaskModel): void {
  const { change, batch } = fact;
  if (change.case !== 'taskReset') return;
  const cause = change.value.reason === StateReason.RERUN ? run.restartRevision : run.sentBackRevision;
  // Causes and resets are of one step, and thus of one commit.
  const first = batch.events[0]?.revision ?? 0;
  // The next attempt of what ran outside of a loop waits for what the loop does again.
  const waitsAnew = task.state === 'RETRYING' && !isMet(run, task);
  hold(
    'P5.5',
    cause >= first || waitsAnew,
    () => `${nameOf(fact)}: ${task.state} was to stay, nothing has asked for it again`,
  );
}

function ends(fact: Fact, run: RunModel, task: TaskModel): void {
  const { change } = fact;
  switch (change.case) {
    case 'taskCompleted':
    case 'taskFailed':
    case 'taskRetrying':
    case 'taskRepeating':
    case 'taskSentBack':
    case 'taskValidating':
      hold(
        'P5.3',
        !task.cancelling,
        () => `${nameOf(fact)}: it was told to stop, so it can only become CANCELLED`,
      );
      break;
  }
  const unmet =
    (change.case === 'taskSkipped' &&
      change.value.reason !== StateReason.CONDITION_FALSE &&
      change.value.reason !== StateReason.NOT_CHOSEN) ||
    (change.case === 'taskFailed' && change.value.reason === StateReason.DEPENDENCY_FAILED);
  hold(
    'P5.7',
    !unmet || !canBeMet(run, task),
    () => `${nameOf(fact)}: it could still have ${edgesInWords(run, task)}`,
  );
}

function loops(fact: Fact, run: RunModel, task: TaskModel): void {
  const { change } = fact;
  if (change.case === 'taskRepeating') {
    const { iteration } = change.value;
    const isManager = run.spec.manager?.key === task.key;
    const most = isManager ? run.spec.manager?.maxRounds : task.spec.flow.repeat?.maxIterations;
    const next = Math.max(1, task.iteration) + 1;
    hold('P5.9', iteration === next && iteration <= (most ?? 0), () => {
      return `${nameOf(fact)}: iteration ${iteration} where ${next} is next, of ${most} at most`;
    });
  }
  if (change.case === 'taskSentBack') {
    const { iteration, to } = change.value;
    const most = task.spec.flow.sendBack.find((entry) => entry.to === to)?.maxIterations ?? 0;
    const next = (task.sentBack.get(to) ?? 0) + 1;
    hold('P5.9', iteration === next && iteration <= most, () => {
      return `${nameOf(fact)}: the ${iteration}th time back to ${to} where ${next} is next, of ${most} at most`;
    });
  }
}

function endsWhenAllIsOver(fact: Fact, run: RunModel): void {
  const { change } = fact;
  switch (change.case) {
    case 'runCompleted':
    case 'runFailed':
    case 'runCancelled':
    case 'runCompensating': {
      const open = run.tasks.find(({ state }) => !FINAL.has(state));
      hold('P5.6', open === undefined, () => `${nameOf(fact)}: task ${open?.key} is ${open?.state}`);
      break;
    }
  }
}

function begin(fact: Fact, run: RunModel, first: number, count: number): void {
  for (const task of run.tasks.slice(first, first + count)) {
    const free = needsNothing(run.spec, task.spec) && task.dependencies.length === 0;
    hold('P5.1', (task.state === 'READY') === free && (free || task.state === 'WAITING'), () => {
      return `${nameOf(fact)}: task ${task.key} is ${task.state} from the start, and ${free ? 'needs nothing' : 'has to wait'}`;
    });
  }
}

/** Whether nothing but its dependencies can hold it back. */
function needsNothing(run: RunSpec, { work, flow, when, inputExpression }: TaskSpec): boolean {
  const byExecutor = work.type === 'CAPABILITY' && flow.foreach === undefined;
  const timed = [flow.startAtMs ?? 0, flow.startDelayMs, run.startAtMs ?? 0, run.startDelayMs].some(
    (ms) => ms > 0,
  );
  return (
    byExecutor &&
    !timed &&
    when === '' &&
    inputExpression === '' &&
    run.maxParallel === 0 &&
    run.mode !== 'MANAGED'
  );
}
