// Is a specification a graph, and which one? Costs the number of tasks and edges.
//
// Expects what the proto's own rules hold already: lengths, patterns, ranges.

import { checkExpressions } from './check-expressions.ts';
import { checkFlow } from './check-flow.ts';
import { checkHandling } from './check-handling.ts';
import { compileChildren } from './child-runs.ts';
import { findDependencyCycle, findParentCycle } from './cycles.ts';
import type { ExpressionCompiler } from './expression.ts';
import type { Dependant, Edge, Graph } from './graph.ts';
import { requiredEdges } from './growth.ts';
import { createPayloadReader } from './payload-json.ts';
import { accept, type Refusal, type Rejection, type Result, reject } from './rejection.ts';
import { inMode } from './run-mode.ts';
import { NO_SCHEMAS, type SchemaChecker } from './schema.ts';
import type { Dependency, RunSpec, Selection, TaskSpec } from './spec.ts';
import { saysHowLong, waysAhead } from './way-ahead.ts';

/** A longer circle is named by its two ends: an error has to fit into the trailers of an answer. */
const CYCLE_CHARACTERS = 1_500;

/** One submission must not hold the event loop for long: so many edges take about half a second. */
export const MAX_DEPENDENCIES = 500_000;

const NO_EDGES: readonly Edge[] = Object.freeze([]);
const NO_DEPENDANTS: readonly Dependant[] = Object.freeze([]);
const NO_CHILDREN: readonly number[] = Object.freeze([]);

export function compileGraph(
  submitted: RunSpec,
  expressions: ExpressionCompiler,
  schemas: SchemaChecker = NO_SCHEMAS,
  depth = 0,
): Result<Graph> {
  if (submitted.tasks.length === 0)
    return reject('INVALID_FIELD', 'a run needs at least one task', {}, 'tasks');
  const inItsMode = inMode(submitted);
  if (!inItsMode.ok) return inItsMode;
  const spec = inItsMode.value;
  const tooMany = refuseTooManyDependencies(spec);
  if (tooMany !== undefined) return tooMany;
  const indexes = indexKeys(spec);
  if (!indexes.ok) return indexes;
  const dependencies = resolveDependencies(spec, indexes.value);
  if (!dependencies.ok) return dependencies;
  const required = resolveJoins(spec, dependencies.value);
  if (!required.ok) return required;
  const dependants = invert(dependencies.value);
  const cycle = findDependencyCycle(dependencies.value, dependants);
  if (cycle !== undefined) return rejectDependencyCycle(spec, cycle);
  const parents = resolveParents(spec, indexes.value);
  if (!parents.ok) return parents;
  const parentCycle = findParentCycle(parents.value);
  if (parentCycle !== undefined) return rejectParentCycle(spec, parentCycle);
  const output = checkOutput(spec, indexes.value);
  if (!output.ok) return output;
  const usable = checkExpressions(spec, expressions);
  if (!usable.ok) return usable;
  const handled = checkHandling(spec, schemas);
  if (!handled.ok) return handled;
  const children = compileChildren(spec, depth, (child, below) =>
    compileGraph(child, expressions, schemas, below),
  );
  if (!children.ok) return children;
  const graph: Graph = {
    spec,
    expressions,
    schemas,
    childGraphs: children.value,
    readPayload: createPayloadReader(),
    dependencies: dependencies.value,
    dependants,
    children: groupByParent(parents.value),
    required: required.value,
    waysAhead: saysHowLong(spec.tasks) ? waysAhead(spec.tasks, dependencies.value, 0) : undefined,
    indexOf: (key) => indexes.value.get(key),
  };
  const flow = checkFlow(graph);
  return flow.ok ? accept(graph) : flow;
}

function refuseTooManyDependencies(spec: RunSpec): Refusal | undefined {
  let count = 0;
  for (const task of spec.tasks) count += task.dependencies.length;
  if (count <= MAX_DEPENDENCIES) return undefined;
  const message =
    `the tasks have ${count} dependencies in all, ${MAX_DEPENDENCIES} are allowed: ` +
    'let a task in between join what many depend on';
  return reject('INVALID_FIELD', message, { dependencies: String(count) }, 'tasks');
}

function indexKeys(spec: RunSpec): Result<ReadonlyMap<string, number>> {
  const indexes = new Map<string, number>();
  for (const [index, { key }] of spec.tasks.entries()) {
    const first = indexes.get(key);
    if (first !== undefined) {
      const message = `tasks[${first}] and tasks[${index}] both have the key "${key}"; give each task a key of its own`;
      return reject('DUPLICATE_KEY', message, { key }, `tasks[${index}].key`);
    }
    indexes.set(key, index);
  }
  return accept(indexes);
}

