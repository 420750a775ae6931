// C.7, over random graphs of waits: every run ends, no wait is lost or ended twice, and replaying the events
// gives the same state.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { childRunIdOf } from './child-runs.ts';
import { dueCommand, dueRunCommand } from './due.ts';
import { evolve } from './evolve.ts';
import { type RunSubmittedEvent, startRun } from './initial.ts';
import { EMPTY_PAYLOAD } from './payload.ts';
import { PLAIN_FLOW, type TaskSpec, type Work } from './spec.ts';
import { isFinalRun } from './states.ts';
import { play, type Scenario, spec, task } from './test-support.ts';

const work = fc.oneof(
  fc.constant<Work>({ type: 'CAPABILITY' }),
  fc.constantFrom<Work>({ type: 'SIGNAL', name: 'a' }, { type: 'SIGNAL', name: 'b' }),
  fc.nat(40).map((delayMs): Work => ({ type: 'TIMER', delayMs, atMs: undefined })),
  fc.nat(40).map((atMs): Work => ({ type: 'TIMER', delayMs: undefined, atMs })),
  fc.constant<Work>({ type: 'EXPRESSION', text: '"x"' }),
  fc.constant<Work>({ type: 'CHILD_RUN', spec: 'child', workflow: undefined }),
);

const sketch = fc.record({
  work,
  after: fc.array(fc.tuple(fc.nat(), fc.constantFrom('', '?')), { maxLength: 2 }),
  startDelayMs: fc.constantFrom(0, 0, 15),
  attemptMs: fc.constantFrom(undefined, undefined, 20),
  maxAttempts: fc.constantFrom(1, 2),
});

const tasksOf = fc.array(sketch, { minLength: 1, maxLength: 8 }).map((sketches): TaskSpec[] =>
  sketches.map(({ work, after, startDelayMs, attemptMs, maxAttempts }, index) =>
    task(`t${index}`, {
      work,
      capability: work.type === 'CAPABILITY' ? 'test' : '',
      after:
        index === 0
          ? []
          : [...new Map(after.map(([seed, mark]) => [seed % index, mark]))].map(
              ([at, mark]) => `t${at}${mark}`,
            ),
      flow: startDelayMs === 0 ? PLAIN_FLOW : { ...PLAIN_FLOW, startDelayMs },
      retry: { maxAttempts, initialDelayMs: 5 },
      timeouts: attemptMs === undefined ? {} : { attemptMs },
    }),
  ),
);

const run = fc.record({ tasks: tasksOf, startDelayMs: fc.constantFrom(0, 30) });
/** What the world does between two moments. */
const world = fc.array(fc.constantFrom('signal a', 'signal b', 'work', 'break', 'cancel'), { maxLength: 30 });

function act(scenario: Scenario, deed: string, nowMs: number): void {
  if (isFinalRun(scenario.run.phase)) return;
  if (deed.startsWith('signal')) {
    scenario.steps({ type: 'SignalRun', name: deed.slice(-1), payload: EMPTY_PAYLOAD });
  }
  scenario.run.tasks.forEach((status, index) => {
    const { key, work } = scenario.run.graph.spec.tasks[index] as TaskSpec;
    const own = work.type !== 'CAPABILITY';
    if (status.state === 'READY' && own) scenario.steps({ type: 'StartOwnWork', task: index, child: true });
    if (status.state === 'READY' && !own) scenario.start(key);
    if (status.state !== 'RUNNING' || (own && work.type !== 'CHILD_RUN')) return;
    if (deed === 'work') scenario.complete(key);
    if (deed === 'break') scenario.fail(key);
  });
  if (deed === 'cancel' && nowMs > 100) scenario.cancelRun();
}

function fireDue(scenario: Scenario, nowMs: number): void {
  const begin = dueRunCommand(scenario.run, nowMs);
  if (begin !== undefined) scenario.steps(begin);
  for (let index = 0; index < scenario.run.tasks.length; index++) {
    const due = dueCommand(scenario.run, index, 0, nowMs);
    if (due !== undefined) scenario.steps(due);
  }
}

test('C.7: every run of waits ends, each signal ends one wait at most, and replay gives the same state', () => {
  fc.assert(
    fc.property(run, world, ({ tasks, startDelayMs }, deeds) => {
      const childSpecs = { child: spec([task('x')]) };
      const scenario = play(tasks, { startDelayMs, childSpecs });
      let nowMs = 0;
      const rest = Array.from({ length: 60 }, (_, at) => ['signal a', 'work', 'signal b'][at % 3] ?? '');
      for (const deed of [...deeds, ...rest]) {
        scenario.passMs(5);
        nowMs += 5;
        fireDue(scenario, nowMs);
        act(scenario, deed, nowMs);
      }

      expect(isFinalRun(scenario.run.phase)).toBe(true);
      expect([scenario.run.waits.size, scenario.run.held.size]).toEqual([0, 0]);
      const changes = scenario.events.map(({ change }) => change);
      const count = (type: string) => changes.filter((change) => change.type === type).length;
      expect(count('TaskSignalled')).toBeLessThanOrEqual(count('RunSignalled'));
      const children = changes.flatMap((change) =>
        change.type === 'TaskStarted' && change.childRunId !== undefined ? [change] : [],
      );
      expect(new Set(children.map(({ childRunId }) => childRunId)).size).toBe(children.length);
      for (const { task: index, attempt, childRunId } of children) {
        expect(childRunId).toBe(childRunIdOf(scenario.run, index, attempt));
      }
      const [first, ...later] = scenario.events;
      const again = startRun(first as RunSubmittedEvent);
      for (const event of later) evolve(again, event);
      expect(again).toEqual(scenario.run);
    }),
    { numRuns: 300 },
  );
});
