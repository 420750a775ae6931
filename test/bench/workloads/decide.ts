// What does deciding one event cost, by the size of its run? The rules alone, in this process: each task of a
// run is started and completed; a curve that rises would be quadratic.

import { apply, submitRun } from '../../../services/orchestrator/src/domain/apply.ts';
import { compileGraph } from '../../../services/orchestrator/src/domain/compile.ts';
import { EMPTY_PAYLOAD } from '../../../services/orchestrator/src/domain/payload.ts';
import { plainTask } from '../../../services/orchestrator/src/domain/plain-task.ts';
import {
  PLAIN_EDGE,
  PLAIN_FLOW,
  PLAIN_RUN,
  type TaskSpec,
} from '../../../services/orchestrator/src/domain/spec.ts';
import type { RunState } from '../../../services/orchestrator/src/domain/state.ts';
import { createExpressionCompiler } from '../../../services/orchestrator/src/expressions/compiler.ts';
import { median, round } from '../measure.ts';
import type { BareWorkload } from './workload.ts';

const SIZES = [100, 300, 1_000, 3_000, 10_000];
const EVENTS_PER_SIZE = 60_000;
const ROUNDS = 5;

export const workload: BareWorkload = {
  kind: 'BARE',
  help: 'the rules alone: microseconds an event, by the size of the run',
  run: async ({ say }) => ({ microseconds: decideCurve(say) }),
};

type Shape = (tasks: number) => readonly TaskSpec[];

const SHAPES: Readonly<Record<string, Shape>> = {
  flat: (tasks) => Array.from({ length: tasks }, (_, index) => task(`t${index}`)),
  chain: (tasks) =>
    Array.from({ length: tasks }, (_, index) => task(`t${index}`, index === 0 ? [] : [`t${index - 1}`])),
  // Each depends on three before it, as recorded workflows do.
  braid: (tasks) =>
    Array.from({ length: tasks }, (_, index) =>
      task(
        `t${index}`,
        [1, 2, 7].flatMap((back) => (index >= back ? [`t${index - back}`] : [])),
      ),
    ),
  foreach: (tasks) => [
    {
      ...task('each'),
      flow: {
        ...PLAIN_FLOW,
        foreach: {
          items: Array.from({ length: tasks }, () => EMPTY_PAYLOAD),
          itemsExpression: '',
          maxParallel: 0,
          toleratedFailures: 0,
          toleratedShare: 0,
          siblings: 'CONTINUE',
        },
      },
    },
  ],
};

/** Microseconds for each event, by shape and size; the medians of rounds that take turns. */
function decideCurve(say: (line: string) => void): Record<string, Record<string, number>> {
  const micros: Record<string, Record<string, number[]>> = {};
  for (const name of Object.keys(SHAPES)) micros[name] = Object.fromEntries(SIZES.map((size) => [size, []]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, shape] of Object.entries(SHAPES)) {
      for (const size of SIZES) {
        const cost = costOf(shape, size);
        if (round > 0) micros[name]?.[size]?.push(cost); // The first one warms up.
      }
    }
  }
  const curve: Record<string, Record<string, number>> = {};
  for (const [name, sizes] of Object.entries(micros)) {
    curve[name] = Object.fromEntries(
      Object.entries(sizes).map(([size, costs]) => [size, round2(median(costs))]),
    );
    const ratio = (curve[name]?.[10_000] ?? 0) / (curve[name]?.[100] ?? 1);
    say(`${name}: ${JSON.stringify(curve[name])} µs an event; 10,000 against 100: ${ratio.toFixed(2)}`);
    curve[name].ratio = round2(ratio);
  }
  return curve;
}

function round2(value: number): number {
  return round(value, 2);
}

function costOf(shape: Shape, size: number): number {
  const runs = Math.max(1, Math.round(EVENTS_PER_SIZE / (3 * size)));
  const states = Array.from({ length: runs }, () => begin(shape(size)));
  let events = 0;
  const startedMs = performance.now();
  for (const run of states) events += playOut(run);
  return ((performance.now() - startedMs) * 1_000) / events;
}

function begin(tasks: readonly TaskSpec[]): RunState {
  const spec = {
    name: '',
    labels: {},
    failurePolicy: 'CONTINUE',
    timeoutMs: undefined,
    ...PLAIN_RUN,
    tasks,
  } as const;
  const graph = compileGraph(spec, createExpressionCompiler());
  if (!graph.ok) throw new Error(graph.rejection.message);
  return submitRun('r', graph.value, '', 0, 1).run;
}

/** Every task in the order of its index, which is an order of the graph. Returns the number of events. */
function playOut(run: RunState): number {
  let revision = run.lastRevision;
  const first = revision;
  const send = (command: Parameters<typeof apply>[1]): void => {
    const result = apply(run, command, 0, revision + 1);
    if (!result.ok) throw new Error(result.rejection.message);
    revision += result.value.length;
  };
  for (let index = 0; index < run.tasks.length; index++) {
    if (run.tasks[index]?.state !== 'READY') continue;
    send({ type: 'StartAttempt', task: index, executorId: 'e', leaseToken: `l${index}` });
    send({ type: 'CompleteAttempt', task: index, result: EMPTY_PAYLOAD, usage: undefined });
  }
  if (run.phase !== 'COMPLETED') throw new Error(`the run is ${run.phase}: ${JSON.stringify(run.counts)}`);
  return revision - first;
}

function task(key: string, after: readonly string[] = []): TaskSpec {
  return plainTask(key, 'noop', {
    dependencies: after.map((upstream) => ({ key: upstream, condition: 'SUCCESS', ...PLAIN_EDGE })),
  });
}
