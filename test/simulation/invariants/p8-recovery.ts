// P8: a lost executor is noticed within its lease, and not before; no limit of time takes
// effect before its time; and in the end everything is over, with nothing lost.

import { StateReason } from '@tutti/proto/tutti/v1/state_reason_pb.ts';
import { AttemptState } from '@tutti/proto/tutti/v1/task_pb.ts';
import { DEFAULT_ENGINE_LIMITS } from '../../../services/orchestrator/src/engine/options.ts';
import { type Check, hold, type Place, type Seen } from './check.ts';
import { areEqual, type Fact, nameOf } from './fact.ts';
import type { LeaseModel, RunModel, TaskModel } from './ledger.ts';
import { deafMs } from './processes.ts';
import { isFinalPhase } from './states.ts';

const LEASE_MS = DEFAULT_ENGINE_LIMITS.leaseDurationMs;
/** From the moment a lease should end to where that is durable, with a store that is slow or was failing. */
const TOLERANCE_MS = 15_000;
const LOOK_EVERY_MS = 1_000;

export function checkRecovery(seen: Seen): Check {
  const { ledger, processes } = seen;
  let lookedAtMs = 0;

  /** Of living leases whose process could have noticed that nobody renews them. */
  function overdue(atMs: number): void {
    for (const namespace of ledger.namespaces.values()) {
      for (const lease of namespace.leases.values()) {
        if (lease.ended === undefined) isInTime(lease, atMs);
      }
    }
  }

  function isInTime(lease: LeaseModel, atMs: number): void {
    const [process, ...others] = processes.living();
    // With two, it is the other one's turn; while one stands still, nobody's.
    if (process?.servesSinceMs === undefined || others.length > 0 || process.frozen) return;
    const since = Math.max(lease.triedAtMs, process.servesSinceMs, process.troubledAtMs);
    hold('P8.2', atMs <= since + LEASE_MS + TOLERANCE_MS, () => {
      return `${lease.run.namespace}: lease ${lease.token} of ${lease.executorId} is alive, ${atMs - since} ms after it could have been renewed last`;
    });
  }

  return {
    before({ fact, run, task }: Place) {
      if (run !== undefined && task !== undefined) {
        isLost(seen, fact, task);
        isTimedOut(seen, fact, task);
      } else if (run !== undefined) isRunOverdue(fact, run);
    },
    see({ atMs }) {
      if (atMs < lookedAtMs + LOOK_EVERY_MS) return;
      lookedAtMs = atMs;
      overdue(atMs);
    },
    async atRest(store) {
      for (const namespace of ledger.namespaces.values()) {
        const { name, events, runs } = namespace;
        for (const run of runs.values()) {
          hold('P8.4', isFinalPhase(run.phase), () => `${name}: run ${run.runId} is ${run.phase} at rest`);
        }
        const latest = await store.latestRevision(name);
        hold(
          'P8.5',
          latest === events.length,
          () => `${name}: revision ${latest} is the latest, of ${events.length}`,
        );
        const query = {
          afterRevision: 0,
          run: undefined,
          limit: 1_000_000,
          limitBytes: Number.MAX_SAFE_INTEGER,
        };
        const stored = new Map(
          (await store.readEvents(name, query)).map((each) => [each.revision, each.payload]),
        );
        for (const [index, { run, payload, type }] of events.entries()) {
          const found = stored.get(index + 1);
          const isThere = found !== undefined && areEqual(found, payload);
          hold(
            'P8.5',
            isThere || !runs.has(run),
            () => `${name}: revision ${index + 1}, ${type}, is ${found === undefined ? 'gone' : 'another'}`,
          );
        }
      }
    },
  };
}

/** Was nothing heard of its executor for a lease, or the lease not renewed for as long, or not held any more? */
function isLost({ executors, processes }: Seen, fact: Fact, { lease }: TaskModel): void {
  const { change } = fact;
  if (lease === undefined || (change.case !== 'taskRetrying' && change.case !== 'taskFailed')) return;
  const { attemptState, error } = change.value;
  if (attemptState !== AttemptState.LOST || error?.code !== 'EXECUTOR_LOST') return;
  const process = processes.get(fact.process);
  const view = executors.view(fact.process, fact.namespace, lease.executorId);
  // It registered without it, since it was granted.
  const grantedAtMs = lease.decidedAtMs - processes.get(lease.process).skewMs;
  const left = view?.registrations.some(({ held, atMs }) => !held.has(lease.token) && atMs >= grantedAtMs);
  if (left === true) return;
  const decidedAtMs = fact.timeMs - process.skewMs;
  const heardAtMs = Math.max(view?.heardAtMs ?? 0, process.startedAtMs);
  const renewedAtMs = Math.max(lease.renewedAtMs, grantedAtMs, process.startedAtMs);
  const sinceMs = Math.min(heardAtMs, renewedAtMs);
  const silentMs = decidedAtMs - sinceMs - deafMs(process, sinceMs, decidedAtMs);
  hold('P8.1', silentMs >= LEASE_MS, () => {
    return `${nameOf(fact)}: lease ${lease.token} of ${lease.executorId} was lost ${silentMs} ms after it was renewed last, as far as it could have been`;
  });
}

/** While nobody could hear of it, its executor is not silent. */
function isSilent({ processes }: Seen, fact: Fact, task: TaskModel): boolean {
  const process = processes.get(fact.process);
  const { skewMs, startedAtMs } = process;
  const sinceMs = task.lease === undefined ? task.heardAtMs : Math.max(task.heardAtMs, startedAtMs + skewMs);
  const deaf = task.lease === undefined ? 0 : deafMs(process, sinceMs - skewMs, fact.timeMs - skewMs);
  return fact.timeMs - sinceMs - deaf >= (task.spec.timeouts.heartbeatMs ?? Number.POSITIVE_INFINITY);
}

function isTimedOut(seen: Seen, fact: Fact, task: TaskModel): void {
  const { change, timeMs } = fact;
  if (change.case !== 'taskFailed' && change.case !== 'taskRetrying') return;
  const { queueMs, attemptMs, wholeMs } = task.spec.timeouts;
  const isPast = (sinceMs: number | undefined, limitMs: number | undefined) =>
    sinceMs !== undefined && limitMs !== undefined && timeMs - sinceMs >= limitMs;
  const wholeIsPast = isPast(task.firstReadyAtMs, wholeMs);
  const reason = change.case === 'taskFailed' ? change.value.reason : undefined;
  const holds =
    reason === StateReason.QUEUE_TIMEOUT
      ? isPast(task.readyAtMs, queueMs)
      : reason === StateReason.TASK_TIMEOUT
        ? wholeIsPast
        : change.value.attemptState !== AttemptState.TIMED_OUT ||
          isPast(task.startedAtMs, attemptMs) ||
          isSilent(seen, fact, task);
  hold('P8.3', holds, () => {
    const limits = JSON.stringify(task.spec.timeouts);
    return `${nameOf(fact)}: no limit of time is past, of ${limits}, ${timeMs - task.startedAtMs} ms after the start`;
  });
}

function isRunOverdue(fact: Fact, run: RunModel): void {
  const { change, timeMs } = fact;
  if (change.case !== 'runCancelling' || change.value.reason !== StateReason.RUN_TIMEOUT) return;
  const { timeoutMs } = run.spec;
  hold('P8.3', timeoutMs !== undefined && timeMs - run.beganAtMs >= timeoutMs, () => {
    return `${nameOf(fact)}: it has ${timeoutMs} ms, and was at it for ${timeMs - run.beganAtMs}`;
  });
}
