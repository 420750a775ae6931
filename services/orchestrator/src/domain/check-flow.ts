// Do the loops of a specification lead anywhere? Found out at submission.

import { dependsOn } from './again.ts';
import type { Graph } from './graph.ts';
import { accept, type Result, reject } from './rejection.ts';
import { PLAIN_FLOW } from './spec.ts';

/** Costs the size of the graph for each entry of a send_back. */
export function checkFlow(graph: Graph): Result<true> {
  for (const [index, task] of graph.spec.tasks.entries()) {
    if (task.flow === PLAIN_FLOW) continue;
    for (const [position, { to }] of task.flow.sendBack.entries()) {
      const upstream = graph.indexOf(to);
      if (upstream !== undefined && upstream !== index && dependsOn({ graph }, index, upstream)) continue;
      const wrong = upstream === undefined ? 'is no task of this run' : 'does not come before it';
      const message = `task "${task.key}" sends back to "${to}", which ${wrong}; name a task that it depends on, directly or not`;
      return reject(
        'INVALID_FIELD',
        message,
        { key: task.key, to },
        `tasks[${index}].send_back[${position}].to`,
      );
    }
  }
  return accept(true);
}
