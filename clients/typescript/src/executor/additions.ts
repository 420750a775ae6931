// How does an attempt add tasks to its run?

import { ErrorReason } from '@tutti/proto/tutti/v1/error_reason_pb.ts';
import { AdditionRequestSchema, AdditionResponseSchema } from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import type { TaskSpec } from '@tutti/proto/tutti/v1/task_pb.ts';
import { type TaskInput, toRunSpec } from '../client/spec.ts';
import { eachPayload } from '../payload-walk.ts';
import { payloadSizeBytes } from '../payloads.ts';
import { createAsk, RequestRefusedError } from './asking.ts';
import { FinalError, RetryableError } from './errors.ts';
import type { Settings } from './options.ts';
import type { StoredPayloads } from './payload-door.ts';
import type { SessionKeeper } from './session.ts';
import { MessageTooLargeError, type Transport } from './transport.ts';

/** Of one request. */
const TASKS_AT_ONCE = 10_000;

export interface Additions {
  /** Resolves to how many of the tasks are new, once they are on disk. */
  add(leaseToken: string, tasks: readonly TaskInput[], signal: AbortSignal): Promise<number>;
}

export function createAdditions(
  settings: Settings,
  transport: Transport,
  sessions: SessionKeeper,
  payloads: StoredPayloads,
  maxPayloadBytes: () => number,
): Additions {
  // A session that the orchestrator does not know is being renewed meanwhile.
  const ask = createAsk(settings, transport, [ErrorReason.UNKNOWN_SESSION]);

  async function send(leaseToken: string, tasks: readonly TaskSpec[], signal: AbortSignal): Promise<number> {
    const request = async () => {
      const session = sessions.current ?? (await sessions.renew(undefined));
      return { executorId: settings.id, session: session.token, leaseToken, tasks: [...tasks] };
    };
    const { result } = await ask('additions', AdditionRequestSchema, request, AdditionResponseSchema, signal);
    return result.case === 'ack' ? result.value.addedCount : 0;
  }

  return {
    async add(leaseToken, tasks, signal) {
      if (tasks.length === 0) return 0;
      if (tasks.length > TASKS_AT_ONCE) {
        throw new RangeError(`addTasks: ${tasks.length} tasks; at most ${TASKS_AT_ONCE} at once`);
      }
      const specs = toRunSpec({ tasks }).tasks;
      try {
        await storeLarge(specs, payloads, maxPayloadBytes(), signal);
        return await send(leaseToken, specs, signal);
      } catch (error) {
        throw asFailure(error);
      }
    },
  };
}

async function storeLarge(
  specs: readonly TaskSpec[],
  payloads: StoredPayloads,
  limitBytes: number,
  signal: AbortSignal,
): Promise<void> {
  const large: Parameters<Parameters<typeof eachPayload>[1]>[0][] = [];
  eachPayload(specs, (payload) => {
    if (payloadSizeBytes(payload) > limitBytes) large.push(payload);
  });
  for (const payload of large) {
    const { data } = await payloads.store(payload, signal);
    Object.assign(payload, { data });
  }
}

/** What breaks a rule breaks it the next time, too; a handler that knows better catches it. */
function asFailure(error: unknown): unknown {
  if (error instanceof MessageTooLargeError) {
    return new FinalError('ADDITION_TOO_LARGE', `${error.message}: add the tasks in several calls`);
  }
  if (!(error instanceof RequestRefusedError)) return error;
  const { reason, message } = error;
  return reason === 'NO_LEASE'
    ? new RetryableError(reason, message)
    : new FinalError(reason === '' ? 'ADDITION_REFUSED' : reason, message);
}
