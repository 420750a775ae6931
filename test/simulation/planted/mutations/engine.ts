// Planted bugs in the single-writer machine of a namespace: leases, slots, sessions, queues, timers, requests.

import type { Mutation } from '../mutation.ts';

export const ENGINE_MUTATIONS: readonly Mutation[] = [
  {
    name: 'report-of-a-stranger-accepted',
    promise: 4,
    breaks: 'An executor ends an attempt that another one holds.',
    file: 'engine/reports.ts',
    source: "if (lease.executor.executorId !== executorId) return 'STALE';",
    replacement: "if (lease.executor.executorId !== executorId && executorId === '') return 'STALE';",
  },
  {
    name: 'old-session-heard',
    promise: 4,
    breaks: 'A process that another one has taken the place of is still heard.',
    file: 'engine/executor.ts',
    source: 'executor.session === session ? executor : undefined;',
    replacement: 'session !== undefined ? executor : undefined;',
  },
  {
    name: 'ended-lease-not-dropped',
    promise: 4,
    breaks: 'An executor that works on an attempt which is not its own any more is not told so.',
    file: 'engine/heartbeat.ts',
    source: `      dropped.push(attempt.leaseToken);
      continue;`,
    replacement: `      if (core.leases.statusOf(attempt.leaseToken, executor.executorId) !== 'STALE') dropped.push(attempt.leaseToken);
      continue;`,
  },
  {
    name: 'stale-report-called-recorded',
    promise: 4,
    breaks: 'Who reports on an attempt that was given up is told that its outcome counts.',
    file: 'engine/core.ts',
    source: "core.leases.end(lease, 'STALE');",
    replacement: "core.leases.end(lease, 'RECORDED');",
  },
  {
    name: 'failure-forgotten-at-restart',
    promise: 4,
    breaks:
      'Who repeats a report on an attempt that has failed is told by the next process that it is stale.',
    file: 'engine/restore.ts',
    source: "state === 'COMPLETED' || state === 'FAILED';",
    replacement: "state === 'COMPLETED';",
  },
  {
    name: 'earlier-attempts-forgotten-at-restart',
    promise: 4,
    breaks: 'Who repeats a report is not known any more to the next process, once the task is tried again.',
    file: 'engine/restore.ts',
    source: 'of attempts) {',
    replacement: 'of attempts.slice(-1)) {',
  },
  {
    name: 'stranger-told-recorded',
    promise: 4,
    breaks: 'Who reports on an attempt of another one that has ended is told that its outcome counts.',
    file: 'engine/leases.ts',
    source: 'return holder === executorId && holder !== NOBODY',
    replacement: 'return holder !== NOBODY',
  },
  {
    name: 'slots-forgotten-by-new-session',
    promise: 7,
    breaks: 'What an executor kept over a new registration does not count against its slots.',
    file: 'engine/leases.ts',
    source: 'grant(moved);',
    replacement: 'alive.set(moved.token, moved);\n      executor.leases.set(moved.token, moved);',
  },
  {
    name: 'capability-limit-forgotten',
    promise: 7,
    breaks: 'An executor is given more of one capability at once than it takes.',
    file: 'scheduling/executor-pool.ts',
    source: 'Math.min(room, own.maxConcurrency - own.used)',
    replacement: 'Math.min(room, own.maxConcurrency)',
  },
  {
    name: 'draining-executor-given-work',
    promise: 7,
    breaks: 'An executor that has said that it takes nothing new is given more.',
    file: 'engine/heartbeat.ts',
    source: 'executor.accepting = !executor.draining;',
    replacement: 'executor.accepting = executor.used < executor.slots;',
  },
  {
    name: 'lease-orphaned-by-new-session',
    promise: 8,
    breaks: 'What an executor forgot over a crash of its own is never given to another.',
    file: 'engine/registration.ts',
    source: "loseLease(core, lease, 'EXECUTOR_LOST', 'the executor registered anew without this attempt');",
    replacement: 'earlier.leases.delete(lease.token);',
  },
  {
    name: 'lease-duration-halved',
    promise: 8,
    breaks: 'An executor is given up before its lease is over.',
    file: 'engine/heartbeat.ts',
    source: 'lease.expiresAtMs = core.nowMs + core.options.leaseDurationMs;',
    replacement: 'lease.expiresAtMs = core.nowMs + core.options.leaseDurationMs / 2;',
  },
  {
    name: 'lease-not-whole-after-restart',
    promise: 8,
    breaks: 'After a restart executors are given up before they had a chance to be heard.',
    file: 'engine/restore.ts',
    source: 'expiresAtMs: core.nowMs + core.options.leaseDurationMs,',
    replacement: 'expiresAtMs: attempt.startedAtMs + core.options.leaseDurationMs,',
  },
  {
    name: 'lease-forgotten-at-restart',
    promise: 8,
    breaks: 'After a restart nobody watches over what was under way, and it is never ended.',
    file: 'engine/restore.ts',
    source:
      "return state === 'RUNNING' && attempts.at(-1)?.leaseToken !== '' && more?.validating === undefined;",
    replacement: "return state === 'RUNNING' && attempts.at(-1)?.leaseToken !== '' && more === undefined;",
  },
  {
    name: 'timers-lost-at-restart',
    promise: 8,
    breaks: 'After a restart what waits for its moment waits for ever.',
    file: 'engine/restore.ts',
    source: `if (status.more?.startAtMs === undefined) core.armTask(run, task);
      else held.push({ run, task, revision: status.more.heldRevision });`,
    replacement: '',
  },
  {
    name: 'run-timer-lost-at-restart',
    promise: 8,
    breaks: 'After a restart a run whose start lies ahead never begins.',
    file: 'engine/restore.ts',
    source: '    core.armRun(run);\n',
    replacement: '',
  },
  {
    name: 'paused-task-queued',
    promise: 5,
    breaks: 'A task that becomes ready while its run is paused is started.',
    file: 'engine/core.ts',
    source: '&& !run.state.paused &&',
    replacement: '&&',
  },
  {
    name: 'pause-leaves-queue',
    promise: 5,
    breaks: 'What was ready before its run was paused is started.',
    file: 'engine/core.ts',
    source: `          for (const task of readyInOrder(run.state)) {
            dequeue(run, task);`,
    replacement: `          for (const task of readyInOrder(run.state).slice(1)) {
            dequeue(run, task);`,
  },
  {
    name: 'timer-not-moved-on-retry',
    promise: 8,
    breaks: 'A task that is to be tried again waits for ever.',
    file: 'engine/core.ts',
    source: `          endLeaseOf(run, change, cause);
          armTask(run, change.task);`,
    replacement: `          if (change.type !== 'TaskRepeating') armTask(run, change.task);
          endLeaseOf(run, change, cause);`,
  },
  {
    name: 'refusal-kept-for-repeats',
    promise: 2,
    breaks: 'A call that was refused once is refused for ever, whatever has changed.',
    file: 'engine/engine.ts',
    source: 'if (key !== undefined && reply.ok) core.output.answered({ key, reply });',
    replacement: 'if (key !== undefined) core.output.answered({ key, reply });',
  },
  {
    name: 'running-attempt-started-again',
    promise: 4,
    breaks: 'After a restart an attempt that its executor holds is sent to it under another lease.',
    file: 'engine/registration.ts',
    source: 'core.leases.transfer(lease, executor).expiresAtMs = core.nowMs + core.options.leaseDurationMs;',
    replacement: 'core.leases.transfer({ ...lease, token: lease.token }, executor).expiresAtMs = core.nowMs;',
  },
  {
    name: 'slot-freed-twice',
    promise: 7,
    breaks:
      'An executor is given more than it has slots for, once one of its attempts has ended without a report of its own.',
    file: 'engine/leases.ts',
    source: '      release(lease);\n      remember(lease.token, lease.executor.executorId, status);',
    replacement:
      "      release(lease);\n      if (status === 'STALE') occupy(lease.executor, lease.capability, -1);\n      remember(lease.token, lease.executor.executorId, status);",
  },
  {
    name: 'loss-noticed-too-late',
    promise: 8,
    breaks: 'An executor that is lost keeps its attempts for three leases.',
    file: 'engine/executor.ts',
    source:
      '  let dueAtMs = executor.heardAtMs + core.options.leaseDurationMs;\n  for (const lease of executor.leases.values()) dueAtMs = Math.min(dueAtMs, lease.expiresAtMs);',
    replacement:
      '  let dueAtMs = executor.heardAtMs + core.options.leaseDurationMs * 3;\n  for (const lease of executor.leases.values()) dueAtMs = Math.max(dueAtMs, lease.expiresAtMs);',
  },
  {
    name: 'child-outlives-its-attempt',
    promise: 5,
    breaks: 'A run that an attempt has started goes on although the attempt is over.',
    file: 'engine/children.ts',
    source: 'if (child === undefined) return;',
    replacement: "if (child === undefined || child.state.phase === 'RUNNING') return;",
  },
  {
    name: 'silence-counted-over-restart',
    promise: 8,
    breaks: 'An attempt is timed out for a silence in which the orchestrator was not there to hear it.',
    file: 'engine/restore.ts',
    source: 'deafMs: Math.max(0, core.nowMs - attempt.heardAtMs),',
    replacement: 'deafMs: 0,',
  },
  {
    name: 'leaver-keeps-its-leases',
    promise: 8,
    breaks: 'What an executor leaves behind as it goes is given to nobody.',
    file: 'engine/loss.ts',
    source: "    loseLease(core, lease, 'RELEASED', 'the executor left before it was done');",
    replacement:
      "    if (lease.deafMs > 0) loseLease(core, lease, 'RELEASED', 'the executor left before it was done');",
  },
];