function resolveDependencies(
  spec: RunSpec,
  indexes: ReadonlyMap<string, number>,
): Result<readonly (readonly Edge[])[]> {
  const resolved: (readonly Edge[])[] = [];
  const seen: SeenEdges = { bySeeker: new Int32Array(spec.tasks.length).fill(-1), entries: [] };
  for (const [index, task] of spec.tasks.entries()) {
    if (task.dependencies.length === 0) {
      resolved.push(NO_EDGES);
      continue;
    }
    const edges: Edge[] = [];
    for (const [position, dependency] of task.dependencies.entries()) {
      const upstream = indexes.get(dependency.key);
      const rejection = checkDependency(task.key, index, position, dependency, upstream, seen);
      if (rejection !== undefined) return { ok: false, rejection };
      if (upstream === undefined || seen.bySeeker[upstream] === index) continue; // an equal edge counts once
      seen.bySeeker[upstream] = index;
      seen.entries[upstream] = dependency;
      const { condition, when, alias, select } = dependency;
      edges.push({ upstream, condition, when, alias, select });
    }
    const clash = checkNames(task, index);
    if (clash !== undefined) return { ok: false, rejection: clash };
    resolved.push(edges);
  }
  return accept(resolved);
}

/** By upstream: the last task that had an edge to it, and which. */
interface SeenEdges {
  readonly bySeeker: Int32Array;
  readonly entries: Dependency[];
}

function checkDependency(
  key: string,
  index: number,
  position: number,
  dependency: Dependency,
  upstream: number | undefined,
  seen: SeenEdges,
): Rejection | undefined {
  if (upstream === undefined) {
    const message = `task "${key}" depends on "${dependency.key}", which is no task of this run; add it or drop the dependency`;
    return reject(
      'UNKNOWN_DEPENDENCY',
      message,
      { key, dependency: dependency.key },
      pathOf(index, position, 'key'),
    ).rejection;
  }
  if (upstream === index) {
    const message = `task "${key}" depends on itself; drop the dependency`;
    return reject('SELF_DEPENDENCY', message, { key }, pathOf(index, position, 'key')).rejection;
  }
  const earlier = seen.bySeeker[upstream] === index ? seen.entries[upstream] : undefined;
  const difference = earlier === undefined ? undefined : differenceOf(earlier, dependency);
  if (earlier !== undefined && difference !== undefined) {
    const message =
      difference === 'condition'
        ? `task "${key}" asks "${dependency.key}" for ${earlier.condition} and for ${dependency.condition}; keep one of the two`
        : `task "${key}" depends on "${dependency.key}" twice, and the two differ in ${difference}; keep one of them`;
    const metadata = { key, dependency: dependency.key };
    return reject('CONTRADICTING_DEPENDENCIES', message, metadata, pathOf(index, position, difference))
      .rejection;
  }
  return undefined;
}

/** Undefined for equal edges. */
function differenceOf(one: Dependency, other: Dependency): DependencyField | undefined {
  if (one.condition !== other.condition) return 'condition';
  if (one.when !== other.when) return 'when';
  if (one.alias !== other.alias) return 'alias';
  return sameSelection(one.select, other.select) ? undefined : 'select';
}

function sameSelection(one: Selection, other: Selection): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}

/** Each result has one name, or expressions and attempts would see one for the other. */
function checkNames(task: TaskSpec, index: number): Rejection | undefined {
  if (task.dependencies.every(({ alias }) => alias === '')) return undefined;
  const upstreams = new Map<string, string>();
  for (const [position, { key, alias }] of task.dependencies.entries()) {
    const name = alias === '' ? key : alias;
    const known = upstreams.get(name);
    if (known !== undefined && known !== key) {
      const message = `task "${task.key}" calls both "${known}" and "${key}" by the name "${name}"; give each a name of its own`;
      return reject('INVALID_FIELD', message, {}, pathOf(index, position, 'alias')).rejection;
    }
    upstreams.set(name, key);
  }
  return undefined;
}

function checkOutput(spec: RunSpec, indexes: ReadonlyMap<string, number>): Result<true> {
  const { output, outputTask } = spec;
  if (outputTask === '') return accept(true);
  if (output !== '') {
    return reject(
      'INVALID_FIELD',
      'the run has an output and an output_task; keep one of the two',
      {},
      'output_task',
    );
  }
  if (indexes.has(outputTask)) return accept(true);
  const message = `output_task is "${outputTask}", which is no task of this run; name one of its keys`;
  return reject('INVALID_FIELD', message, {}, 'output_task');
}

