// Random runs of every construct that a graph can say (DESIGN section 7). Small ones: what goes wrong with six
// tasks goes wrong in a simulation that fits on a screen.

import { withManager } from '../../../services/orchestrator/src/domain/manager.ts';
import type {
  ErrorRule,
  Foreach,
  Guardrail,
  Handling,
  Join,
  RetryPolicy,
  RunSpec,
  Selection,
  TaskSpec,
  Timeouts,
  Work,
} from '../../../services/orchestrator/src/domain/spec.ts';
import {
  DEFAULT_RETRY,
  NO_TIMEOUTS,
  PLAIN_FLOW,
  PLAIN_HANDLING,
  SELECT_ALL,
} from '../../../services/orchestrator/src/domain/spec.ts';
import type { Random } from '../world/random.ts';
import { BEGINNING_MS } from '../world/time.ts';
import { json } from '../world/work.ts';
import { edge, plainRun, plainTask } from './tasks.ts';

const MAX_TASKS = 6;

/** @param cut only the first so many tasks, to make what goes wrong smaller */
export function drawRun(random: Random, depth = 0, cut = Number.POSITIVE_INFINITY): RunSpec {
  const mode = random.chance(0.1) ? 'MANAGED' : random.chance(0.1) ? 'SEQUENTIAL' : 'GRAPH';
  const count = random.between(1, MAX_TASKS);
  const tasks = Array.from({ length: count }, (_, place) =>
    drawTask(random.fork(`task ${place}`), place, mode !== 'GRAPH', depth),
  );
  const child = random.fork('child');
  const startsRuns = tasks.slice(0, cut).some(({ work }) => work.type === 'CHILD_RUN');
  const spec = plainRun(tasks.slice(0, cut), {
    mode,
    startAtMs: drawStart(random.fork('start')),
    failurePolicy: random.chance(0.3) ? 'CANCEL' : 'CONTINUE',
    maxParallel: random.chance(0.2) ? random.between(1, 2) : 0,
    timeoutMs: random.chance(0.1) ? random.between(2_000, 20_000) : undefined,
    startDelayMs: random.chance(0.1) ? random.between(10, 3_000) : 0,
    input: json({ n: 1 }),
    output: random.chance(0.2) ? 'results' : '',
    manager:
      mode === 'MANAGED'
        ? { key: 'manager', capability: 'manage', maxRounds: 20, timeouts: NO_TIMEOUTS }
        : undefined,
    childSpecs: startsRuns ? { inner: drawRun(child, depth + 1) } : {},
  });
  return withManager(spec);
}

function drawTask(random: Random, place: number, isOrdered: boolean, depth: number): TaskSpec {
  const work = drawWork(random, depth);
  const byCapability = work.type === 'CAPABILITY';
  const upstreams = place === 0 || isOrdered ? [] : drawUpstreams(random, place);
  const dependencies = upstreams.map((upstream) => ({
    ...edge(
      `t${upstream}`,
      random.chance(0.65) ? 'SUCCESS' : random.pick(['FINISHED', 'FAILURE']),
      random.chance(0.1) ? random.pick(['true', 'false', 'result == "ok"']) : '',
    ),
    select: drawSelection(random.fork(`select ${upstream}`)),
  }));
  return plainTask(`t${place}`, byCapability ? drawCapability(random) : '', {
    work,
    dependencies,
    join: drawJoin(random, upstreams.length),
    onUnmet: random.chance(0.2) ? 'FAIL' : 'SKIP',
    parent: place > 0 && random.chance(0.2) ? `t${random.below(place)}` : '',
    priority: random.chance(0.3) ? random.below(11) : 2,
    when: random.chance(0.07) ? random.pick(['true', 'false', 'run.input.n == 1']) : '',
    inputExpression: random.chance(0.1) ? 'run.input' : '',
    retry: drawRetry(random),
    timeouts: drawTimeouts(random, work),
    allowFailure: random.chance(0.2),
    cancelGraceMs: random.pick([0, 500, 5_000]),
    flow: {
      ...PLAIN_FLOW,
      foreach: random.chance(0.12) && work.type !== 'SIGNAL' ? drawForeach(random) : undefined,
      repeat:
        byCapability && random.chance(0.12)
          ? {
              until: 'result != "again"',
              maxIterations: random.between(1, 4),
              delayMs: random.below(300),
              nextInput: random.fork('next input').chance(0.3) ? 'result' : '',
            }
          : undefined,
      sendBack:
        upstreams.length > 0 && random.chance(0.2)
          ? [
              {
                to: `t${upstreams[0]}`,
                when: 'result == "back"',
                reason: '',
                maxIterations: random.between(1, 2),
              },
            ]
          : [],
      startDelayMs: random.chance(0.08) ? random.between(1, 2_000) : 0,
      startAtMs: drawStart(random.fork('start')),
      expectedMs: drawExpected(random.fork('expected')),
    },
    handling: drawHandling(random, byCapability),
  });
}

