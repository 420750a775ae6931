// What a task does, how often, and what is made of its failures: from messages, and back into them.

import { create, type JsonObject, type MessageInitShape } from '@bufbuild/protobuf';
import {
  ErrorAction,
  type ErrorRule as ErrorRuleMessage,
  ErrorRuleSchema,
  type Foreach as ForeachMessage,
  ForeachSchema,
  type Guardrail as GuardrailMessage,
  GuardrailSchema,
  SiblingPolicy,
  type TaskSpec as TaskSpecMessage,
  type TaskSpecSchema,
} from '@tutti/proto/tutti/v1/task_pb.ts';
import {
  BY_CAPABILITY,
  type Compensation,
  DEFAULT_MAX_REPEATS,
  DEFAULT_MAX_SEND_BACKS,
  DEFAULT_RETRY,
  type ErrorRule,
  type Flow,
  type Foreach,
  type Guardrail,
  type Handling,
  NO_TIMEOUTS,
  PLAIN_FLOW,
  PLAIN_HANDLING,
  type Repeat,
  type SendBack,
  type Work,
} from '../domain/spec.ts';
import { fromPayload, type PayloadForm, toPayload } from './payload.ts';
import { fromRetryPolicy, fromTimeouts, toRetryPolicy, toTimeouts } from './spec-parts.ts';
import { durationFromMs, durationToMs, timestampFromMs, timestampToMs } from './time.ts';

type TaskInit = Exclude<MessageInitShape<typeof TaskSpecSchema>, TaskSpecMessage>;

export function toWork(message: TaskSpecMessage): Work {
  const { expression, signal, timer, childRun, link } = message;
  if (expression !== '') return { type: 'EXPRESSION', text: expression };
  if (signal !== undefined) return { type: 'SIGNAL', name: signal.name };
  if (timer !== undefined) {
    const delayMs = timer.delay && durationToMs(timer.delay);
    return { type: 'TIMER', delayMs, atMs: timer.time && timestampToMs(timer.time) };
  }
  if (childRun !== undefined) {
    const { spec, workflow: name, version } = childRun;
    return { type: 'CHILD_RUN', spec, workflow: name === '' ? undefined : { name, version } };
  }
  if (link !== undefined) {
    const { runId, taskKey, result } = link;
    return { type: 'LINK', runId, taskKey, result: toPayload(result) };
  }
  return BY_CAPABILITY;
}

export function fromWork(work: Work, form: PayloadForm): Pick<TaskInit, 'expression' | 'signal'> & TaskInit {
  switch (work.type) {
    case 'CAPABILITY':
      return {};
    case 'EXPRESSION':
      return { expression: work.text };
    case 'SIGNAL':
      return { signal: { name: work.name } };
    case 'TIMER':
      return {
        timer: {
          ...(work.delayMs === undefined ? {} : { delay: durationFromMs(work.delayMs) }),
          ...(work.atMs === undefined ? {} : { time: timestampFromMs(work.atMs) }),
        },
      };
    case 'CHILD_RUN':
      return {
        childRun: {
          spec: work.spec,
          workflow: work.workflow?.name ?? '',
          version: work.workflow?.version ?? 0,
        },
      };
    case 'LINK':
      return {
        link: { runId: work.runId, taskKey: work.taskKey, result: fromPayload(work.result, form) },
      };
  }
}

export function toFlow(message: TaskSpecMessage): Flow {
  const { foreach, repeat, sendBack, startTime, startDelay, expectedDuration } = message;
  const plain =
    foreach === undefined &&
    repeat === undefined &&
    sendBack.length === 0 &&
    startTime === undefined &&
    startDelay === undefined &&
    expectedDuration === undefined;
  if (plain) return PLAIN_FLOW;
  return {
    foreach: foreach && toForeach(foreach),
    repeat: repeat && {
      until: repeat.until,
      maxIterations: repeat.maxIterations === 0 ? DEFAULT_MAX_REPEATS : repeat.maxIterations,
      delayMs: repeat.delay === undefined ? 0 : durationToMs(repeat.delay),
      nextInput: repeat.nextInput,
    },
    sendBack: sendBack.map(({ to, when, reason, maxIterations }) => ({
      to,
      when,
      reason,
      maxIterations: maxIterations === 0 ? DEFAULT_MAX_SEND_BACKS : maxIterations,
    })),
    startAtMs: startTime && timestampToMs(startTime),
    startDelayMs: startDelay === undefined ? 0 : durationToMs(startDelay),
    expectedMs: expectedDuration === undefined ? 0 : durationToMs(expectedDuration),
  };
}

function toForeach(message: ForeachMessage): Foreach {
  return {
    items: message.items.map(toPayload),
    itemsExpression: message.itemsExpression,
    maxParallel: message.maxParallel,
    toleratedFailures: message.toleratedFailures,
    toleratedShare: message.toleratedShare,
    siblings: message.siblings === SiblingPolicy.STOP ? 'STOP' : 'CONTINUE',
  };
}

