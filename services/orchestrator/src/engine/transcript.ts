// Runs an engine by a written transcript, for tests: each block is a command, a line `----`, and what
// the engine is expected to say. Times in transcripts begin at 0 ms; tokens are t1, t2, … in the order
// in which they are minted. See transcripts/*.txt.

import { compileGraph } from '../domain/compile.ts';
import type { RerunScope } from '../domain/events.ts';
import { evolve } from '../domain/evolve.ts';
import type { ExpressionCompiler } from '../domain/expression.ts';
import { startRun } from '../domain/initial.ts';
import { withManager } from '../domain/manager.ts';
import { EMPTY_PAYLOAD, type Payload } from '../domain/payload.ts';
import { accept } from '../domain/rejection.ts';
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
import type { RunState } from '../domain/state.ts';
import { isFinalRun } from '../domain/states.ts';
import { createEngine, type Engine } from './engine.ts';
import type { AttemptOutcome, EngineInput } from './inputs.ts';
import { DEFAULT_ENGINE_LIMITS, type EngineOptions } from './options.ts';
import type { EngineEvent, EngineOutput } from './outputs.ts';
import { parseHandling } from './transcript-handling.ts';
import { describeOutput } from './transcript-output.ts';

export interface Transcript {
  /** Executes one block's command and gives what the engine says to it. */
  run(command: string): string;
}

export function createTranscript(expressions: ExpressionCompiler): Transcript {
  let minted = 0;
  let nowMs = 0;
  let callId = 0;
  const log: EngineEvent[] = [];
  const sessions = new Map<string, string>();
  const options: EngineOptions = {
    ...DEFAULT_ENGINE_LIMITS,
    namespace: 'default',
    maxAssignmentBytes: 1_000_000,
    readTasks: (tasks) => accept(tasks.map((task) => parseTask(String(task)))),
    mintToken: () => `t${++minted}`,
  };
  let engine: Engine = createEngine(options, 0, [], nowMs);

  function step(input: EngineInput): string {
    engine.step(input, nowMs);
    return flush();
  }

  function flush(): string {
    const output = engine.flush(nowMs);
    if (output === undefined) return 'nothing';
    log.push(...output.events);
    noteSessions(output);
    return describeOutput(output);
  }

  function noteSessions(output: EngineOutput): void {
    for (const effect of output.effects) {
      if (effect.type !== 'Reply' || !effect.reply.ok) continue;
      const value = effect.reply.value;
      if (typeof value === 'object' && 'session' in value) sessions.set(lastRegistered, value.session);
    }
  }
  let lastRegistered = '';

  function restart(): string {
    const states = replay(log).filter((state) => !isFinalRun(state.phase));
    engine = createEngine(options, log.at(-1)?.event.revision ?? 0, states, nowMs);
    return flush();
  }

  const commands: Record<string, (words: readonly string[], lines: readonly string[]) => string> = {
    restart,
    wait(words) {
      nowMs += Number(words[0]);
      return step({ type: 'Tick' });
    },
    stall(words) {
      nowMs += Number(words[0]);
      return step({ type: 'Stalled', stalledMs: Number(words[0]) });
    },
    submit(words, lines) {
      const spec = parseRun(words, lines);
      const graph = compileGraph(spec, expressions);
      if (!graph.ok) return `refused ${graph.rejection.code}: ${graph.rejection.message}`;
      const input = { runId: words[0] ?? '', chosen: true, onConflict: 'FAIL', graph: graph.value } as const;
      return step({
        type: 'SubmitRun',
        callId: ++callId,
        input: { ...input, traceparent: '', request: undefined },
      });
    },
    register(words) {
      lastRegistered = words[0] ?? '';
      const named = namedOf(words);
      const capabilities = (named.can ?? 'work').split(',').map((text) => {
        const [name = '', limit = '0'] = text.split(':');
        return { name, version: '', maxConcurrency: Number(limit) };
      });
      const held = named.held === undefined ? [] : named.held.split(',');
      const slots = Number(named.slots ?? 1);
      return step({
        type: 'RegisterExecutor',
        callId: ++callId,
        input: {
          executorId: lastRegistered,
          capabilities,
          labels: {},
          slots,
          held,
          phase: named.phase === 'DRAINING' ? 'DRAINING' : 'ACTIVE',
        },
      });
    },
    heartbeat(words) {
      const named = namedOf(words);
      const tokens = (named.holds ?? '').split(',').filter((token) => token !== '');
      const phase = (named.phase ?? 'ACTIVE') as 'ACTIVE' | 'DRAINING' | 'LEAVING';
      const progress =
        named.percent === undefined ? undefined : { percent: Number(named.percent), message: '' };
      const checkpoint = named.checkpoint === undefined ? undefined : jsonPayload(named.checkpoint);
      const attempts = tokens.map((leaseToken) => ({ leaseToken, progress, checkpoint }));
      const executorId = words[0] ?? '';
      const session = sessions.get(executorId) ?? '';
      return step({ type: 'Heartbeat', callId: ++callId, input: { executorId, session, phase, attempts } });
    },
    report(words) {
      const executorId = words[0] ?? '';
      const session = sessions.get(executorId) ?? '';
      const reports = words.slice(1).map((text) => {
        const [leaseToken = '', outcome = 'completed', ...rest] = text.split(':');
        const code = rest.join(':');
        return { leaseToken, outcome: parseOutcome(outcome, code), usage: undefined };
      });
      return step({ type: 'Report', callId: ++callId, input: { executorId, session, reports } });
    },
    cancel(words) {
      const input = { runId: words[0] ?? '', message: '', request: undefined };
      return step({ type: 'CancelRun', callId: ++callId, input });
    },
    pause(words) {
      const input = { runId: words[0] ?? '', message: words.slice(1).join(' '), request: undefined };
      return step({ type: 'PauseRun', callId: ++callId, input });
    },
    resume(words) {
      const input = { runId: words[0] ?? '', request: undefined };
      return step({ type: 'ResumeRun', callId: ++callId, input });
    },
    rerun(words) {
      const [runId = '', scope = 'FAILED', taskKey = ''] = words;
      const run = replay(log).find((state) => state.runId === runId);
      const input = { runId, scope: scope as RerunScope, taskKey, run, request: undefined };
      return step({ type: 'RerunRun', callId: ++callId, input });
    },
    'cancel-task'(words) {
      const [runId = '', taskKey = ''] = words;
      const input = { runId, taskKey, subtree: words.includes('subtree'), request: undefined };
      return step({ type: 'CancelTask', callId: ++callId, input });
    },
    signal(words) {
      const [runId = '', name = '', payload = ''] = words;
      const input = { runId, name, payload: jsonPayload(payload), request: undefined };
      return step({ type: 'SignalRun', callId: ++callId, input });
    },
    executors: () => step({ type: 'ListExecutors', callId: ++callId, input: { capability: '' } }),
  };

  return {
    run(text) {
      const [first = '', ...lines] = text.split('\n');
      const [name = '', ...words] = first.trim().split(/\s+/);
      const command = commands[name];
      if (command === undefined) throw new Error(`transcript: unknown command ${name}`);
      return command(words, lines);
    },
  };
}

