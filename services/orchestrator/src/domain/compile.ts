// Is a specification a graph, and which one? Costs the number of tasks and edges.
//
// Expects what the proto's own rules hold already: lengths, patterns, ranges.

import { findDependencyCycle, findParentCycle } from './cycles.ts';
import type { Dependant, Edge, Graph } from './graph.ts';
import { accept, type Rejection, type Result, reject } from './rejection.ts';
import type { Dependency, DependencyCondition, Join, RunSpec } from './spec.ts';

/** A longer circle is named by its two ends: an error has to fit into the trailers of an answer. */
const CYCLE_CHARACTERS = 1_500;

const NO_EDGES: readonly Edge[] = Object.freeze([]);
const NO_DEPENDANTS: readonly Dependant[] = Object.freeze([]);
const NO_CHILDREN: readonly number[] = Object.freeze([]);

export function compileGraph(spec: RunSpec): Result<Graph> {
  if (spec.tasks.length === 0) return reject('INVALID_FIELD', 'a run needs at least one task', {}, 'tasks');
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
  return accept({
    spec,
    dependencies: dependencies.value,
    dependants,
    children: groupByParent(parents.value),
    required: required.value,
    indexOf: (key) => indexes.value.get(key),
  });
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
  const seen: SeenEdges = { bySeeker: new Int32Array(spec.tasks.length).fill(-1), conditions: [] };
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
      seen.conditions[upstream] = dependency.condition;
      edges.push({ upstream, condition: dependency.condition });
    }
    resolved.push(edges);
  }
  return accept(resolved);
}

/** By upstream: the last task that had an edge to it, and with which condition. */
interface SeenEdges {
  readonly bySeeker: Int32Array;
  readonly conditions: DependencyCondition[];
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
  const earlier = seen.bySeeker[upstream] === index ? seen.conditions[upstream] : undefined;
  if (earlier !== undefined && earlier !== dependency.condition) {
    const message = `task "${key}" asks "${dependency.key}" for ${earlier} and for ${dependency.condition}; keep one of the two`;
    const metadata = { key, dependency: dependency.key };
    return reject('CONTRADICTING_DEPENDENCIES', message, metadata, pathOf(index, position, 'condition'))
      .rejection;
  }
  return undefined;
}

function pathOf(index: number, position: number, field: 'key' | 'condition'): string {
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

function requiredEdges(join: Join, edges: number): number {
  switch (join.mode) {
    case 'ALL':
      return edges;
    case 'ANY':
      return 1;
    case 'AT_LEAST':
      return join.count;
  }
}

function invert(dependencies: readonly (readonly Edge[])[]): readonly (readonly Dependant[])[] {
  const dependants: (Dependant[] | undefined)[] = new Array(dependencies.length);
  for (const [task, edges] of dependencies.entries()) {
    for (const { upstream, condition } of edges) {
      const known = dependants[upstream];
      if (known === undefined) dependants[upstream] = [{ task, condition }];
      else known.push({ task, condition });
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
function nameCircle(spec: RunSpec, circle: readonly number[]): string {
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
