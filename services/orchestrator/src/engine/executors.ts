// Sessions of executors: registration, heartbeats, loss, leaving.

import { accept, reject } from '../domain/rejection.ts';
import { assignmentOf } from './assignment.ts';
import type { Core } from './core.ts';
import type {
  Assignment,
  Cancellation,
  EngineCalls,
  ExecutorSnapshot,
  Heartbeat,
  HeldAttempt,
  RegisterExecutor,
} from './inputs.ts';
import type { Holder, Lease } from './leases.ts';

/** Begins a session, or begins it anew with what is still held. An earlier session under the id ends. */
export function registerExecutor(
  core: Core,
  input: RegisterExecutor,
): EngineCalls['RegisterExecutor']['reply'] {
  const earlier = core.holders.get(input.executorId);
  if (earlier === undefined && core.holders.size >= core.options.maxExecutors) {
    const limit = core.options.maxExecutors;
    return reject(
      'LIMIT_REACHED',
      `the namespace has ${limit} executors already: stop some, or raise the limit`,
      {
        resource: 'executors',
        limit: String(limit),
      },
    );
  }
  const holder = createHolder(core, input);
  const kept = earlier === undefined ? [] : takeOver(core, earlier, holder, new Set(input.held));
  core.holders.set(input.executorId, holder);
  core.pool.add(holder);
  armHolder(core, holder);
  return accept({
    session: holder.session as string,
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
 * an executor that drains: that would be new work to it.
 * Without a restart, the executor must have forgotten it: it was restarted itself, and has lost it.
 */
function takeOver(core: Core, earlier: Holder, holder: Holder, held: ReadonlySet<string>): string[] {
  core.pool.remove(earlier);
  core.timers.set(earlier.timer, undefined);
  const undelivered = earlier.session === undefined && !holder.draining;
  for (const lease of [...earlier.leases.values()]) {
    // The loss of one may end the run, and with it the next.
    if (core.leases.get(lease.token) !== lease) continue;
    const alive = lease.expiresAtMs > core.nowMs;
    if (alive && (held.has(lease.token) || (undelivered && holder.capabilities.has(lease.capability)))) {
      core.leases.transfer(lease, holder).expiresAtMs = core.nowMs + core.options.leaseDurationMs;
    } else {
      loseLease(core, lease, 'EXECUTOR_LOST', 'the executor registered anew without this attempt');
    }
  }
  return [...holder.leases.keys()].filter((token) => held.has(token));
}

/** To be said after the registration's answer: an executor knows its session before its work. */
export function sendUndelivered(core: Core, executorId: string, kept: readonly string[]): void {
  const known = new Set(kept);
  for (const lease of core.holders.get(executorId)?.leases.values() ?? []) {
    if (known.has(lease.token)) continue;
    core.output.effect({ type: 'Assign', executorId, assignment: assignmentOf(lease.run.state, lease.task) });
  }
}

function createHolder(core: Core, input: RegisterExecutor): Holder {
  return {
    executorId: input.executorId,
    session: core.options.mintToken(),
    slots: input.slots,
    labels: input.labels,
    capabilities: new Map(
      input.capabilities.map((capability) => [capability.name, { ...capability, used: 0 }]),
    ),
    accepting: input.phase === 'ACTIVE',
    draining: input.phase === 'DRAINING',
    used: 0,
    leases: new Map(),
    registeredAtMs: core.nowMs,
    heardAtMs: core.nowMs,
    timer: core.timers.create({ type: 'Executor', executorId: input.executorId }),
  };
}

/** After a restart: somebody holds this executor's leases, and may come back within their duration. */
export function createAbsentHolder(core: Core, executorId: string): Holder {
  const holder = createHolder(core, {
    executorId,
    capabilities: [],
    labels: {},
    slots: 0,
    held: [],
    phase: 'DRAINING',
  });
  holder.session = undefined;
  core.holders.set(executorId, holder);
  return holder;
}

export function heartbeat(core: Core, input: Heartbeat): EngineCalls['Heartbeat']['reply'] {
  const holder = holderOf(core, input.executorId, input.session);
  if (holder === undefined) return unknownSession(input.executorId);
  holder.heardAtMs = core.nowMs;
  const dropped: string[] = [];
  const cancellations: Cancellation[] = [];
  const named = new Set<string>();
  for (const attempt of input.attempts) {
    named.add(attempt.leaseToken);
    const lease = holder.leases.get(attempt.leaseToken);
    if (lease === undefined) {
      dropped.push(attempt.leaseToken);
      continue;
    }
    lease.expiresAtMs = core.nowMs + core.options.leaseDurationMs;
    recordProgress(core, lease, attempt);
    const stop = pendingCancellation(core, lease);
    if (stop !== undefined) cancellations.push(stop);
  }
  if (input.phase === 'LEAVING') {
    leave(core, holder);
    return accept({ dropped, cancellations, missing: [] });
  }
  holder.draining = input.phase === 'DRAINING';
  holder.accepting = !holder.draining;
  armHolder(core, holder);
  return accept({ dropped, cancellations, missing: missingFrom(core, holder, named) });
}

function recordProgress(core: Core, lease: Lease, attempt: HeldAttempt): void {
  if (attempt.progress === undefined && attempt.checkpoint === undefined) return;
  const { progress, checkpoint } = attempt;
  const tooLarge = (checkpoint?.bytes.length ?? 0) > core.options.maxPayloadBytes;
  core.apply(lease.run, {
    type: 'RecordProgress',
    task: lease.task,
    progress,
    checkpoint: tooLarge ? undefined : checkpoint,
  });
}

function pendingCancellation(core: Core, lease: Lease): Cancellation | undefined {
  const cancelling = lease.run.state.tasks[lease.task]?.cancelling;
  if (cancelling === undefined) return undefined;
  return {
    leaseToken: lease.token,
    reason: cancelling.reason === 'RUN_ENDING' ? 'RUN_ENDING' : 'CANCEL_REQUESTED',
    graceMs: Math.max(0, cancelling.untilMs - core.nowMs),
  };
}

/** Bounds one answer; what is left follows with the next heartbeat. */
const MAX_RESENT_BYTES = 512 * 1_024;
/** An assignment as young as this may have crossed the heartbeat on its way. */
const ON_ITS_WAY_MS = 1_000;

function missingFrom(core: Core, holder: Holder, named: ReadonlySet<string>): readonly Assignment[] {
  const missing: Assignment[] = [];
  let bytes = 0;
  for (const lease of holder.leases.values()) {
    if (named.has(lease.token) || lease.grantedAtMs + ON_ITS_WAY_MS > core.nowMs) continue;
    const assignment = assignmentOf(lease.run.state, lease.task);
    bytes += 1_024 + assignment.input.bytes.length;
    for (const dependency of assignment.dependencies) bytes += 64 + (dependency.result?.bytes.length ?? 0);
    if (missing.length > 0 && bytes > MAX_RESENT_BYTES) break;
    missing.push(assignment);
  }
  return missing;
}

function leave(core: Core, holder: Holder): void {
  remove(core, holder);
  for (const lease of [...holder.leases.values()]) {
    loseLease(core, lease, 'RELEASED', 'the executor left before it was done');
  }
}

function remove(core: Core, holder: Holder): void {
  core.pool.remove(holder);
  core.timers.set(holder.timer, undefined);
  if (core.holders.get(holder.executorId) === holder) core.holders.delete(holder.executorId);
}

export function loseLease(
  core: Core,
  lease: Lease,
  code: 'EXECUTOR_LOST' | 'RELEASED',
  message: string,
): void {
  core.apply(lease.run, { type: 'LoseAttempt', task: lease.task, code, message }, { lease, status: 'STALE' });
}

/** The session is live and belongs to this executor. */
export function holderOf(core: Core, executorId: string, session: string): Holder | undefined {
  const holder = core.holders.get(executorId);
  return holder?.session !== undefined && holder.session === session ? holder : undefined;
}

export function unknownSession(executorId: string): ReturnType<typeof reject> {
  return reject(
    'UNKNOWN_SESSION',
    `the session of executor ${executorId} is unknown: register again with what it holds`,
    {
      executor_id: executorId,
    },
  );
}

/** An executor's moment has come: ends what has expired, and the session if it was silent too long. */
export function expireHolder(core: Core, executorId: string): void {
  const holder = core.holders.get(executorId);
  if (holder === undefined) return;
  const silent = holder.heardAtMs + core.options.leaseDurationMs <= core.nowMs;
  if (silent) remove(core, holder);
  for (const lease of [...holder.leases.values()]) {
    if (silent || lease.expiresAtMs <= core.nowMs) {
      // What it let run out must not come straight back to it: first it shows by a heartbeat that it lives.
      holder.accepting = false;
      loseLease(core, lease, 'EXECUTOR_LOST', `executor ${executorId} did not renew its lease in time`);
    }
  }
  if (!silent) armHolder(core, holder);
}

export function armHolder(core: Core, holder: Holder): void {
  let dueAtMs = holder.heardAtMs + core.options.leaseDurationMs;
  for (const lease of holder.leases.values()) dueAtMs = Math.min(dueAtMs, lease.expiresAtMs);
  core.timers.set(holder.timer, dueAtMs);
}

/** The process stood still: nobody could be heard, so nobody is lost for it. */
export function extendLeases(core: Core, byMs: number): void {
  for (const holder of core.holders.values()) {
    holder.heardAtMs += byMs;
    for (const lease of holder.leases.values()) lease.expiresAtMs += byMs;
    armHolder(core, holder);
  }
}

export function listExecutors(core: Core, capability: string): readonly ExecutorSnapshot[] {
  const snapshots: ExecutorSnapshot[] = [];
  for (const holder of core.holders.values()) {
    if (holder.session === undefined) continue;
    if (capability !== '' && !holder.capabilities.has(capability)) continue;
    snapshots.push({
      executorId: holder.executorId,
      draining: holder.draining,
      capabilities: [...holder.capabilities.values()].map(({ name, version, maxConcurrency }) => ({
        name,
        version,
        maxConcurrency,
      })),
      labels: holder.labels,
      slots: holder.slots,
      running: holder.used,
      registeredAtMs: holder.registeredAtMs,
      heardAtMs: holder.heardAtMs,
    });
  }
  return snapshots.sort((a, b) => (a.executorId < b.executorId ? -1 : 1));
}
