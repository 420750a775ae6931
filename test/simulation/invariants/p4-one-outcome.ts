// P4: each attempt has exactly one outcome, given by who holds its lease; everybody else is told so.

import { AttemptState } from '@tutti/proto/tutti/v1/task_pb.ts';
import type { OpenCall, RepliedFor } from './calls.ts';
import { type Check, hold, type Place, type Seen } from './check.ts';
import { type ExecutorView, executorOf } from './executors.ts';
import { areEqual, type Fact, nameOf } from './fact.ts';
import { type HolderReport, isBehind, type LeaseModel } from './ledger.ts';
import { isLive } from './states.ts';
import { endOfAttempt } from './take-task.ts';

export function checkOneOutcome(seen: Seen): Check {
  const { ledger, processes, calls, executors } = seen;

  function heartbeat({ namespace, input, reply }: RepliedFor<'Heartbeat'>, call: OpenCall): void {
    if (!reply.ok) return;
    const dropped = new Set(reply.value.dropped);
    const { leases } = ledger.of(namespace);
    const named = input.attempts.map(({ leaseToken }) => leaseToken);
    const unnoticed = named.find((token) => wasOver(leases.get(token), call) && !dropped.has(token));
    hold('P4.5', unnoticed === undefined, () => {
      return `${namespace}: ${input.executorId} named lease ${unnoticed}, which had ended, and was not told to drop it`;
    });
    for (const token of dropped) {
      const lease = leases.get(token);
      hold('P4.4', !isHeld(lease, input.executorId), () => {
        return `${namespace}: ${input.executorId} was told to drop lease ${token}, which is alive, and its own`;
      });
    }
    for (const { leaseToken } of reply.value.missing) {
      hold('P4.5', !wasOver(leases.get(leaseToken), call), () => {
        return `${namespace}: ${input.executorId} was given lease ${leaseToken} again, which had ended`;
      });
    }
  }

  function report({ namespace, input, reply }: RepliedFor<'Report'>): void {
    if (!reply.ok) return;
    for (const [index, status] of reply.value.entries()) {
      const token = input.reports[index]?.leaseToken ?? '';
      const lease = ledger.of(namespace).leases.get(token);
      hold('P4.4', status === 'RECORDED' || !isHeld(lease, input.executorId), () => {
        return `${namespace}: ${input.executorId} was told that its report on lease ${token} is ${status}, and the lease is alive, and its own`;
      });
      hold(
        'P4.8',
        status !== 'RECORDED' || lease === undefined || lease.executorId === input.executorId,
        () => {
          return `${namespace}: ${input.executorId} was told that its report on lease ${token} is recorded, and the lease was given to ${lease?.executorId}`;
        },
      );
      hold('P4.7', status !== 'STALE' || !isTaken(lease, input.executorId), () => {
        return `${namespace}: ${input.executorId} was told that its report on lease ${token} is stale, and its outcome is on disk: ${lease?.ended?.how}`;
      });
      hold('P4.7', status !== 'UNKNOWN' || !isTaken(lease, input.executorId) || !isUnderWay(lease), () => {
        return `${namespace}: ${input.executorId} was told that lease ${token} is unknown, and its outcome is on disk: ${lease?.ended?.how}`;
      });
    }
  }

  return {
    before({ fact, namespace, task }) {
      const { change, leaseToken } = fact;
      if (change.case === 'taskStarted') {
        hold(
          'P4.1',
          !namespace.leases.has(leaseToken),
          () => `${nameOf(fact)}: lease ${leaseToken} was given before`,
        );
        hold(
          'P4.6',
          task?.lease === undefined,
          () => `${nameOf(fact)}: lease ${task?.lease?.token} of its task is alive`,
        );
      }
      if (task !== undefined) isWarranted({ fact, namespace, run: undefined, task }, executors);
    },
    see(observation) {
      if (observation.type !== 'Replied' || !observation.reply.ok) return;
      const { process, namespace, name, input } = observation;
      const call = calls.get(observation.call);
      // What another process has made durable meanwhile, this one cannot know.
      if (call === undefined || isBehind(ledger.of(namespace), process, processes.get(process).startedAtMs))
        return;
      const executorId = executorOf(call.asked);
      if (executorId !== undefined && name !== 'RegisterExecutor') {
        const session = 'session' in input ? input.session : sessionOf(input);
        isLatest(
          executors.view(process, namespace, executorId),
          session,
          call,
          `${namespace}: ${executorId}`,
        );
      }
      if (name === 'Heartbeat') heartbeat(observation, call);
      if (name === 'Report') report(observation);
      if (name === 'AddTasks') {
        const lease = ledger.of(namespace).leases.get(input.leaseToken);
        const isTheirs = executorId === undefined || lease?.executorId === executorId;
        hold('P4.5', isTheirs && !wasOver(lease, call), () => {
          return `${namespace}: ${executorId} has added tasks under lease ${input.leaseToken} of ${lease?.executorId}, which had ended, or is not its own`;
        });
      }
      if (name === 'RegisterExecutor') {
        const { leases } = ledger.of(namespace);
        const revived = observation.reply.value.kept.find((token) => wasOver(leases.get(token), call));
        hold('P4.5', revived === undefined, () => {
          return `${namespace}: ${executorId} was told to keep lease ${revived}, which had ended`;
        });
      }
    },
  };
}

