// In which order could the tasks run? Iterative: a chain may be as long as the limit.

/**
 * Every node after those that its edges come from (Kahn's algorithm). Of nodes that become free
 * together, the one submitted first. Shorter than `nodeCount` only if the edges go in a circle.
 */
export function topologicalOrder(
  nodeCount: number,
  edges: readonly { readonly from: number; readonly to: number }[],
): readonly number[] {
  const openCounts = new Uint32Array(nodeCount);
  const dependants: number[][] = Array.from({ length: nodeCount }, () => []);
  for (const { from, to } of edges) {
    openCounts[to] = (openCounts[to] ?? 0) + 1;
    dependants[from]?.push(to);
  }
  const order: number[] = [];
  for (const [node, openCount] of openCounts.entries()) if (openCount === 0) order.push(node);
  // What is appended here is visited by this very loop.
  for (const node of order) {
    for (const dependant of dependants[node] ?? []) {
      const openCount = (openCounts[dependant] ?? 0) - 1;
      openCounts[dependant] = openCount;
      if (openCount === 0) order.push(dependant);
    }
  }
  return order;
}
