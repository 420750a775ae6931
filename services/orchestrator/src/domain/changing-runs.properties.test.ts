// F.2, A.7, DESIGN section 7: runs that are paused, grow, are rewired and done again, in any order.
//
// After each single event the counters are what counting anew would give; every run ends; a replay is equal.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { apply, submitRun } from './apply.ts';
import type { RunCommand } from './commands.ts';
import type { RunEvent } from './events.ts';
import { evolve } from './evolve.ts';
import { type RunSubmittedEvent, startRun } from './initial.ts';
import { hasRun, specOf, taskOf } from './lookup.ts';
import type { Dependency, TaskSpec } from './spec.ts';
import type { RunState } from './state.ts';
import { isFinalRun, isFinalTask, type TaskState } from './states.ts';
import { graphOf, payload, spec, task } from './test-support.ts';

interface Sketch {
  /** How far before it in the list its upstreams are. */
  readonly back: readonly number[];
  readonly edge: number;
  readonly kind: number;
}

const sketches = fc.record({
  back: fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }),
  edge: fc.nat({ max: 5 }),
  kind: fc.nat({ max: 7 }),
});

const EDGES: readonly Pick<Dependency, 'condition' | 'when'>[] = [
  { condition: 'SUCCESS', when: '' },
  { condition: 'SUCCESS', when: '' },
  { condition: 'FINISHED', when: '' },
  { condition: 'FAILURE', when: '' },
  { condition: 'FINISHED', when: 'state == "FAILED"' },
  { condition: 'FAILURE', when: 'state == "COMPLETED"' },
];

function edgeTo(key: string, kind: number): Dependency {
  const [base] = task('x', { after: ['x'] }).dependencies as [Dependency];
  return { ...base, key, ...(EDGES[kind % EDGES.length] as (typeof EDGES)[number]) };
}

function toTask({ back, edge, kind }: Sketch, index: number, keyOf = (at: number) => `t${at}`): TaskSpec {
  const upstreams = back.map((steps) => index - steps).filter((at) => at >= 0);
  const any = kind === 1 && upstreams.length > 0;
  return {
    ...task(keyOf(index), {
      allowFailure: kind === 2,
      onUnmet: kind === 3 ? 'FAIL' : 'SKIP',
      when: kind === 4 ? 'true' : '',
      retry: { maxAttempts: kind === 5 ? 2 : 1, initialDelayMs: 0 },
      ...(any ? { join: { mode: 'ANY' } } : {}),
      ...(kind === 6 ? { capability: '', work: { type: 'EXPRESSION', text: '"x"' } } : {}),
    }),
    dependencies: upstreams.map((at, place) => edgeTo(keyOf(at), edge + place)),
  };
}

/** What the words of the contract say, without the rules of the code. */
function checkCounters(run: RunState): void {
  const counts: Record<string, number> = {};
  const handlers = run.tasks.map(() => 0);
  for (const [index, status] of run.tasks.entries()) {
    counts[status.state] = (counts[status.state] ?? 0) + 1;
    let met = 0;
    let dead = 0;
    const silent = isFinalTask(status.state) && !hasRun(status);
    expect(status.handlesNothing, `${index} handles nothing`).toBe(silent);
    for (const { upstream, condition, when } of run.graph.dependencies[index] ?? []) {
      const { state } = taskOf(run, upstream);
      const judged = status.judged.get(upstream);
      const came =
        condition === 'FINISHED' ||
        state === (condition === 'SUCCESS' ? 'COMPLETED' : ('FAILED' as TaskState));
      if (isFinalTask(state) && (!came || judged === false)) dead++;
      if (isFinalTask(state) && came && (when === '' || judged === true)) met++;
      if (condition !== 'SUCCESS' && !silent && !status.unrouted.has(upstream)) {
        handlers[upstream] = (handlers[upstream] ?? 0) + 1;
      }
    }
    expect([status.metEdges, status.deadEdges], `edges of ${index}`).toEqual([met, dead]);
  }
  expect(
    run.tasks.map((each) => each.handlers),
    'handlers',
  ).toEqual(handlers);
  const unhandled = run.tasks.flatMap(({ state }, index) =>
    state === 'FAILED' && handlers[index] === 0 && !specOf(run, index).allowFailure ? [index] : [],
  );
  expect(
    [...run.unhandled].sort((a, b) => a - b),
    'unhandled',
  ).toEqual(unhandled);
  expect(run.failedTask === undefined ? unhandled.length === 0 : run.unhandled.has(run.failedTask)).toBe(
    true,
  );
  for (const [state, count] of Object.entries(run.counts)) expect(count, state).toBe(counts[state] ?? 0);
}

/** Each has a look-up of its own for the keys that it has got. */
function comparable(run: RunState) {
  const { indexOf: _, ...graph } = run.graph;
  return { ...run, graph };
}