/** Its end was durable when the call came. */
function wasOver(lease: LeaseModel | undefined, { revision }: OpenCall): boolean {
  return lease?.ended !== undefined && lease.ended.revision <= revision;
}

function isHeld(lease: LeaseModel | undefined, executorId: string): boolean {
  return lease !== undefined && lease.ended === undefined && lease.executorId === executorId;
}

/** The outcome of the attempt is what its holder has reported, whatever else comes. */
function isTaken(lease: LeaseModel | undefined, executorId: string): lease is LeaseModel {
  const how = lease?.ended?.how;
  return (how === 'COMPLETED' || how === 'FAILED') && lease?.executorId === executorId;
}

/** Ever since: a process that starts knows nothing of what is over, nor of what came before it was done again. */
function isUnderWay({ run }: LeaseModel): boolean {
  return isLive(run.phase) && run.restartRevision === 0;
}

function sessionOf(input: object): string {
  const by = 'by' in input ? (input.by as { readonly session?: string }) : {};
  return by.session ?? '';
}

/** A session that another registration has taken the place of counts for nothing. */
function isLatest(view: ExecutorView | undefined, session: string, call: OpenCall, who: string): void {
  const begun = view?.sessions.get(session);
  hold('P4.3', begun !== undefined && begun >= call.registration, () => {
    return `${who} was heard with session ${session}, which ${begun === undefined ? 'nobody gave it' : 'is over'}`;
  });
}

/** What an executor is to have said has been said, by the one that holds the lease, to who took it in. */
function isWarranted({ fact, task }: Place, executors: Seen['executors']): void {
  const lease = task?.lease;
  if (task === undefined || lease === undefined) return;
  if (fact.change.case === 'taskProgressed') {
    hold('P4.2', lease.toldTo.has(fact.process), () => {
      return `${nameOf(fact)}: executor ${lease.executorId}, which holds lease ${lease.token}, has said nothing of it`;
    });
  }
  const how = endOfAttempt(fact, task);
  if (how === undefined) return;
  const view = executors.view(fact.process, fact.namespace, lease.executorId);
  const reports = lease.reports.filter(
    ({ process, session }) => process === fact.process && view?.sessions.has(session),
  );
  const warranted = warrants(fact, lease, reports, view?.leaves === true);
  hold('P4.2', warranted, () => {
    const said = lease.reports.map(({ outcome }) => outcome.type).join(', ');
    return `${nameOf(fact)}: executor ${lease.executorId}, which holds lease ${lease.token}, has said ${said || 'nothing'}`;
  });
}

/** What the orchestrator makes of a result that came. */
const OF_RESULTS = new Set([
  'RESULT_REFUSED',
  'PAYLOAD_TOO_LARGE',
  'EXPRESSION_FAILED',
  'BAD_DECISION',
  'ITERATIONS_EXHAUSTED',
  'MANAGER_FAILED',
]);

function warrants(
  { change }: Fact,
  lease: LeaseModel,
  reports: readonly HolderReport[],
  leaves: boolean,
): boolean {
  const completed = reports.flatMap(({ outcome }) =>
    outcome.type === 'Completed' ? [outcome.result.bytes] : [],
  );
  const failedWith = (code: string | undefined) =>
    reports.some(({ outcome }) => outcome.type === 'Failed' && outcome.error.code === code) ||
    (OF_RESULTS.has(code ?? '') && completed.length > 0);
  switch (change.case) {
    case 'taskCompleted': {
      const { error, result } = change.value;
      if (error !== undefined)
        return error.code === 'TIMEOUT' || error.code === 'HEARTBEAT_TIMEOUT' || failedWith(error.code);
      // Managers say what they have decided; what their run comes to is only a part of it.
      if (lease.run.spec.manager?.key === lease.task.key) return completed.length > 0;
      const bytes = result?.data.case === 'bytes' ? result.data.value : new Uint8Array();
      return completed.some((each) => areEqual(each, bytes));
    }
    case 'taskValidating':
    case 'taskSentBack':
    case 'taskRepeating':
      return completed.length > 0;
    case 'taskRetrying':
    case 'taskFailed': {
      const { attemptState } = change.value;
      const error =
        ('attemptError' in change.value ? change.value.attemptError : undefined) ?? change.value.error;
      if (attemptState === AttemptState.FAILED) return failedWith(error?.code);
      if (attemptState !== AttemptState.LOST || error?.code !== 'RELEASED') return true;
      return (
        leaves || reports.some(({ outcome }) => outcome.type === 'Released' || outcome.type === 'Cancelled')
      );
    }
    default:
      return true;
  }
}
