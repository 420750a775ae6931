// How near does a real workflow come to its lower bound? The recorded montage of 1,738 tasks, its
// runtimes scaled so that max(work / slots, critical path) is one second, on the ready executor's sleep.

import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { RunSpec } from '@tutti/proto/tutti/v1/run_pb.ts';
import { importWfformat } from '../../clients/cli/src/spec/wfformat.ts';
import { type Bench, EXECUTOR_COUNT } from './bench.ts';
import { measure, median, round } from './measure.ts';
import { completed, submit } from './runs.ts';

const INSTANCE = 'montage-chameleon-2mass-05d-001.json.gz';
const SLOTS = 32;
const ROUNDS = 3;
const BOUND_SECONDS = 1;

export const montage: Bench = {
  stack: (options) => ({
    executors: EXECUTOR_COUNT,
    slots: Math.ceil((options.slots ?? SLOTS) / EXECUTOR_COUNT),
  }),
  async run(stack, rpc, options) {
    const slots = options.slots ?? SLOTS;
    const text = readInstance();
    const recorded = lowerBoundSeconds(importWfformat(text, INSTANCE, 1), slots);
    const spec = importWfformat(text, INSTANCE, BOUND_SECONDS / recorded);
    const warmUp = { key: 'warm-up', capability: 'sleep', input: sleepOf(0) };
    await completed(rpc, await submit(rpc, { name: 'warm-up', tasks: [warmUp] }));
    const makespans: number[] = [];
    for (let number = 1; number <= (options.rounds ?? ROUNDS); number += 1) {
      const { seconds } = await measure(stack, async () => {
        await completed(rpc, await submit(rpc, spec));
      });
      makespans.push(seconds);
      options.say(`montage, round ${number}: ${seconds.toFixed(3)} s for a bound of ${BOUND_SECONDS} s`);
    }
    return {
      tasks: spec.tasks.length,
      slots,
      boundSeconds: round(lowerBoundSeconds(spec, slots), 4),
      makespanSeconds: round(median(makespans), 3),
      makespanToBound: round(median(makespans) / lowerBoundSeconds(spec, slots), 3),
      rounds: makespans.map((seconds) => round(seconds, 3)),
    };
  },
};

function readInstance(): string {
  const path = join(process.env.TUTTI_DATA ?? resolve('../shared/data'), 'wfinstances', INSTANCE);
  if (!existsSync(path))
    throw new Error(`${path} is not there; name the folder of the real inputs by TUTTI_DATA`);
  return gunzipSync(readFileSync(path)).toString('utf8');
}

/** max(work / slots, critical path) of a run of sleeps. */
function lowerBoundSeconds(spec: RunSpec, slots: number): number {
  const tasks = new Map(spec.tasks.map((task) => [task.key, task]));
  const ends = new Map<string, number>();
  const endOf = (key: string): number => {
    const known = ends.get(key);
    if (known !== undefined) return known;
    const task = tasks.get(key);
    if (task === undefined) throw new Error(`no task ${key}`);
    const end =
      Math.max(0, ...task.dependencies.map((dependency) => endOf(dependency.key))) + secondsOf(task);
    ends.set(key, end);
    return end;
  };
  const work = spec.tasks.reduce((total, task) => total + secondsOf(task), 0);
  return Math.max(work / slots, ...spec.tasks.map((task) => endOf(task.key)));
}

function secondsOf(task: RunSpec['tasks'][number]): number {
  if (task.input?.data.case !== 'bytes') throw new Error(`the task ${task.key} is no sleep`);
  const { seconds } = JSON.parse(new TextDecoder().decode(task.input.data.value)) as { seconds: number };
  return seconds;
}

function sleepOf(seconds: number) {
  return { data: { case: 'bytes' as const, value: new TextEncoder().encode(JSON.stringify({ seconds })) } };
}
