// What do the messages of executors say, in the engine's words?
//
// Contract: the messages have passed the rules of the proto. What those cannot say is checked here.

import type {
  AdditionRequest,
  HeartbeatRequest,
  RegisterRequest,
  Report,
  ReportRequest,
} from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import { ExecutorPhase } from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import type { Payload as PayloadMessage } from '@tutti/proto/tutti/v1/payload_pb.ts';
import type {
  TaskError as ErrorMessage,
  Progress as ProgressMessage,
} from '@tutti/proto/tutti/v1/task_pb.ts';
import type { Progress, TaskError, Usage } from '../domain/events.ts';
import type { Payload } from '../domain/payload.ts';
import { accept, type Result, reject } from '../domain/rejection.ts';
import type {
  AddTasks,
  AttemptOutcome,
  AttemptReport,
  Heartbeat,
  HeldAttempt,
  RegisterExecutor,
  ReportAttempts,
} from '../engine/inputs.ts';
import { intern } from './intern.ts';
import { acceptPayload } from './limits.ts';
import { toPayload } from './payload.ts';
import { toTaskSpecs } from './spec.ts';
import { durationToMs } from './time.ts';

export function registrationFromWire(message: RegisterRequest): Result<RegisterExecutor> {
  const names = new Set<string>();
  for (const [index, { name }] of message.capabilities.entries()) {
    if (names.has(name)) {
      const field = `capabilities[${index}].name`;
      const text = `${field}: '${name}' is named twice; name each capability once.`;
      return reject('INVALID_FIELD', text, { field, name }, field);
    }
    names.add(name);
  }
  return accept({
    executorId: message.executorId,
    capabilities: message.capabilities.map(({ name, version, maxConcurrency }) => ({
      name: intern(name),
      version,
      maxConcurrency,
    })),
    labels: { ...message.labels },
    slots: message.slots,
    held: message.held,
    phase: phaseOf(message.phase) === 'ACTIVE' ? 'ACTIVE' : 'DRAINING',
  });
}

type KnownPhase = (typeof ExecutorPhase)[keyof typeof ExecutorPhase];

const PHASES: Readonly<Record<KnownPhase, Heartbeat['phase']>> = {
  [ExecutorPhase.UNSPECIFIED]: 'ACTIVE',
  [ExecutorPhase.ACTIVE]: 'ACTIVE',
  [ExecutorPhase.DRAINING]: 'DRAINING',
  [ExecutorPhase.LEAVING]: 'LEAVING',
};

function phaseOf(phase: ExecutorPhase): Heartbeat['phase'] {
  const known = PHASES[phase as KnownPhase];
  if (known === undefined)
    throw new Error(`phase ${phase} is none of the contract: its rules were not checked`);
  return known;
}

export function heartbeatFromWire(message: HeartbeatRequest): Result<Heartbeat> {
  const attempts: HeldAttempt[] = [];
  for (const [index, held] of message.attempts.entries()) {
    const checkpoint = payloadOf(held.checkpoint, `attempts[${index}].checkpoint`);
    if (!checkpoint.ok) return checkpoint;
    attempts.push({
      leaseToken: held.leaseToken,
      progress: held.progress === undefined ? undefined : progressOf(held.progress),
      checkpoint: checkpoint.value,
    });
  }
  return accept({
    executorId: message.executorId,
    session: message.session,
    phase: phaseOf(message.phase),
    attempts,
  });
}

export function additionFromWire({
  executorId,
  session,
  leaseToken,
  tasks,
}: AdditionRequest): Result<AddTasks> {
  const specs = toTaskSpecs(tasks);
  if (!specs.ok) return specs;
  // Equal tasks are left as they are: a repeat needs no other protection.
  const by = { type: 'EXECUTOR', executorId, session } as const;
  return accept({ by, leaseToken, tasks: specs.value, request: undefined });
}

export function reportsFromWire(message: ReportRequest): Result<ReportAttempts> {
  const reports: AttemptReport[] = [];
  for (const [index, report] of message.reports.entries()) {
    const outcome = outcomeOf(report, `reports[${index}]`);
    if (!outcome.ok) return outcome;
    reports.push({ leaseToken: report.leaseToken, outcome: outcome.value, usage: usageOf(report.usage) });
  }
  return accept({ executorId: message.executorId, session: message.session, reports });
}

const RELEASED: AttemptOutcome = Object.freeze({ type: 'Released' });

function outcomeOf(report: Report, field: string): Result<AttemptOutcome> {
  const { outcome } = report;
  switch (outcome.case) {
    case 'completed': {
      const result = payloadOf(outcome.value.result, `${field}.completed.result`);
      if (!result.ok) return result;
      return accept({ type: 'Completed', result: result.value ?? toPayload(undefined) });
    }
    case 'failed': {
      const { error, final, retryAfter, checkpoint } = outcome.value;
      const taskError = errorOf(error, `${field}.failed.error`);
      if (!taskError.ok) return taskError;
      const retryAfterMs = retryAfter === undefined ? undefined : durationToMs(retryAfter);
      const left = payloadOf(checkpoint, `${field}.failed.checkpoint`);
      if (!left.ok) return left;
      return accept({
        type: 'Failed',
        error: taskError.value,
        final,
        retryAfterMs,
        checkpoint: left.value,
      });
    }
    case 'cancelled': {
      const partial = payloadOf(outcome.value.partialResult, `${field}.cancelled.partial_result`);
      return partial.ok ? accept({ type: 'Cancelled', partialResult: partial.value }) : partial;
    }
    case 'released':
      return accept(RELEASED);
    case undefined:
      return missing(`${field}.outcome`, 'say how the attempt ended');
  }
}

function errorOf(message: ErrorMessage | undefined, field: string): Result<TaskError> {
  if (message === undefined) return missing(field, 'say why the attempt failed');
  const details = payloadOf(message.details, `${field}.details`);
  if (!details.ok) return details;
  return accept({ code: message.code, message: message.message, details: details.value });
}

/**
 * Undefined where there is none. One beyond the inline limit is passed on: the engine decides what
 * that means for the attempt, and refusing the message would have it sent again for ever.
 */
function payloadOf(message: PayloadMessage | undefined, field: string): Result<Payload | undefined> {
  if (message === undefined) return accept(undefined);
  const accepted = acceptPayload(message, field);
  if (accepted.ok || accepted.rejection.code !== 'PAYLOAD_TOO_LARGE') return accepted;
  return accept(toPayload(message));
}

function usageOf(usage: Readonly<Record<string, number>>): Usage | undefined {
  return Object.keys(usage).length === 0 ? undefined : { ...usage };
}

function progressOf({ percent, message }: ProgressMessage): Progress {
  return { percent, message };
}

function missing(field: string, remedy: string) {
  return reject('INVALID_FIELD', `${field}: value is required; ${remedy}.`, { field }, field);
}
