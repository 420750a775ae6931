// Which recorded workflows are there, and how long do they take at least? The files of WfFormat 1.5 in the
// folder of real inputs, which TUTTI_TEST_DATA names (TUTTI_DATA is where an orchestrator keeps its state).

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { clone } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { type RunSpec, RunSpecSchema } from '@tutti/proto/tutti/v1/run_pb.ts';
import { importWfformat } from '../../clients/cli/src/spec/wfformat.ts';

export const MONTAGE = 'montage-chameleon-2mass-05d-001.json.gz';

const FOLDER = join(process.env.TUTTI_TEST_DATA ?? resolve('../shared/data'), 'wfinstances');

/** The names of all files; empty where the folder is not there. */
export function listRealInputs(): readonly string[] {
  if (!existsSync(FOLDER)) return [];
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.json.gz'))
    .sort();
}

/** For people whose tests are skipped. */
export const NO_REAL_INPUTS = `the real inputs are not there: name the folder that has wfinstances/ by TUTTI_TEST_DATA (looked for ${FOLDER})`;

/** As a run of sleeps of whole milliseconds, that takes at least about so long on so many slots. */
export function readRealInput(name: string, boundSeconds: number, slots: number): RunSpec {
  const path = join(FOLDER, name);
  if (!existsSync(path)) throw new Error(NO_REAL_INPUTS);
  const text = gunzipSync(readFileSync(path)).toString('utf8');
  const recordedSeconds = lowerBoundSeconds(importWfformat(text, name, 1), slots);
  return inWholeMilliseconds(importWfformat(text, name, boundSeconds / recordedSeconds));
}

/** Timers leave out what is beyond them: such a sleep would end before its time, by half of one on average. */
function inWholeMilliseconds(spec: RunSpec): RunSpec {
  for (const task of spec.tasks) {
    const seconds = Math.round(secondsOf(task) * 1_000) / 1_000;
    if (task.input !== undefined) {
      task.input.data = { case: 'bytes', value: new TextEncoder().encode(JSON.stringify({ seconds })) };
    }
  }
  return spec;
}

/** The same run, each of its tasks saying how long it takes. */
export function withHints(spec: RunSpec): RunSpec {
  const hinted = clone(RunSpecSchema, spec);
  for (const task of hinted.tasks) task.expectedDuration = durationFromMs(Math.ceil(secondsOf(task) * 1_000));
  return hinted;
}

/** max(work / slots, critical path) of a run of sleeps. */
export function lowerBoundSeconds(spec: RunSpec, slots: number): number {
  const tasks = new Map(spec.tasks.map((task) => [task.key, task]));
  const ends = new Map<string, number>();
  const endOf = (key: string): number => {
    const known = ends.get(key);
    if (known !== undefined) return known;
    const task = tasks.get(key);
    if (task === undefined) throw new Error(`no task ${key}`);
    const begin = Math.max(0, ...task.dependencies.map((dependency) => endOf(dependency.key)));
    const end = begin + secondsOf(task);
    ends.set(key, end);
    return end;
  };
  const work = spec.tasks.reduce((total, task) => total + secondsOf(task), 0);
  return Math.max(work / slots, ...spec.tasks.map((task) => endOf(task.key)));
}

/** Of a sleep. */
export function secondsOf(task: RunSpec['tasks'][number]): number {
  if (task.input?.data.case !== 'bytes') throw new Error(`the task ${task.key} is no sleep`);
  const { seconds } = JSON.parse(new TextDecoder().decode(task.input.data.value)) as { seconds: number };
  return seconds;
}
