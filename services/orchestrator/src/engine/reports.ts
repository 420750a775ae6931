// How attempts ended, as their executors say. Exactly one outcome per attempt is accepted (promise 4):
// the one that comes with the token of a living lease, from the executor that holds it.

import type { RunCommand } from '../domain/commands.ts';
import type { Payload } from '../domain/payload.ts';
import { accept } from '../domain/rejection.ts';
import type { Core } from './core.ts';
import { executorOf, unknownSession } from './executor.ts';
import type { AttemptReport, EngineCalls, ReportAttempts, ReportStatus } from './inputs.ts';
import type { Lease } from './leases.ts';
import { expireIfDue } from './loss.ts';
import { surroundingsOf } from './managed.ts';

const GIVEN_BACK = 'the executor gave the attempt back';

export function report(core: Core, input: ReportAttempts): EngineCalls['Report']['reply'] {
  expireIfDue(core, input.executorId);
  const executor = executorOf(core, input.executorId, input.session);
  if (executor === undefined) return unknownSession(core, input.executorId, input.session);
  executor.heardAtMs = core.nowMs;
  return accept(input.reports.map((one) => record(core, input.executorId, one)));
}

function record(core: Core, executorId: string, one: AttemptReport): ReportStatus {
  const lease = core.leases.get(one.leaseToken);
  if (lease === undefined) return core.leases.statusOf(one.leaseToken, executorId);
  if (lease.executor.executorId !== executorId) return 'STALE';
  const result = core.apply(lease.run, commandFor(core, lease, one), { lease, status: 'RECORDED' });
  if (!result.ok || result.value.length === 0)
    throw new Error(`the report on lease ${one.leaseToken} came to nothing`);
  return 'RECORDED';
}

function commandFor(core: Core, lease: Lease, { outcome, usage }: AttemptReport): RunCommand {
  const task = lease.task;
  switch (outcome.type) {
    case 'Completed': {
      const sizeBytes = outcome.result.bytes.length;
      if (sizeBytes <= core.options.maxPayloadBytes) {
        const { result } = outcome;
        const surroundings = surroundingsOf(core, lease.run.state, task, result);
        const command = { type: 'CompleteAttempt', task, result, usage } as const;
        return surroundings === undefined ? command : { ...command, surroundings };
      }
      return { ...tooLarge(task, sizeBytes, core.options.maxPayloadBytes), usage };
    }
    case 'Failed':
      return {
        type: 'FailAttempt',
        task,
        error: boundedDetails(core, outcome.error),
        final: outcome.final,
        retryAfterMs: outcome.retryAfterMs,
        checkpoint: withinLimit(core, outcome.checkpoint),
        usage,
      };
    case 'Cancelled': {
      const partialResult = withinLimit(core, outcome.partialResult);
      return { type: 'EndCancelledAttempt', task, partialResult, usage };
    }
    case 'Released':
      return { type: 'LoseAttempt', task, code: 'RELEASED', message: GIVEN_BACK, reported: true };
  }
}

/** What is over the limit is left out: what came with it is worth keeping. */
function withinLimit(core: Core, payload: Payload | undefined): Payload | undefined {
  return (payload?.bytes.length ?? 0) > core.options.maxPayloadBytes ? undefined : payload;
}

function tooLarge(
  task: number,
  sizeBytes: number,
  limitBytes: number,
): Extract<RunCommand, { type: 'FailAttempt' }> {
  const message = `the result has ${sizeBytes} bytes, ${limitBytes} are allowed: store it elsewhere and return a reference`;
  return {
    type: 'FailAttempt',
    task,
    error: { code: 'PAYLOAD_TOO_LARGE', message, details: undefined },
    final: true,
    retryAfterMs: undefined,
    usage: undefined,
  };
}

type Failure = Extract<RunCommand, { type: 'FailAttempt' }>['error'];

/** Details over the limit are left out; the error itself is worth keeping. */
function boundedDetails(core: Core, error: Failure): Failure {
  if ((error.details?.bytes.length ?? 0) <= core.options.maxPayloadBytes) return error;
  return { ...error, details: undefined };
}
