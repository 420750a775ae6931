// What the words and lines of a transcript stand for: runs, tasks, outcomes.

import { withManager } from '../domain/manager.ts';
import { EMPTY_PAYLOAD, type Payload } from '../domain/payload.ts';
import {
  BY_CAPABILITY,
  DEFAULT_CANCEL_GRACE_MS,
  DEFAULT_JOIN,
  DEFAULT_PRIORITY,
  DEFAULT_RETRY,
  type Dependency,
  type Flow,
  type Foreach,
  type Join,
  NO_TIMEOUTS,
  PLAIN_EDGE,
  PLAIN_FLOW,
  PLAIN_RUN,
  PLAIN_TASK,
  type RunSpec,
  type TaskSpec,
  type Work,
} from '../domain/spec.ts';
import type { AttemptOutcome } from './inputs.ts';
import { parseHandling } from './transcript-handling.ts';

export function namedOf(words: readonly string[]): Record<string, string | undefined> {
  const named = words.filter((word) => word.includes('='));
  return Object.fromEntries(
    named.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]),
  );
}

export function parseRun(words: readonly string[], lines: readonly string[]): RunSpec {
  const named = namedOf(words);
  const manager =
    named.manager === undefined
      ? undefined
      : { key: 'manager', capability: named.manager, maxRounds: 10, timeouts: NO_TIMEOUTS };
  return withManager({
    name: '',
    labels: {},
    failurePolicy: named.policy === 'cancel' ? 'CANCEL' : 'CONTINUE',
    timeoutMs: optionalNumber(named.timeout),
    ...PLAIN_RUN,
    input: named.input === undefined ? EMPTY_PAYLOAD : jsonPayload(named.input),
    output: named.output ?? '',
    startAtMs: optionalNumber(named.start_at),
    startDelayMs: Number(named.start_delay ?? 0),
    mode: manager !== undefined ? 'MANAGED' : named.mode === 'sequential' ? 'SEQUENTIAL' : 'GRAPH',
    maxParallel: Number(named.parallel ?? 0),
    manager,
    tasks: lines.filter((line) => !line.startsWith('    ')).map((line) => parseTask(line.trim())),
    childSpecs: parseChildren(lines),
  });
}

/** `>name …` begins the specification of a child, whose tasks are indented by four or more. */
function parseChildren(lines: readonly string[]): RunSpec['childSpecs'] {
  const children: [string, RunSpec][] = [];
  for (const [index, line] of lines.entries()) {
    if (!line.startsWith('    >')) continue;
    const rest = lines.slice(index + 1);
    const end = rest.findIndex((each) => !each.startsWith('      '));
    const own = (end === -1 ? rest : rest.slice(0, end)).map((each) => each.slice(4));
    const words = line.slice(5).trim().split(/\s+/);
    children.push([words[0] ?? '', parseRun(words, own)]);
  }
  return Object.fromEntries(children);
}

/** `@signal:name`, `@timer:delay`, `@timer-at:time`, `@child:name`, `@expression:text`, or a capability. */
function parseWork(word: string): Work {
  const colon = word.indexOf(':');
  const text = word.slice(colon + 1);
  switch (word.slice(0, Math.max(colon, 0))) {
    case '@signal':
      return { type: 'SIGNAL', name: text };
    case '@timer':
      return { type: 'TIMER', delayMs: Number(text), atMs: undefined };
    case '@timer-at':
      return { type: 'TIMER', delayMs: undefined, atMs: Number(text) };
    case '@child':
      return { type: 'CHILD_RUN', spec: text, workflow: undefined };
    case '@expression':
      return { type: 'EXPRESSION', text };
    default:
      return BY_CAPABILITY;
  }
}

/** `until=result>2 pause=100 limit=3`; `back=draft[result==0] limit=3`; and foreach, see parseForeach(). */
function parseFlow(named: Readonly<Record<string, string | undefined>>): Flow {
  const { foreach, until, back, start_at, start_delay, takes } = named;
  if ((foreach ?? until ?? back ?? start_at ?? start_delay ?? takes) === undefined) return PLAIN_FLOW;
  const maxIterations = Number(named.limit ?? 10);
  const [to = '', when = ''] = (back ?? '').split('[');
  const rule = { to, when: when.slice(0, -1), reason: named.reason ?? '', maxIterations };
  const delayMs = Number(named.pause ?? 0);
  return {
    foreach: foreach === undefined ? undefined : parseForeach(named),
    repeat: until === undefined ? undefined : { until, maxIterations, delayMs, nextInput: named.next ?? '' },
    sendBack: back === undefined ? [] : [rule],
    startAtMs: optionalNumber(start_at),
    startDelayMs: Number(start_delay ?? 0),
    expectedMs: Number(takes ?? 0),
  };
}

