// How is a graph told as JSON? As proto/tutti/v1/orchestrator_service.proto promises (GRAPH_FORMAT_JSON).

import type { NodeReason, RunGraph } from './graph.ts';

export function toGraphJson({ run, nodes, edges, order, sendBacks }: RunGraph): string {
  const keyOf = (index: number | undefined): string => (index === undefined ? '' : (nodes[index]?.key ?? ''));
  return JSON.stringify({
    run: { ...run, reason: reasonOf(run.reason) },
    nodes: nodes.map((node) => ({
      key: node.key,
      capability: node.capability,
      work: node.work,
      ...(node.items === undefined ? {} : { items: node.items }),
      state: node.state,
      reason: reasonOf(node.reason),
      parent: keyOf(node.parent),
      priority: node.priority,
      attemptCount: node.attemptCount,
      allowFailure: node.allowFailure,
      join: { mode: node.join.mode, count: node.join.count },
    })),
    edges: edges.map(({ from, to, condition }) => ({ from: keyOf(from), to: keyOf(to), condition })),
    order: order.map(keyOf),
    sendBacks: sendBacks.map(({ from, to }) => ({ from: keyOf(from), to: keyOf(to) })),
  });
}

function reasonOf(reason: NodeReason): string {
  return reason === 'NONE' ? '' : reason;
}
