// What run replays a recorded workflow? Reads WfFormat 1.5 (github.com/wfcommons/WfFormat).
//
// The graph stands in `workflow.specification.tasks[]`, the measured runtimes in
// `workflow.execution.tasks[]`. Each task becomes a `sleep` of its runtime times a scale. The result is
// a function of the text and the scale alone: importing twice gives the same specification.

import { create } from '@bufbuild/protobuf';
import { type RunSpec, RunSpecSchema } from '@tutti/proto/tutti/v1/run_pb.ts';
import { TaskSpecSchema } from '@tutti/proto/tutti/v1/task_pb.ts';
import { type FieldProblem, usageFailure } from '../failure.ts';
import { createTaskKeys } from './task-keys.ts';

const supportedVersion = '1.5';
const maxNameLength = 200;
const maxLabelLength = 255;
const maxReportedProblems = 10;

interface RecordedTask {
  readonly id: string;
  readonly parents: readonly string[];
  readonly children: readonly string[];
}

/** Collects what is wrong, to be told all at once. */
interface Problems {
  readonly list: FieldProblem[];
  add(field: string, description: string): void;
}

/**
 * @param text a WfFormat 1.5 instance.
 * @param name what messages call it.
 * @param timeScale what recorded seconds are multiplied by; 0 or more.
 * @throws Failure (usage) naming the fields that are missing or wrong.
 */
export function importWfformat(text: string, name: string, timeScale: number): RunSpec {
  const instance = parseInstance(text, name);
  const problems = createProblems();
  const workflow = asObject(instance.workflow);
  const recorded = readGraph(workflow, problems);
  const runtimes = readRuntimes(workflow, problems);
  failIfAny(problems, name);
  const upstreams = readUpstreams(recorded, problems);
  for (const { id } of recorded) {
    if (!runtimes.has(id)) problems.add('workflow.execution.tasks', `no entry for the task ${quote(id)}`);
  }
  failIfAny(problems, name);

  const keys = createTaskKeys(recorded.map((task) => task.id));
  const workflowName = typeof instance.name === 'string' ? instance.name : name;
  const tasks = recorded.map(({ id }) =>
    create(TaskSpecSchema, {
      key: keys.keyOf(id),
      capability: 'sleep',
      input: { data: { case: 'bytes', value: sleepInput((runtimes.get(id) ?? 0) * timeScale) } },
      dependencies: [...(upstreams.get(id) ?? [])].map((upstream) => ({ key: keys.keyOf(upstream) })),
    }),
  );
  return create(RunSpecSchema, {
    name: workflowName.slice(0, maxNameLength),
    labels: { source: 'wfformat', workflow: workflowName.slice(0, maxLabelLength) },
    tasks,
  });
}

/** Microseconds are finer than anything that was measured, and keep the text short. */
function sleepInput(seconds: number): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ seconds: Math.round(seconds * 1e6) / 1e6 }));
}

function parseInstance(text: string, name: string): Readonly<Record<string, unknown>> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw usageFailure(`${name}: not JSON: ${error instanceof Error ? error.message : error}`);
  }
  const instance = asObject(json);
  const version = instance.schemaVersion;
  if (version !== supportedVersion) {
    const found = version === undefined ? 'no schemaVersion' : `schemaVersion ${JSON.stringify(version)}`;
    throw usageFailure(`${name}: ${found}; only WfFormat ${supportedVersion} can be imported`);
  }
  return instance;
}

function readGraph(workflow: Readonly<Record<string, unknown>>, problems: Problems): RecordedTask[] {
  const where = 'workflow.specification.tasks';
  const list = asObject(workflow.specification).tasks;
  if (!Array.isArray(list) || list.length === 0) {
    problems.add(where, 'must be a list of at least one task');
    return [];
  }
  const seen = new Set<string>();
  return list.map((item: unknown, index) => {
    const task = asObject(item);
    const id = readId(task, `${where}[${index}]`, problems);
    if (seen.has(id)) problems.add(`${where}[${index}].id`, `${quote(id)} is the id of an earlier task too`);
    seen.add(id);
    return {
      id,
      parents: readIds(task.parents, `${where}[${index}].parents`, problems),
      children: readIds(task.children, `${where}[${index}].children`, problems),
    };
  });
}

function readRuntimes(workflow: Readonly<Record<string, unknown>>, problems: Problems): Map<string, number> {
  const where = 'workflow.execution.tasks';
  const list = asObject(workflow.execution).tasks;
  const runtimes = new Map<string, number>();
  if (!Array.isArray(list)) {
    problems.add(where, 'must be a list of the measured tasks');
    return runtimes;
  }
  for (const [index, item] of list.entries()) {
    const task = asObject(item);
    const id = readId(task, `${where}[${index}]`, problems);
    const seconds = task.runtimeInSeconds;
    if (typeof seconds !== 'number' || seconds < 0 || !Number.isFinite(seconds)) {
      const found = seconds === undefined ? 'missing' : JSON.stringify(seconds);
      problems.add(
        `${where}[${index}].runtimeInSeconds`,
        `must be a number, 0 or more; is ${found} (${quote(id)})`,
      );
      continue;
    }
    if (runtimes.has(id)) problems.add(`${where}[${index}].id`, `${quote(id)} was measured before`);
    runtimes.set(id, seconds);
  }
  return runtimes;
}

/** The two directions in which instances write edges, made one. Order: as written, parents first. */
function readUpstreams(recorded: readonly RecordedTask[], problems: Problems): Map<string, Set<string>> {
  const upstreams = new Map(recorded.map((task) => [task.id, new Set<string>()]));
  for (const { id, parents } of recorded) {
    for (const parent of parents) {
      if (upstreams.has(parent)) upstreams.get(id)?.add(parent);
      else problems.add(`task ${quote(id)}`, `its parent ${quote(parent)} is not a task of the workflow`);
    }
  }
  for (const { id, children } of recorded) {
    for (const child of children) {
      const upstream = upstreams.get(child);
      if (upstream !== undefined) upstream.add(id);
      else problems.add(`task ${quote(id)}`, `its child ${quote(child)} is not a task of the workflow`);
    }
  }
  return upstreams;
}

function readId(task: Readonly<Record<string, unknown>>, where: string, problems: Problems): string {
  const id = task.id;
  if (typeof id === 'string' && id !== '') return id;
  problems.add(`${where}.id`, id === undefined ? 'missing' : 'must be a text that is not empty');
  // Unlike every id in a file, so that one missing id is not told a second time as a duplicate.
  return `\0${where}`;
}

function readIds(value: unknown, where: string, problems: Problems): string[] {
  if (value === undefined) return [];
  if (Array.isArray(value) && value.every((id) => typeof id === 'string')) return value;
  problems.add(where, 'must be a list of task ids');
  return [];
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as Record<string, unknown>) : {};
}

function createProblems(): Problems {
  const list: FieldProblem[] = [];
  return {
    list,
    add(field, description) {
      if (list.length < maxReportedProblems) list.push({ field, description });
    },
  };
}

function failIfAny(problems: Problems, name: string): void {
  if (problems.list.length > 0) throw usageFailure(`${name}: not a usable WfFormat instance`, problems.list);
}

function quote(id: string): string {
  return JSON.stringify(id.slice(0, 100));
}