function commandFor(run: RunState, choice: number): RunCommand {
  const index = (choice >>> 5) % run.tasks.length;
  const other = (choice >>> 9) % run.tasks.length;
  const error = { code: 'BROKEN', message: '', details: undefined };
  switch (choice & 31) {
    case 0:
      return { type: 'PauseRun', message: '' };
    case 1:
    case 2:
      return { type: 'ResumeRun' };
    case 3:
    case 4: {
      const sketch = {
        back: [1 + (choice % 3), 1 + (other % 4)],
        edge: choice >>> 6,
        kind: (choice >>> 3) % 8,
      };
      const back = [...new Set(sketch.back)];
      const keyOf = (at: number) => run.graph.spec.tasks[at]?.key ?? `added${at}`;
      return { type: 'AddTasks', tasks: [toTask({ ...sketch, back }, run.tasks.length, keyOf)] };
    }
    case 5:
    case 6:
    case 7:
    case 8: {
      const add = (choice & 1) === 0 ? [] : [edgeTo(specOf(run, other).key, choice >>> 4)];
      const remove =
        (choice & 2) === 0
          ? []
          : specOf(run, index)
              .dependencies.slice(0, 1)
              .map(({ key }) => key);
      return { type: 'ChangeDependencies', task: index, add, remove };
    }
    case 9:
      return { type: 'CancelTask', task: index, subtree: false };
    case 10:
      return (choice >>> 12) % 4 === 0 ? { type: 'CancelRun', message: '' } : { type: 'ResumeRun' };
    default:
      break;
  }
  const { state } = taskOf(run, index);
  if (state === 'READY')
    return { type: 'StartAttempt', task: index, executorId: 'e', leaseToken: `l${run.lastRevision}` };
  if ((choice & 31) < 18)
    return {
      type: 'FailAttempt',
      task: index,
      error,
      final: false,
      retryAfterMs: undefined,
      usage: undefined,
    };
  return { type: 'CompleteAttempt', task: index, result: payload('x'), usage: undefined };
}

function playOn(run: RunState, choices: readonly number[], see: (events: readonly RunEvent[]) => void): void {
  const send = (command: RunCommand): void => {
    const result = apply(run, command, 0, run.lastRevision + 1);
    if (result.ok) see(result.value);
  };
  for (const choice of choices) {
    if (isFinalRun(run.phase)) return;
    if (run.tasks.length > 24 && (choice & 30) === 4) continue;
    send(commandFor(run, choice));
  }
  send({ type: 'ResumeRun' });
  for (let step = 0; step < 500 && !isFinalRun(run.phase); step++) {
    const index = run.tasks.findIndex(({ state }) => state === 'READY' || state === 'RUNNING');
    if (index === -1) break;
    send(commandFor(run, (index << 5) | (18 + (step % 13))));
  }
  expect(isFinalRun(run.phase), JSON.stringify(run.tasks.map(({ state }) => state))).toBe(true);
}

test('F.2, A.7: counters hold after every event, every run ends, a replay is equal', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(
      fc.array(sketches, { minLength: 1, maxLength: 8 }),
      fc.array(fc.array(fc.nat(), { maxLength: 40 }), { minLength: 1, maxLength: 4 }),
      fc.constantFrom('CONTINUE' as const, 'CANCEL' as const),
      (sketched, rounds, failurePolicy) => {
        const tasks = sketched.map((each, index) => toTask(each, index));
        const { run, events } = submitRun('r', graphOf(spec(tasks, { failurePolicy })), '', 0, 1);
        const [first] = events as readonly [RunSubmittedEvent, ...RunEvent[]];
        const replica = startRun(first);
        const see = (more: readonly RunEvent[]): void => {
          for (const event of more) {
            evolve(replica, event);
            seen.add(event.change.type);
            checkCounters(replica);
          }
        };
        see(events.slice(1));
        for (const choices of rounds) {
          playOn(run, choices, see);
          const from = (choices[0] ?? 0) % run.tasks.length;
          const scope = (['FAILED', 'FROM', 'ALL'] as const)[(choices[1] ?? 0) % 3] ?? 'ALL';
          const command = { type: 'RerunRun', scope, from: scope === 'FROM' ? from : undefined } as const;
          const again = apply(run, command, 0, run.lastRevision + 1);
          if (again.ok) see(again.value);
          else expect(again.rejection.code).toBe('WRONG_STATE');
        }
        if (!isFinalRun(run.phase)) playOn(run, [], see);
        expect(comparable(replica)).toEqual(comparable(run));
      },
    ),
    { numRuns: 400 },
  );
  for (const type of ['RunPaused', 'RunResumed', 'RunRestarted', 'TasksAdded', 'TaskDependenciesChanged']) {
    expect(seen, 'that says something').toContain(type);
  }
});