/** `key capability after=a,b?,c![result.x==1]`: `?` asks for FINISHED, `!` for FAILURE, `[…]` is a `when`. */
export function parseTask(line: string): TaskSpec {
  const words = line.split(/\s+/);
  const named = namedOf(words);
  const dependencies = (named.after ?? '').split(',').filter((text) => text !== '');
  return {
    key: words[0] ?? '',
    capability: parseCapability(words[1]),
    input: jsonPayload(named.input ?? ''),
    dependencies: dependencies.map(parseDependency),
    join: parseJoin(named.join),
    onUnmet: named.unmet === 'fail' ? 'FAIL' : 'SKIP',
    parent: named.parent ?? '',
    priority: Number(named.priority ?? DEFAULT_PRIORITY),
    retry: {
      ...DEFAULT_RETRY,
      maxAttempts: Number(named.attempts ?? 1),
      maxLostAttempts: Number(named.lost ?? 10),
    },
    timeouts: {
      ...NO_TIMEOUTS,
      queueMs: optionalNumber(named.queue),
      attemptMs: optionalNumber(named.timeout),
      wholeMs: optionalNumber(named.whole),
      heartbeatMs: optionalNumber(named.silence),
    },
    ...PLAIN_TASK,
    handling: parseHandling(named),
    allowFailure: words.includes('allow_failure'),
    cancelGraceMs: Number(named.grace ?? DEFAULT_CANCEL_GRACE_MS),
    when: named.when ?? '',
    inputExpression: named.computed ?? '',
    work: parseWork(words[1] ?? ''),
    flow: parseFlow(named),
  };
}

/** `foreach="a","b" parallel=1 tolerate=1 stop`: items as JSON; or `foreach=[expression]`. */
function parseForeach(named: Readonly<Record<string, string | undefined>>): Foreach {
  const text = named.foreach ?? '';
  const isExpression = text.startsWith('[');
  return {
    items: isExpression || text === '' ? [] : text.split(',').map(jsonPayload),
    itemsExpression: isExpression ? text.slice(1, -1) : '',
    maxParallel: Number(named.parallel ?? 0),
    toleratedFailures: Number(named.tolerate ?? 0),
    toleratedShare: 0,
    siblings: named.siblings === 'stop' ? 'STOP' : 'CONTINUE',
  };
}

function parseCapability(word: string | undefined): string {
  if (word?.startsWith('@')) return '';
  return word === undefined || word.includes('=') ? 'work' : word;
}

export function parseDependency(text: string): Dependency {
  const bracket = text.indexOf('[');
  if (bracket !== -1) {
    return { ...parseDependency(text.slice(0, bracket)), when: text.slice(bracket + 1, -1) };
  }
  if (text.endsWith('?')) return { key: text.slice(0, -1), condition: 'FINISHED', ...PLAIN_EDGE };
  if (text.endsWith('!')) return { key: text.slice(0, -1), condition: 'FAILURE', ...PLAIN_EDGE };
  return { key: text, condition: 'SUCCESS', ...PLAIN_EDGE };
}

function parseJoin(text: string | undefined): Join {
  if (text === undefined) return DEFAULT_JOIN;
  return text === 'any' ? { mode: 'ANY' } : { mode: 'AT_LEAST', count: Number(text) };
}

function optionalNumber(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

/** `''` is an empty one. */
export function jsonPayload(text: string): Payload {
  return text === '' ? EMPTY_PAYLOAD : { bytes: new TextEncoder().encode(text), contentType: '' };
}

export function parseOutcome(outcome: string, code: string): AttemptOutcome {
  switch (outcome) {
    case 'completed':
      return { type: 'Completed', result: jsonPayload(code) };
    case 'failed':
    case 'final': {
      // `failed:CODE@CHECKPOINT`.
      const [named = '', left] = code.split('@');
      const error = { code: named === '' ? 'ERROR' : named, message: '', details: undefined };
      const checkpoint = left === undefined ? undefined : jsonPayload(left);
      return { type: 'Failed', error, final: outcome === 'final', retryAfterMs: undefined, checkpoint };
    }
    case 'cancelled':
      return { type: 'Cancelled', partialResult: undefined };
    case 'released':
      return { type: 'Released' };
    default:
      throw new Error(`transcript: unknown outcome ${outcome}`);
  }
}
