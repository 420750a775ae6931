// How does a run get further tasks, or other edges, than it was submitted with?
//
// A compiled graph is shared by whoever holds the submission. The first change makes a copy that is the
// run's own, at the cost of the run's size; every further one costs what it adds.

import type { TasksAdded } from './events.ts';
import type { Dependant, Edge, Graph } from './graph.ts';
import { specOf } from './lookup.ts';
import type { Dependency, Join, TaskSpec } from './spec.ts';
import type { RunState } from './state.ts';
import { saysHowLong, waysAhead } from './way-ahead.ts';

/** A graph that belongs to one run alone. */
interface OwnGraph extends Graph {
  readonly spec: Graph['spec'] & { readonly tasks: TaskSpec[] };
  readonly dependencies: (readonly Edge[])[];
  readonly dependants: Dependant[][];
  readonly children: number[][];
  readonly required: number[];
  waysAhead: number[] | undefined;
  readonly indexes: Map<string, number>;
  edgeCount: number;
}

const owned = new WeakSet<Graph>();

/** Appends tasks to the run's graph. Contract: their keys are new, and what they name is there. */
export function growGraph(run: RunState, specs: readonly TaskSpec[]): void {
  const graph = ownGraph(run);
  const first = graph.spec.tasks.length;
  for (const [offset, spec] of specs.entries()) {
    graph.indexes.set(spec.key, first + offset);
    graph.spec.tasks.push(spec);
    graph.dependants.push([]);
    graph.children.push([]);
  }
  for (const [offset, spec] of specs.entries()) {
    const task = first + offset;
    const edges = edgesOf(graph, spec.dependencies);
    graph.dependencies.push(edges);
    graph.edgeCount += edges.length;
    graph.required.push(requiredEdges(spec.join, edges.length));
    for (const edge of edges) graph.dependants[edge.upstream]?.push(dependantOf(task, edge));
    const parent = spec.parent === '' ? undefined : graph.indexes.get(spec.parent);
    if (parent !== undefined) graph.children[parent]?.push(task);
  }
  growWaysAhead(graph, specs, first);
}

function growWaysAhead(graph: OwnGraph, specs: readonly TaskSpec[], first: number): void {
  const says = saysHowLong(specs);
  if (!says && graph.waysAhead === undefined) return;
  graph.waysAhead ??= new Array(first).fill(0);
  const ways = says ? waysAhead(specs, graph.dependencies, first) : undefined;
  for (let offset = 0; offset < specs.length; offset++) graph.waysAhead.push(ways?.[offset] ?? 0);
}

/** Index of the first of the tasks that the graph has got by this change. */
export function firstAdded(graph: Graph, { specs }: TasksAdded): number {
  const first = graph.indexOf(specs[0]?.key ?? '');
  if (first === undefined) throw new Error('tasks were added that the run does not have');
  return first;
}

/** Gives a task other dependencies. Contract: what they name is there, and they make no circle. */
export function rewireTask(run: RunState, task: number, dependencies: readonly Dependency[]): void {
  const graph = ownGraph(run);
  for (const { upstream } of graph.dependencies[task] ?? []) {
    graph.dependants[upstream] = (graph.dependants[upstream] ?? []).filter((each) => each.task !== task);
  }
  const spec = { ...specOf(run, task), dependencies };
  const edges = edgesOf(graph, dependencies);
  graph.spec.tasks[task] = spec;
  graph.edgeCount += edges.length - (graph.dependencies[task]?.length ?? 0);
  graph.dependencies[task] = edges;
  graph.required[task] = requiredEdges(spec.join, edges.length);
  for (const edge of edges) graph.dependants[edge.upstream]?.push(dependantOf(task, edge));
}

export function requiredEdges(join: Join, edges: number): number {
  switch (join.mode) {
    case 'ALL':
      return edges;
    case 'ANY':
      return 1;
    case 'AT_LEAST':
      return join.count;
  }
}

/** Counted once, then kept. */
export function edgeCount(graph: Graph): number {
  if (owned.has(graph)) return (graph as OwnGraph).edgeCount;
  return graph.dependencies.reduce((sum, edges) => sum + edges.length, 0);
}

function ownGraph(run: RunState): OwnGraph {
  if (owned.has(run.graph)) return run.graph as OwnGraph;
  const { graph } = run;
  const indexes = new Map(graph.spec.tasks.map(({ key }, index) => [key, index]));
  const copy: OwnGraph = {
    ...graph,
    spec: { ...graph.spec, tasks: [...graph.spec.tasks] },
    dependencies: [...graph.dependencies],
    dependants: graph.dependants.map((list) => [...list]),
    children: graph.children.map((list) => [...list]),
    required: [...graph.required],
    waysAhead: graph.waysAhead && [...graph.waysAhead],
    indexes,
    indexOf: (key) => indexes.get(key),
    edgeCount: edgeCount(graph),
  };
  owned.add(copy);
  run.graph = copy;
  return copy;
}

/** Equal edges count once, as at submission. */
function edgesOf(graph: OwnGraph, dependencies: readonly Dependency[]): readonly Edge[] {
  const edges = new Map<number, Edge>();
  for (const { key, condition, when, alias, select } of dependencies) {
    const upstream = graph.indexes.get(key);
    if (upstream === undefined) throw new Error(`the run has no task "${key}" to depend on`);
    edges.set(upstream, { upstream, condition, when, alias, select });
  }
  return [...edges.values()];
}

function dependantOf(task: number, { condition, when }: Edge): Dependant {
  return { task, condition, when };
}
