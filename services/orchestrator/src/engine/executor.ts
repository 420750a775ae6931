// What does the engine know of one executor, from its first registration, or from the first lease found
// at a restart, to its loss?

import { type Refusal, reject } from '../domain/rejection.ts';
import type { PoolMember } from '../scheduling/executor-pool.ts';
import type { Timer } from '../scheduling/timers.ts';
import type { TimerSubject } from './active-run.ts';
import { entriesOf } from './census.ts';
import type { Core } from './core.ts';
import type { RegisterExecutor } from './inputs.ts';
import type { Lease } from './leases.ts';
import { giveBack } from './queues.ts';

export interface Executor extends PoolMember {
  /** Undefined after a restart, until it registers again. */
  session: string | undefined;
  /** The one that this one took the place of while it was alive. */
  replaced: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** How many capabilities and labels it has. */
  readonly entries: number;
  draining: boolean;
  /** By token. */
  readonly leases: Map<string, Lease>;
  readonly registeredAtMs: number;
  heardAtMs: number;
  /** Set to the first moment at which it or one of its leases may expire, or earlier. */
  readonly timer: Timer<TimerSubject>;
}

export function createExecutor(core: Core, input: RegisterExecutor): Executor {
  return {
    executorId: input.executorId,
    session: core.options.mintToken(),
    replaced: undefined,
    slots: input.slots,
    labels: input.labels,
    entries: entriesOf(input),
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
export function createAbsentExecutor(core: Core, executorId: string): Executor {
  const executor = createExecutor(core, {
    executorId,
    capabilities: [],
    labels: {},
    slots: 0,
    held: [],
    phase: 'DRAINING',
  });
  executor.session = undefined;
  core.executors.set(executorId, executor);
  return executor;
}

/** Undefined unless the session is live and belongs to this executor. */
export function executorOf(core: Core, executorId: string, session: string): Executor | undefined {
  const executor = core.executors.get(executorId);
  return executor?.session !== undefined && executor.session === session ? executor : undefined;
}

/** Of a session that executorOf() does not find. */
export function unknownSession(core: Core, executorId: string, session: string): Refusal {
  if (session !== '' && core.executors.get(executorId)?.replaced === session) return superseded(executorId);
  return reject(
    'UNKNOWN_SESSION',
    `the session of executor ${executorId} is unknown: register again with what it holds`,
    { executor_id: executorId },
  );
}

/** Whoever is replaced has stopped by then, or is a second process under the same id. */
function superseded(executorId: string): Refusal {
  return reject(
    'UNKNOWN_SESSION',
    `another registration took over the session of executor ${executorId}: give each executor process an id of its own, or register again with what it holds`,
    { executor_id: executorId, superseded: 'true' },
  );
}

export function armExecutor(core: Core, executor: Executor): void {
  let dueAtMs = executor.heardAtMs + core.options.leaseDurationMs;
  for (const lease of executor.leases.values()) dueAtMs = Math.min(dueAtMs, lease.expiresAtMs);
  core.timers.set(executor.timer, dueAtMs);
}

/** Its session is over; what it holds is the caller's to end. */
export function removeExecutor(core: Core, executor: Executor): void {
  core.pool.remove(executor);
  core.timers.set(executor.timer, undefined);
  if (core.executors.get(executor.executorId) === executor) core.executors.delete(executor.executorId);
  giveBack(core, executor.executorId);
}
