// Which tasks stand in which box? A task that others name as their parent is a box around itself and them.

import type { GraphNode } from './graph.ts';

/** One step of drawing boxes within boxes; each `open` has its `close`. */
export type GroupStep =
  | { readonly step: 'open'; readonly node: number; readonly depth: number }
  | { readonly step: 'node'; readonly node: number; readonly depth: number }
  | { readonly step: 'close'; readonly node: number; readonly depth: number };

/**
 * Every node once, inside the boxes of its parents, otherwise in the order of submission. Iterative:
 * parents may be nested as deep as there are tasks.
 */
export function* walkGroups(nodes: readonly Pick<GraphNode, 'parent'>[]): Generator<GroupStep, void, void> {
  const children = Map.groupBy(nodes.keys(), (node) => nodes[node]?.parent);
  const ahead: GroupStep[] = [];
  const enter = (members: readonly number[], depth: number): void => {
    for (const node of members.toReversed()) {
      ahead.push({ step: children.has(node) ? 'open' : 'node', node, depth });
    }
  };
  enter(children.get(undefined) ?? [], 0);
  for (let next = ahead.pop(); next !== undefined; next = ahead.pop()) {
    yield next;
    if (next.step !== 'open') continue;
    const { node, depth } = next;
    ahead.push({ step: 'close', node, depth });
    enter(children.get(node) ?? [], depth + 1);
    ahead.push({ step: 'node', node, depth: depth + 1 });
  }
}
