// Which span published a task's latest attempt? A join links to those of its upstream tasks.
//
// A memory of the latest MAX_ATTEMPTS only, and gone with the process: a link is a help to the
// reader, and a missing one costs less than storing a span id with each attempt.

import type { SpanContext } from '@opentelemetry/api';

const MAX_ATTEMPTS = 20_000;

export interface PublishedAttempts {
  add(namespace: string, runId: string, taskKey: string, context: SpanContext): void;
  find(namespace: string, runId: string, taskKey: string): SpanContext | undefined;
  /** The run has ended; nothing will link to its attempts. */
  forget(namespace: string, runId: string): void;
}

export function createPublishedAttempts(limit = MAX_ATTEMPTS): PublishedAttempts {
  // Runs in the order of their first attempt. No id contains a space.
  const byRun = new Map<string, Map<string, SpanContext>>();
  let count = 0;

  function drop(run: string): void {
    count -= byRun.get(run)?.size ?? 0;
    byRun.delete(run);
  }

  return {
    add(namespace, runId, taskKey, context) {
      const run = `${namespace} ${runId}`;
      let byTask = byRun.get(run);
      if (byTask === undefined) {
        byTask = new Map();
        byRun.set(run, byTask);
      }
      if (!byTask.has(taskKey)) count += 1;
      byTask.set(taskKey, context);
      // The oldest run goes as a whole; a run that is larger than the memory keeps its newest part.
      while (count > limit) {
        const [oldest] = byRun.keys();
        if (oldest === undefined) return;
        if (oldest !== run) drop(oldest);
        else {
          const [first] = byTask.keys();
          if (first === undefined) return;
          byTask.delete(first);
          count -= 1;
        }
      }
    },
    find: (namespace, runId, taskKey) => byRun.get(`${namespace} ${runId}`)?.get(taskKey),
    forget: (namespace, runId) => drop(`${namespace} ${runId}`),
  };
}
