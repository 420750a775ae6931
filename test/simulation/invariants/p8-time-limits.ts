// P8, too: what is to end, or to go on, at a moment does so soon after it, where a process is there that is well.
// All by the clock of that process, as the limits are.

import { type Check, hold, type Seen } from './check.ts';
import { isMet } from './joins.ts';
import type { RunModel, TaskModel } from './ledger.ts';
import { FINAL, isLive } from './states.ts';

/** To where it is durable, with a store that is slow. */
const TOLERANCE_MS = 15_000;
const LOOK_EVERY_MS = 1_000;

export function checkTimeLimits({ ledger, processes }: Seen): Check {
  let lookedAtMs = 0;

  return {
    see({ atMs }) {
      if (atMs < lookedAtMs + LOOK_EVERY_MS) return;
      lookedAtMs = atMs;
      const [process, ...others] = processes.living();
      if (process?.servesSinceMs === undefined || others.length > 0 || process.frozen) return;
      if (atMs < Math.max(process.servesSinceMs, process.troubledAtMs) + TOLERANCE_MS) return;
      const nowMs = atMs + process.skewMs;
      for (const { runs } of ledger.namespaces.values()) {
        for (const run of runs.values()) if (isLive(run.phase)) inTime(run, nowMs);
      }
    },
  };
}

function inTime(run: RunModel, nowMs: number): void {
  const { timeoutMs } = run.spec;
  if (run.phase === 'RUNNING') soonAfter(after(run.beganAtMs, timeoutMs), nowMs, () => run.runId);
  for (const task of run.tasks) {
    if (FINAL.has(task.state)) continue;
    for (const dueAtMs of momentsOf(run, task)) {
      soonAfter(dueAtMs, nowMs, () => `${run.runId}/${task.key} is ${task.state}`);
    }
  }
}

function soonAfter(dueAtMs: number | undefined, nowMs: number, what: () => string): void {
  hold('P8.6', dueAtMs === undefined || nowMs <= dueAtMs + TOLERANCE_MS, () => {
    return `${what()}, ${nowMs - (dueAtMs ?? 0)} ms after a moment at which it had to end or to go on`;
  });
}

function momentsOf(run: RunModel, task: TaskModel): readonly (number | undefined)[] {
  const { state, spec, firstReadyAtMs, readyAtMs, startedAtMs } = task;
  const { wholeMs, queueMs, attemptMs } = spec.timeouts;
  const whole = after(firstReadyAtMs, wholeMs);
  const goesOn = run.phase === 'RUNNING' && isMet(run, task);
  switch (state) {
    case 'WAITING':
      return [whole, goesOn ? task.heldUntilMs : undefined];
    case 'READY':
      return [whole, run.paused ? undefined : after(readyAtMs, queueMs)];
    case 'RETRYING':
      return [whole, goesOn ? task.dueAtMs : undefined];
    default:
      // Of a list, each item has its own.
      return [
        whole,
        spec.flow.foreach === undefined ? after(startedAtMs, attemptMs) : undefined,
        timerOf(task),
        task.cancelling ? task.stopByMs : undefined,
      ];
  }
}

function timerOf({ spec, startedAtMs, validating }: TaskModel): number | undefined {
  const { work, flow } = spec;
  if (work.type !== 'TIMER' || flow.foreach !== undefined || validating) return undefined;
  return work.atMs ?? after(startedAtMs, work.delayMs);
}

function after(sinceMs: number | undefined, limitMs: number | undefined): number | undefined {
  return sinceMs === undefined || limitMs === undefined ? undefined : sinceMs + limitMs;
}
