// Moments that have come.

import { dueCommand, dueRunCommand } from '../domain/due.ts';
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
        expireRun(core, subject.run);
        break;
      case 'Executor':
        expireExecutor(core, subject.executorId);
        break;
    }
  }
}

function expireRun(core: Core, run: ActiveRun): void {
  if (isFinalRun(run.state.phase)) return;
  const command = dueRunCommand(run.state, core.nowMs);
  if (command !== undefined) core.apply(run, command);
  if (!isFinalRun(run.state.phase)) core.armRun(run);
}

function expireTask(core: Core, run: ActiveRun, task: number): void {
  if (isFinalRun(run.state.phase)) return;
  const command = dueCommand(run.state, task, core.deafMs(run, task), core.nowMs);
  if (command !== undefined) core.apply(run, command);
  if (!isFinalRun(run.state.phase)) core.armTask(run, task);
}