/** Mostly nothing is said; what is said need not be true. */
function drawExpected(random: Random): number {
  return random.chance(0.3) ? random.between(1, 5_000) : 0;
}

/** A moment that is mostly ahead. */
function drawStart(random: Random): number | undefined {
  return random.chance(0.04) ? BEGINNING_MS + random.between(0, 40_000) : undefined;
}

function drawSelection(random: Random): Selection {
  if (!random.chance(0.1)) return SELECT_ALL;
  const parts: readonly Selection['part'][] = [
    { type: 'NOTHING' },
    { type: 'FIELDS', names: ['ok'] },
    { type: 'LAST', count: 1 },
  ];
  return { ...SELECT_ALL, part: random.pick(parts) };
}

function drawUpstreams(random: Random, place: number): readonly number[] {
  const count = random.below(Math.min(3, place) + 1);
  return [...new Set(Array.from({ length: count }, () => random.below(place)))];
}

function drawJoin(random: Random, count: number): Join {
  const join: Join = count > 0 && random.chance(0.2) ? { mode: 'ANY' } : { mode: 'ALL' };
  const own = random.fork('join');
  return count > 1 && own.chance(0.15) ? { mode: 'AT_LEAST', count: own.between(1, count) } : join;
}

function drawCapability(random: Random): string {
  if (random.chance(0.05)) return 'plan';
  return random.chance(0.7) ? 'work' : 'other';
}

function drawWork(random: Random, depth: number): Work {
  if (random.chance(0.78)) return { type: 'CAPABILITY' };
  switch (random.below(depth < 2 ? 4 : 3)) {
    case 0:
      return { type: 'EXPRESSION', text: '"ok"' };
    case 1:
      return { type: 'SIGNAL', name: random.pick(['go', 'on']) };
    case 2:
      return { type: 'TIMER', delayMs: random.between(1, 3_000), atMs: undefined };
    default:
      return { type: 'CHILD_RUN', spec: 'inner', workflow: undefined };
  }
}

function drawRetry(random: Random): RetryPolicy {
  return {
    ...DEFAULT_RETRY,
    maxAttempts: random.between(1, 3),
    initialDelayMs: random.below(800),
    maxDelayMs: 2_000,
    jitter: random.chance(0.2) ? 0.5 : 0,
    nonRetryableCodes: random.chance(0.2) ? ['NET'] : [],
    maxLostAttempts: random.chance(0.3) ? random.below(3) : 10,
  };
}

function drawTimeouts(random: Random, { type }: Work): Timeouts {
  const sometimes = (share: number, least: number, most: number) =>
    random.chance(share) ? random.between(least, most) : undefined;
  return {
    queueMs: sometimes(0.05, 500, 10_000),
    attemptMs: sometimes(type === 'SIGNAL' ? 0.5 : 0.15, 300, 20_000),
    wholeMs: sometimes(0.06, 1_000, 30_000),
    heartbeatMs: sometimes(0.06, 6_000, 20_000),
  };
}

function drawForeach(random: Random): Foreach {
  const items = Array.from({ length: random.below(6) }, (_, index) => index);
  const isComputed = random.fork('items').chance(0.2);
  return {
    items: isComputed ? [] : items.map(json),
    itemsExpression: isComputed ? JSON.stringify(items) : '',
    maxParallel: random.below(3),
    toleratedFailures: random.below(2),
    toleratedShare: 0,
    siblings: random.chance(0.5) ? 'STOP' : 'CONTINUE',
  };
}

function drawHandling(random: Random, byCapability: boolean): Handling {
  if (random.chance(0.6)) return PLAIN_HANDLING;
  const fallback = byCapability && random.chance(0.3) ? 'other' : '';
  const actions: readonly ErrorRule['action'][] = [
    { type: 'RETRY', delayMs: 100 },
    { type: 'FAIL' },
    { type: 'COMPLETE', result: json('given') },
  ];
  return {
    fallback,
    errorRules: random.chance(0.3) ? [drawErrorRule(random, random.pick(actions), fallback)] : [],
    guardrails: byCapability && random.chance(0.4) ? [drawGuardrail(random)] : [],
    compensation: random.chance(0.3)
      ? {
          capability: 'undo',
          inputExpression: '',
          retry: { ...DEFAULT_RETRY, maxAttempts: 2 },
          timeouts: NO_TIMEOUTS,
        }
      : undefined,
  };
}

function drawErrorRule(random: Random, action: ErrorRule['action'], fallback: string): ErrorRule {
  const fallsBack = fallback !== '' && random.fork('rule').chance(0.3);
  return { codes: ['BRO*'], action: fallsBack ? { type: 'FALL_BACK' } : action };
}

function drawGuardrail(random: Random): Guardrail {
  const checks: readonly Guardrail['check'][] = [
    { type: 'CAPABILITY', capability: 'judge' },
    { type: 'EXPRESSION', text: 'result != "again"' },
    { type: 'SCHEMA', schema: '{"type":"string"}' },
  ];
  return { check: random.pick(checks), message: '' };
}
