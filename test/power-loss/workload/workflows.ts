// The versions of a workflow, each with an answered request (S7).

import { request } from '../../../services/orchestrator/src/store/contract/batches.ts';
import type { Store } from '../../../services/orchestrator/src/store/port.ts';
import { contentOf, expectSame, type Lane } from './lane.ts';

const NAMESPACE = 'workflows';
const NAME = 'score';

function versionOf(step: number) {
  const version = step + 1;
  const template = contentOf(`template ${version}`, 100 + ((version * 977) % 6_000));
  return {
    name: NAME,
    version,
    description: `as of ${version}`,
    createdAtMs: version,
    digest: `d${version}`,
    template,
  };
}

const requestOf = (step: number) => request(`put-${step}`, { answer: String(step) });

function step(store: Store, number: number): Promise<void> {
  return store.changeWorkflows({
    namespace: NAMESPACE,
    add: versionOf(number),
    remove: undefined,
    requests: [requestOf(number)],
    references: [],
  });
}

async function recover(store: Store): Promise<number> {
  const latest = await store.getWorkflow(NAMESPACE, NAME);
  const steps = latest?.version ?? 0;
  for (let number = 0; number < steps; number += 1) {
    const found = await store.getWorkflow(NAMESPACE, NAME, number + 1);
    expectSame(`version ${number + 1}`, found, versionOf(number));
  }
  const ids = Array.from({ length: steps + 1 }, (_, number) => requestOf(number).requestId);
  const answered = await store.findRequests(NAMESPACE, ids);
  expectSame('the answered requests', [...answered.keys()].sort(), ids.slice(0, steps).sort());
  return steps;
}

export function createWorkflows(): Lane {
  return { name: NAMESPACE, begin: () => Promise.resolve(0), step, recover };
}
