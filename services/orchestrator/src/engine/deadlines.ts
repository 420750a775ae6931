// Moments that have come.

import { taskDeadlines } from '../domain/due.ts';
import { isFinalRun } from '../domain/states.ts';
import type { ActiveRun } from './active-run.ts';
import type { Core } from './core.ts';
import { expireExecutor } from './loss.ts';

/** Timers fired at most before the driver may commit; the rest stays due. */
const MAX_FIRED = 10_000;

export function fireDue(core: Core): void {
  for (let fired = 0; fired < MAX_FIRED; fired += 1) {
    const timer = core.timers.takeDue(core.nowMs);
    if (timer === undefined) return;
    const subject = timer.subject;
    switch (subject.type) {
      case 'Task':
        expireTask(core, subject.run, subject.task);
        break;
      case 'Run':
        core.apply(subject.run, { type: 'ExpireRun' });
        break;
      case 'Executor':
        expireExecutor(core, subject.executorId);
        break;
    }
  }
}

/** A task's deadlines in the order in which they end more: the whole task, its place in the queue, the attempt. */
function expireTask(core: Core, run: ActiveRun, task: number): void {
  const due = taskDeadlines(run.state, task);
  const past = (atMs: number | undefined) => atMs !== undefined && atMs <= core.nowMs;
  if (due === undefined || isFinalRun(run.state.phase)) return;
  if (past(due.graceAtMs)) core.apply(run, { type: 'ExpireGrace', task });
  else if (past(due.wholeAtMs)) core.apply(run, { type: 'ExpireTask', task });
  else if (past(due.queueAtMs)) core.apply(run, { type: 'ExpireQueue', task });
  else if (past(due.attemptAtMs)) core.apply(run, { type: 'ExpireAttempt', task, timeout: 'TIMEOUT' });
  else if (past(due.heartbeatAtMs))
    core.apply(run, { type: 'ExpireAttempt', task, timeout: 'HEARTBEAT_TIMEOUT' });
  else if (past(due.retryAtMs)) core.apply(run, { type: 'RetryTask', task });
  if (!isFinalRun(run.state.phase)) core.armTask(run, task);
}