export function fromFlow(flow: Flow, form: PayloadForm): TaskInit {
  if (flow === PLAIN_FLOW) return {};
  const { foreach, repeat, sendBack, startAtMs, startDelayMs, expectedMs } = flow;
  return {
    ...(foreach === undefined ? {} : { foreach: create(ForeachSchema, fromForeach(foreach, form)) }),
    ...(repeat === undefined ? {} : { repeat: fromRepeat(repeat) }),
    sendBack: sendBack.map((each: SendBack) => ({ ...each })),
    ...(startAtMs === undefined ? {} : { startTime: timestampFromMs(startAtMs) }),
    ...(startDelayMs === 0 ? {} : { startDelay: durationFromMs(startDelayMs) }),
    ...(expectedMs === 0 ? {} : { expectedDuration: durationFromMs(expectedMs) }),
  };
}

function fromForeach(foreach: Foreach, form: PayloadForm): MessageInitShape<typeof ForeachSchema> {
  return {
    ...foreach,
    items: foreach.items.map((item) => fromPayload(item, form)),
    siblings: foreach.siblings === 'STOP' ? SiblingPolicy.STOP : SiblingPolicy.UNSPECIFIED,
  };
}

function fromRepeat({ until, maxIterations, delayMs, nextInput }: Repeat) {
  return { until, maxIterations, nextInput, ...(delayMs === 0 ? {} : { delay: durationFromMs(delayMs) }) };
}

export function toHandling(message: TaskSpecMessage): Handling {
  const { errorRules, fallback, guardrails, compensation } = message;
  const plain =
    errorRules.length === 0 && fallback === '' && guardrails.length === 0 && compensation === undefined;
  if (plain) return PLAIN_HANDLING;
  return {
    errorRules: errorRules.map(toErrorRule),
    fallback,
    guardrails: guardrails.map(toGuardrail),
    compensation: compensation && {
      capability: compensation.capability,
      inputExpression: compensation.inputExpression,
      retry: compensation.retry === undefined ? DEFAULT_RETRY : toRetryPolicy(compensation.retry),
      timeouts: compensation.timeouts === undefined ? NO_TIMEOUTS : toTimeouts(compensation.timeouts),
    },
  };
}

function toErrorRule({ codes, action, result, delay }: ErrorRuleMessage): ErrorRule {
  switch (action) {
    case ErrorAction.RETRY:
      return { codes, action: { type: 'RETRY', delayMs: delay && durationToMs(delay) } };
    case ErrorAction.FALL_BACK:
      return { codes, action: { type: 'FALL_BACK' } };
    case ErrorAction.COMPLETE:
      return { codes, action: { type: 'COMPLETE', result: toPayload(result) } };
    default:
      // FAIL; validation lets neither UNSPECIFIED nor an unknown value through.
      return { codes, action: { type: 'FAIL' } };
  }
}

function toGuardrail({ check, schema, capability, message }: GuardrailMessage): Guardrail {
  if (schema !== undefined) {
    return { check: { type: 'SCHEMA', schema: JSON.stringify(schema) }, message };
  }
  if (capability !== '') return { check: { type: 'CAPABILITY', capability }, message };
  return { check: { type: 'EXPRESSION', text: check }, message };
}

export function fromHandling(handling: Handling, form: PayloadForm): TaskInit {
  if (handling === PLAIN_HANDLING) return {};
  const { errorRules, fallback, guardrails, compensation } = handling;
  return {
    errorRules: errorRules.map((rule) => fromErrorRule(rule, form)),
    fallback,
    guardrails: guardrails.map(fromGuardrail),
    ...(compensation === undefined ? {} : { compensation: fromCompensation(compensation) }),
  };
}

function fromErrorRule({ codes, action }: ErrorRule, form: PayloadForm): ErrorRuleMessage {
  const message = create(ErrorRuleSchema, { codes: [...codes], action: ErrorAction[action.type] });
  if (action.type === 'RETRY' && action.delayMs !== undefined) message.delay = durationFromMs(action.delayMs);
  if (action.type === 'COMPLETE') message.result = fromPayload(action.result, form);
  return message;
}

function fromGuardrail({ check, message }: Guardrail): GuardrailMessage {
  switch (check.type) {
    case 'EXPRESSION':
      return create(GuardrailSchema, { check: check.text, message });
    case 'SCHEMA':
      return create(GuardrailSchema, { schema: JSON.parse(check.schema) as JsonObject, message });
    case 'CAPABILITY':
      return create(GuardrailSchema, { capability: check.capability, message });
  }
}

function fromCompensation({ capability, inputExpression, retry, timeouts: limits }: Compensation) {
  const timeouts = fromTimeouts(limits);
  return {
    capability,
    inputExpression,
    ...(retry === DEFAULT_RETRY ? {} : { retry: fromRetryPolicy(retry) }),
    ...(timeouts === undefined ? {} : { timeouts }),
  };
}
