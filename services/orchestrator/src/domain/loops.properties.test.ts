// C.3, C.5, C.6: random graphs of loops, in every run mode, are held to their promises: each run ends, within the
// limits of its loops, and its events add up to the same state again.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { evolve } from './evolve.ts';
import { type RunSubmittedEvent, startRun } from './initial.ts';
import { withManager } from './manager.ts';
import { accept } from './rejection.ts';
import { type Join, NO_TIMEOUTS, PLAIN_FLOW, type RunSpec, type TaskSpec } from './spec.ts';
import { isFinalRun, isFinalTask } from './states.ts';
import { payload, play, type Scenario, spec, task } from './test-support.ts';

const LIMIT = 2;
/** More than the loops of six tasks can take, nested as they may be. */
const MAX_STEPS = 50_000;

interface Sketch {
  /** Distances to earlier tasks; `?`: however that ends. */
  readonly after: readonly (readonly [number, '' | '?'])[];
  readonly join: Join['mode'];
  readonly repeated: boolean;
  /** Over how many edges it may send back, to the first of its dependencies each time; 0: it does not. */
  readonly back: number;
}

const sketch: fc.Arbitrary<Sketch> = fc.record({
  after: fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.constantFrom('' as const, '?' as const)), {
    maxLength: 3,
  }),
  join: fc.constantFrom('ALL', 'ALL', 'ANY'),
  repeated: fc.boolean(),
  back: fc.integer({ min: 0, max: 3 }),
});

const MANAGER = { key: 'boss', capability: 'manage', maxRounds: 10_000, timeouts: NO_TIMEOUTS };
const modes: fc.Arbitrary<Partial<RunSpec>> = fc.constantFrom<Partial<RunSpec>>(
  {},
  { maxParallel: 1 },
  { maxParallel: 2 },
  { mode: 'SEQUENTIAL' },
  { mode: 'MANAGED', manager: MANAGER },
);

function taskOf(sketches: readonly Sketch[], index: number, isSequential: boolean): TaskSpec {
  const { after, join, repeated, back } = sketches[index] as Sketch;
  const edges = new Map(after.filter(([far]) => far <= index));
  const to = earlier(sketches, index, back);
  const rule = { to: `t${to}`, when: 'result == "no"', reason: '"again"', maxIterations: LIMIT };
  const repeat = { until: 'result == "yes"', maxIterations: LIMIT, delayMs: 0, nextInput: '' };
  return task(`t${index}`, {
    after: [...edges].map(([far, condition]) => `t${index - far}${condition}`),
    join: { mode: join === 'ANY' && edges.size > 0 && !isSequential ? 'ANY' : 'ALL' },
    flow: {
      ...PLAIN_FLOW,
      repeat: repeated ? repeat : undefined,
      sendBack: to === index ? [] : [rule],
    },
    retry: { maxAttempts: 2, initialDelayMs: 0 },
  });
}

/** The task that so many edges lead back to, or as many as there are. */
function earlier(sketches: readonly Sketch[], index: number, edges: number): number {
  const far = sketches[index]?.after.find(([distance]) => distance <= index)?.[0];
  return edges === 0 || far === undefined ? index : earlier(sketches, index - far, edges - 1);
}

const text = (value: unknown) => ({ ...payload(JSON.stringify(value)), contentType: '' });

/** One move of the world: an attempt starts, or one ends by what the die says. */
function move(scenario: Scenario, die: number): boolean {
  const open = scenario.run.tasks.flatMap(({ state }, index) =>
    state === 'READY' || state === 'RUNNING' ? [index] : [],
  );
  const index = open[die % Math.max(1, open.length)];
  const status = index === undefined ? undefined : scenario.run.tasks[index];
  const key = scenario.run.graph.spec.tasks[index ?? 0]?.key ?? '';
  if (index === undefined || status === undefined) return false;
  if (status.state === 'READY') scenario.start(key);
  else if (key === 'boss') answer(scenario, index, die);
  else if (die % 7 === 0) scenario.fail(key);
  else if (die % 11 === 0) scenario.lose(key);
  else scenario.complete(key, text(['yes', 'no', 'maybe'][die % 3]));
  return true;
}

function answer(scenario: Scenario, index: number, die: number): void {
  const available = scenario.run.tasks.flatMap(({ state, reason }, each) =>
    state === 'WAITING' && reason === 'AWAITING_MANAGER' ? [`t${each}`] : [],
  );
  const chosen = available.filter((_, place) => place === 0 || (die >> place) % 2 === 0);
  const isIdle = scenario.run.tasks.every(
    ({ state }, each) => each === index || state === 'WAITING' || isFinalTask(state),
  );
  const decision =
    chosen.length === 0 && isIdle ? { done: true } : { run: chosen.map((key) => ({ task: key })) };
  scenario.steps({
    type: 'CompleteAttempt',
    task: index,
    result: text(decision),
    usage: undefined,
    surroundings: { places: new Map(), added: accept([]) },
  });
}

test('C.3, C.5, C.6: every run of loops ends, within its limits, and replays to the same state', () => {
  fc.assert(
    fc.property(
      fc.array(sketch, { minLength: 1, maxLength: 6 }),
      modes,
      fc.array(fc.nat({ max: 1_000 }), { minLength: 1, maxLength: 60 }),
      (sketches, mode, dice) => {
        const all = sketches.map((_, index) => taskOf(sketches, index, mode.mode === 'SEQUENTIAL'));
        const { tasks, ...rest } = withManager(spec(all, mode));
        const scenario = play(tasks, rest);
        let steps = 0;
        while (!isFinalRun(scenario.run.phase)) {
          const moved = move(scenario, dice[steps % dice.length] ?? 0);
          if (!moved) throw new Error(`nothing is under way, and the run is not over: ${scenario.states()}`);
          steps += 1;
          if (steps > MAX_STEPS) throw new Error(`the run does not end: ${scenario.states()}`);
          if (rest.maxParallel > 0) {
            const { READY, RUNNING, RETRYING } = scenario.run.counts;
            expect(READY + RUNNING + RETRYING).toBeLessThanOrEqual(rest.maxParallel);
          }
        }
        for (const { more } of scenario.run.tasks) {
          if (more === undefined) continue;
          for (const count of more.sentBack.values()) expect(count).toBeLessThanOrEqual(LIMIT);
        }
        const replica = startRun(scenario.events[0] as RunSubmittedEvent);
        for (const event of scenario.events.slice(1)) evolve(replica, event);
        expect(replica.tasks).toEqual(scenario.run.tasks);
        expect([replica.counts, replica.underWay, replica.phase]).toEqual([
          scenario.run.counts,
          scenario.run.underWay,
          scenario.run.phase,
        ]);
      },
    ),
    { numRuns: 400 },
  );
}, 60_000);