type DependencyField = 'key' | 'condition' | 'when' | 'alias' | 'select';

function pathOf(index: number, position: number, field: DependencyField): string {
  return `tasks[${index}].dependencies[${position}].${field}`;
}

function resolveJoins(spec: RunSpec, dependencies: readonly (readonly Edge[])[]): Result<readonly number[]> {
  const required: number[] = [];
  for (const [index, { key, join }] of spec.tasks.entries()) {
    const edges = dependencies[index]?.length ?? 0;
    const count = requiredEdges(join, edges);
    const wrong = count > edges || (join.mode !== 'ALL' && count < 1);
    if (wrong) {
      const message = `task "${key}" joins on ${count} of ${edges} dependencies; ask for 1 to as many as it has`;
      const field = join.mode === 'AT_LEAST' ? `tasks[${index}].join.count` : `tasks[${index}].join`;
      return reject('INVALID_JOIN', message, { key, count: `${count}`, dependencies: `${edges}` }, field);
    }
    required.push(count);
  }
  return accept(required);
}

function invert(dependencies: readonly (readonly Edge[])[]): readonly (readonly Dependant[])[] {
  const dependants: (Dependant[] | undefined)[] = new Array(dependencies.length);
  for (const [task, edges] of dependencies.entries()) {
    for (const { upstream, condition, when } of edges) {
      const known = dependants[upstream];
      if (known === undefined) dependants[upstream] = [{ task, condition, when }];
      else known.push({ task, condition, when });
    }
  }
  return Array.from(dependants, (list) => list ?? NO_DEPENDANTS);
}

function resolveParents(
  spec: RunSpec,
  indexes: ReadonlyMap<string, number>,
): Result<readonly (number | undefined)[]> {
  const parents: (number | undefined)[] = [];
  for (const [index, { key, parent }] of spec.tasks.entries()) {
    const found = parent === '' ? undefined : indexes.get(parent);
    if (parent !== '' && found === undefined) {
      const message = `task "${key}" has the parent "${parent}", which is no task of this run; add it or drop the parent`;
      return reject('UNKNOWN_PARENT', message, { key, parent }, `tasks[${index}].parent`);
    }
    parents.push(found);
  }
  return accept(parents);
}

function groupByParent(parents: readonly (number | undefined)[]): readonly (readonly number[])[] {
  const children: (number[] | undefined)[] = new Array(parents.length);
  for (const [task, parent] of parents.entries()) {
    if (parent === undefined) continue;
    const known = children[parent];
    if (known === undefined) children[parent] = [task];
    else known.push(task);
  }
  return Array.from(children, (list) => list ?? NO_CHILDREN);
}

function rejectDependencyCycle(spec: RunSpec, circle: readonly number[]): Result<never> {
  const cycle = nameCircle(spec, circle);
  const [first = 0, second = first] = circle;
  const next = spec.tasks[second]?.key;
  const position = spec.tasks[first]?.dependencies.findIndex(({ key }) => key === next) ?? 0;
  const message = `the dependencies go in a circle, each task on the next: ${cycle}; drop one of them`;
  return reject('DEPENDENCY_CYCLE', message, { cycle }, pathOf(first, position, 'key'));
}

function rejectParentCycle(spec: RunSpec, circle: readonly number[]): Result<never> {
  const cycle = nameCircle(spec, circle);
  const message = `the parents go in a circle, each task under the next: ${cycle}; drop one of them`;
  return reject('PARENT_CYCLE', message, { cycle }, `tasks[${circle[0] ?? 0}].parent`);
}

/** `a -> b -> a`. */
export function nameCircle(spec: RunSpec, circle: readonly number[]): string {
  const keys = [...circle, circle[0] ?? 0].map((task) => spec.tasks[task]?.key ?? '');
  const whole = keys.join(' -> ');
  if (whole.length <= CYCLE_CHARACTERS) return whole;
  let shown = 1;
  let characters = 0;
  while (characters < CYCLE_CHARACTERS) {
    characters += (keys[shown]?.length ?? 0) + (keys[keys.length - 1 - shown]?.length ?? 0) + 8;
    if (characters < CYCLE_CHARACTERS) shown++;
  }
  const left = keys.slice(0, shown).join(' -> ');
  const right = keys.slice(-shown).join(' -> ');
  return `${left} -> (${keys.length - 2 * shown} more) -> ${right}`;
}