/** The runs as their events alone add up to: what a restart knows. */
function replay(log: readonly EngineEvent[]): readonly RunState[] {
  const states = new Map<string, RunState>();
  for (const { run, event } of log) {
    const { change } = event;
    if (change.type === 'RunSubmitted') states.set(run.runId, startRun({ ...event, change }));
    else evolve(states.get(run.runId) as RunState, event);
  }
  return [...states.values()];
}

function namedOf(words: readonly string[]): Record<string, string | undefined> {
  const named = words.filter((word) => word.includes('='));
  return Object.fromEntries(
    named.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]),
  );
}

function parseRun(words: readonly string[], lines: readonly string[]): RunSpec {
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
  const { foreach, until, back, start_at, start_delay } = named;
  if ((foreach ?? until ?? back ?? start_at ?? start_delay) === undefined) return PLAIN_FLOW;
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
  };
}

/** `key capability after=a,b?,c![result.x==1]`: `?` asks for FINISHED, `!` for FAILURE, `[…]` is a `when`. */
function parseTask(line: string): TaskSpec {
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

function parseDependency(text: string): Dependency {
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
function jsonPayload(text: string): Payload {
  return text === '' ? EMPTY_PAYLOAD : { bytes: new TextEncoder().encode(text), contentType: '' };
}

function parseOutcome(outcome: string, code: string): AttemptOutcome {
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
