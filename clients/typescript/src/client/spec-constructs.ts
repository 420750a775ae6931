// How are loops, waits, child runs and the handling of failures written in TypeScript?

import { create, type JsonObject, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { PayloadSchema } from '@tutti/proto/tutti/v1/payload_pb.ts';
import {
  ChildRunSchema,
  CompensationSchema,
  ErrorAction,
  ErrorRuleSchema,
  ForeachSchema,
  GuardrailSchema,
  LinkSchema,
  RepeatSchema,
  SendBackSchema,
  SiblingPolicy,
  SignalWaitSchema,
  type TaskSpec,
  type TaskSpecSchema,
  TimerSchema,
} from '@tutti/proto/tutti/v1/task_pb.ts';
import type { DurationInput } from '../durations.ts';
import type { JsonValue } from '../json.ts';
import type { PayloadInput } from '../payloads.ts';
import {
  duration,
  oneOf,
  type RetryInput,
  refuseUnknown,
  SpecError,
  type TimeoutsInput,
  toInput,
  toRetry,
  toTimeouts,
} from './spec-parts.ts';

/** What a task says beside its place in the graph. The proto's comments (TaskSpec) say the whole of each. */
export interface ConstructsInput {
  /** Its result is what this CEL expression comes to. */
  readonly expression?: string;
  /** It waits for a signal of this name to its run (`client.signalRun`); its payload is the result. */
  readonly signal?: string;
  /** It waits so long, or until then. */
  readonly timer?: DurationInput | Date;
  /** It starts a run of its own: the name of one of `childSpecs`, or a workflow. */
  readonly childRun?: string | { readonly workflow: string; readonly version?: number };
  /** Its result is that of a completed task of another run. */
  readonly link?: { readonly runId: string; readonly taskKey: string };
  /** It is done once for each item: a list, or how to work through one. */
  readonly foreach?: readonly PayloadInput[] | ForeachInput;
  /** It is done again and again: until a CEL condition holds, or as this says. */
  readonly repeat?: string | RepeatInput;
  /** A decision that may send the run back. */
  readonly sendBack?: SendBackInput | readonly SendBackInput[];
  /** What failed attempts lead to, by their error; the first that applies counts. */
  readonly errorRules?: readonly ErrorRuleInput[];
  /** A capability that is tried once after the last attempt failed. */
  readonly fallback?: string;
  /** What a result must pass: CEL checks, or more. */
  readonly guardrails?: readonly (string | GuardrailInput)[];
  /** What undoes it, if it completed and its run does not. */
  readonly compensation?: string | CompensationInput;
  /** It is not ready before. */
  readonly startTime?: Date;
  /** It is ready so long after its dependencies allow. */
  readonly startDelay?: DurationInput;
  /**
   * How long it probably takes. Of tasks of one priority that become ready at the same moment, the one from which
   * on the run takes longest is started first. Default: nothing is known, and the order of submission holds.
   */
  readonly expectedDuration?: DurationInput;
}

/** Exactly one of `items` and `itemsExpression`. */
export interface ForeachInput {
  readonly items?: readonly PayloadInput[];
  /** A CEL expression that gives a list. */
  readonly itemsExpression?: string;
  /** How many at once; 1: one after the other. Default: no limit. */
  readonly maxParallel?: number;
  /** How many may fail. Default 0. */
  readonly toleratedFailures?: number;
  /** Which share may fail, 0 to 1. Default 0. */
  readonly toleratedShare?: number;
  /** What becomes of the others once too many have failed. Default `CONTINUE`. */
  readonly siblings?: 'CONTINUE' | 'STOP';
}

export interface RepeatInput {
  /** A CEL condition on `result` and `iteration`. Default: only the limit ends it. */
  readonly until?: string;
  /** Default 100. */
  readonly maxIterations?: number;
  /** Between two iterations. Default none. */
  readonly delay?: DurationInput;
  /** The next input, as a CEL expression. Default: the result. */
  readonly nextInput?: string;
}

export interface SendBackInput {
  /** The key of an earlier task. */
  readonly to: string;
  /** A CEL condition on `result` and `iteration`. */
  readonly when: string;
  /** Why, as a CEL expression that gives a text. */
  readonly reason?: string;
  /** Default 10. */
  readonly maxIterations?: number;
}

export interface ErrorRuleInput {
  /** A trailing `*` stands for any ending. Default: any code. */
  readonly codes?: readonly string[];
  readonly action: 'RETRY' | 'FAIL' | 'FALL_BACK' | 'COMPLETE';
  /** With COMPLETE: the result. */
  readonly result?: PayloadInput;
  /** With RETRY: instead of the policy's delay. */
  readonly delay?: DurationInput;
}

/** Exactly one of `check`, `schema` and `capability`. */
export interface GuardrailInput {
  /** A CEL expression on `result`: true, or false, or a text that says why not. */
  readonly check?: string;
  /** JSON Schema, draft 2020-12. */
  readonly schema?: { readonly [key: string]: JsonValue };
  /** Who checks. */
  readonly capability?: string;
  /** The reason to give, instead of the check's own. */
  readonly message?: string;
}

export interface CompensationInput {
  readonly capability: string;
  /** A CEL expression on `input` and `result`. Default: the task's result. */
  readonly inputExpression?: string;
  readonly retry?: RetryInput;
  readonly timeouts?: TimeoutsInput;
}

type Constructs = Exclude<MessageInitShape<typeof TaskSpecSchema>, TaskSpec>;

/** Throws SpecError, also for what is none of these. */
export function toConstructs(input: ConstructsInput, path: string): Constructs {
  const { expression, signal, timer, childRun, link, ...more } = input;
  const { foreach, repeat, sendBack, errorRules, fallback, ...others } = more;
  const { guardrails, compensation, startTime, startDelay, expectedDuration, ...rest } = others;
  refuseUnknown(rest, path);
  const spec: Constructs = {};
  if (expression !== undefined) spec.expression = expression;
  if (signal !== undefined) spec.signal = create(SignalWaitSchema, { name: signal });
  if (timer !== undefined) spec.timer = toTimer(timer, `${path}.timer`);
  if (childRun !== undefined) spec.childRun = toChildRun(childRun, `${path}.childRun`);
  if (link !== undefined) spec.link = create(LinkSchema, link);
  if (foreach !== undefined) spec.foreach = toForeach(foreach, `${path}.foreach`);
  if (repeat !== undefined) spec.repeat = toRepeat(repeat, `${path}.repeat`);
  if (sendBack !== undefined) spec.sendBack = toSendBacks(sendBack, `${path}.sendBack`);
  if (errorRules !== undefined) spec.errorRules = each(errorRules, `${path}.errorRules`, toErrorRule);
  if (fallback !== undefined) spec.fallback = fallback;
  if (guardrails !== undefined) spec.guardrails = each(guardrails, `${path}.guardrails`, toGuardrail);
  if (compensation !== undefined) spec.compensation = toCompensation(compensation, `${path}.compensation`);
  if (startTime !== undefined) spec.startTime = timestampFromDate(startTime);
  if (startDelay !== undefined) spec.startDelay = duration(startDelay, `${path}.startDelay`);
  if (expectedDuration !== undefined)
    spec.expectedDuration = duration(expectedDuration, `${path}.expectedDuration`);
  return spec;
}

function each<Input, Output>(
  inputs: readonly Input[],
  path: string,
  convert: (input: Input, path: string) => Output,
): Output[] {
  if (!Array.isArray(inputs)) throw new SpecError(path, 'not a list');
  return inputs.map((input, index) => convert(input, `${path}[${index}]`));
}

function toTimer(input: DurationInput | Date, path: string) {
  return input instanceof Date
    ? create(TimerSchema, { time: timestampFromDate(input) })
    : create(TimerSchema, { delay: duration(input, path) });
}

function toChildRun(input: NonNullable<ConstructsInput['childRun']>, path: string) {
  if (typeof input === 'string') return create(ChildRunSchema, { spec: input });
  const { workflow, version = 0, ...rest } = input;
  refuseUnknown(rest, path);
  return create(ChildRunSchema, { workflow, version });
}

function toForeach(input: readonly PayloadInput[] | ForeachInput, path: string) {
  const { items = [], siblings, ...more } = isList(input) ? { items: input } : input;
  const { itemsExpression, maxParallel, toleratedFailures, toleratedShare, ...rest } = more;
  refuseUnknown(rest, path);
  const spec = create(ForeachSchema, {
    items: items.map((item, index) => create(PayloadSchema, toInput(item, `${path}.items[${index}]`))),
  });
  if (itemsExpression !== undefined) spec.itemsExpression = itemsExpression;
  if (maxParallel !== undefined) spec.maxParallel = maxParallel;
  if (toleratedFailures !== undefined) spec.toleratedFailures = toleratedFailures;
  if (toleratedShare !== undefined) spec.toleratedShare = toleratedShare;
  if (siblings !== undefined) spec.siblings = oneOf(SiblingPolicy, siblings, `${path}.siblings`);
  return spec;
}

function isList(input: readonly PayloadInput[] | ForeachInput): input is readonly PayloadInput[] {
  return Array.isArray(input);
}

function toRepeat(input: string | RepeatInput, path: string) {
  if (typeof input === 'string') return create(RepeatSchema, { until: input });
  const { until = '', maxIterations = 0, delay, nextInput = '', ...rest } = input;
  refuseUnknown(rest, path);
  const spec = create(RepeatSchema, { until, maxIterations, nextInput });
  if (delay !== undefined) spec.delay = duration(delay, `${path}.delay`);
  return spec;
}

function toSendBacks(input: SendBackInput | readonly SendBackInput[], path: string) {
  const list = Array.isArray(input) ? (input as readonly SendBackInput[]) : [input as SendBackInput];
  return each(list, path, (one, place) => {
    const { to, when, reason = '', maxIterations = 0, ...rest } = one;
    refuseUnknown(rest, place);
    return create(SendBackSchema, { to, when, reason, maxIterations });
  });
}

function toErrorRule(input: ErrorRuleInput, path: string) {
  const { codes = [], action, result, delay, ...rest } = input;
  refuseUnknown(rest, path);
  const rule = create(ErrorRuleSchema, {
    codes: [...codes],
    action: oneOf(ErrorAction, action, `${path}.action`),
  });
  const converted = toInput(result, `${path}.result`);
  if (converted !== undefined) rule.result = create(PayloadSchema, converted);
  if (delay !== undefined) rule.delay = duration(delay, `${path}.delay`);
  return rule;
}

function toGuardrail(input: string | GuardrailInput, path: string) {
  if (typeof input === 'string') return create(GuardrailSchema, { check: input });
  const { check = '', schema, capability = '', message = '', ...rest } = input;
  refuseUnknown(rest, path);
  const rail = create(GuardrailSchema, { check, capability, message });
  if (schema !== undefined) rail.schema = structuredClone(schema) as JsonObject;
  return rail;
}

function toCompensation(input: string | CompensationInput, path: string) {
  if (typeof input === 'string') return create(CompensationSchema, { capability: input });
  const { capability, inputExpression = '', retry, timeouts, ...rest } = input;
  refuseUnknown(rest, path);
  return create(CompensationSchema, {
    capability,
    inputExpression,
    ...(retry === undefined ? {} : { retry: toRetry(retry, `${path}.retry`) }),
    ...(timeouts === undefined ? {} : { timeouts: toTimeouts(timeouts, `${path}.timeouts`) }),
  });
}
