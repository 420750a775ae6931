// How does an executor's session begin, and what does it keep of an earlier one?

import { accept, reject } from '../domain/rejection.ts';
import { createCensus, entriesOf, isHeavy } from './census.ts';
import type { Core } from './core.ts';
import { armExecutor, createExecutor, type Executor } from './executor.ts';
import type { EngineCalls, RegisterExecutor } from './inputs.ts';
import { isCancelling } from './leases.ts';
import { expireIfDue, loseLease } from './loss.ts';
import { assignmentIn } from './managed.ts';
import { giveBack } from './queues.ts';

/** Begins a session, or begins it anew with what is still held. An earlier session under the id ends. */
export function registerExecutor(
  core: Core,
  input: RegisterExecutor,
): EngineCalls['RegisterExecutor']['reply'] {
  expireIfDue(core, input.executorId);
  const earlier = core.executors.get(input.executorId);
  if (earlier === undefined && core.executors.size >= core.options.maxExecutors) {
    const limit = core.options.maxExecutors;
    return reject(
      'LIMIT_REACHED',
      `the namespace has ${limit} executors already: stop some, or use another namespace`,
      { resource: 'executors', limit: String(limit) },
    );
  }
  const limit = core.options.maxExecutorEntries;
  const entries = entriesOf(input);
  if (isHeavy(entries) && createCensus(core).heavyEntries(input.executorId) + entries > limit) {
    return reject(
      'LIMIT_REACHED',
      `the executors of the namespace have ${limit} capabilities and labels already: register with fewer, or use another namespace`,
      { resource: 'executor_entries', limit: String(limit) },
    );
  }
  const executor = createExecutor(core, input);
  executor.replaced = earlier?.session;
  const kept = earlier === undefined ? [] : takeOver(core, earlier, executor, new Set(input.held));
  core.executors.set(input.executorId, executor);
  core.pool.add(executor);
  giveBack(core, input.executorId);
  armExecutor(core, executor);
  return accept({
    session: executor.session as string,
    leaseDurationMs: core.options.leaseDurationMs,
    heartbeatIntervalMs: core.options.heartbeatIntervalMs,
    kept,
    maxPayloadBytes: core.options.maxPayloadBytes,
  });
}

/**
 * What an earlier session held, in the new one. Gives the tokens of what the executor holds indeed.
 *
 * After a restart of the orchestrator, an attempt that the executor does not know was most likely never
 * delivered: its commit was durable, the message was not sent. It is sent now, as the same attempt, but to
 * an executor that drains, and not if it is cancelled: that would be new work to it.
 * Without a restart, the executor must have forgotten it: it was restarted itself, and has lost it.
 */
function takeOver(core: Core, earlier: Executor, executor: Executor, held: ReadonlySet<string>): string[] {
  core.pool.remove(earlier);
  core.timers.set(earlier.timer, undefined);
  const undelivered = earlier.session === undefined && !executor.draining;
  for (const lease of [...earlier.leases.values()]) {
    // The loss of one may end the run, and with it the next.
    if (core.leases.get(lease.token) !== lease) continue;
    const deliverable = undelivered && !isCancelling(lease) && executor.capabilities.has(lease.capability);
    if (held.has(lease.token) || deliverable) {
      core.leases.transfer(lease, executor).expiresAtMs = core.nowMs + core.options.leaseDurationMs;
    } else {
      loseLease(core, lease, 'EXECUTOR_LOST', 'the executor registered anew without this attempt');
    }
  }
  return [...executor.leases.keys()].filter((token) => held.has(token));
}

/** To be said after the registration's answer: an executor knows its session before its work. */
export function sendUndelivered(core: Core, executorId: string, kept: readonly string[]): void {
  const known = new Set(kept);
  for (const lease of core.executors.get(executorId)?.leases.values() ?? []) {
    if (known.has(lease.token)) continue;
    core.output.effect({
      type: 'Assign',
      executorId,
      assignment: assignmentIn(core, lease.run.state, lease.task),
    });
  }
}
