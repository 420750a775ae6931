// P3: nothing leaves before it is durable, and what leaves is what is durable.

import type { Assignment } from '../../../services/orchestrator/src/engine/inputs.ts';
import { type Check, hold, type Seen } from './check.ts';
import { areEqual, revisionOf } from './fact.ts';
import type { LeaseModel, NamespaceModel } from './ledger.ts';
import type { Observation } from './observation.ts';
import { FINAL } from './states.ts';

type Delivered = Extract<Observation, { type: 'Delivered' }>;
type Published = Extract<Observation, { type: 'Published' }>;

export function checkDurableFirst({ ledger }: Seen): Check {
  /** By process and namespace: the latest revision that it has published. */
  const published = new Map<string, number>();

  function publish({ process, namespace, events }: Published): void {
    const key = `${process}/${namespace}`;
    for (const payload of events) {
      const revision = isStored(ledger.of(namespace), payload, 'P3.1', `process ${process} published`);
      const before = published.get(key) ?? 0;
      hold('P3.1', revision > before, () => {
        return `${namespace}: process ${process} published revision ${revision} after ${before}`;
      });
      published.set(key, revision);
    }
  }

  return {
    see(observation) {
      switch (observation.type) {
        case 'Published':
          publish(observation);
          break;
        case 'Delivered':
          deliver(ledger.of(observation.namespace), observation);
          break;
        case 'WorkBegan': {
          const { executorId, leaseToken, namespace } = observation;
          const lease = ledger.of(namespace).leases.get(leaseToken);
          hold('P3.2', lease?.executorId === executorId, () => {
            return `${namespace}: ${executorId} began to work on lease ${leaseToken}, which is that of ${lease?.executorId}`;
          });
          break;
        }
        case 'Replied': {
          const { namespace, name, input, reply } = observation;
          const model = ledger.of(namespace);
          if (name === 'RegisterExecutor' && reply.ok) {
            for (const token of reply.value.kept) isHolders(model, token, input.executorId);
          }
          if (name === 'Heartbeat' && reply.ok) {
            for (const each of reply.value.missing) isGranted(model, input.executorId, each);
            for (const { leaseToken } of reply.value.cancellations)
              isHolders(model, leaseToken, input.executorId);
          }
          break;
        }
        case 'Watched':
          // Whose events they are is P6's to say; the namespace is told by WatchGranted.
          break;
      }
    },
  };
}

/** Gives its revision. */
export function isStored(
  namespace: NamespaceModel,
  payload: Uint8Array,
  invariant: 'P3.1' | 'P3.4',
  who: string,
): number {
  const revision = revisionOf(payload);
  const stored = namespace.events[revision - 1];
  hold(invariant, stored !== undefined && areEqual(stored.payload, payload), () => {
    const kept = stored === undefined ? 'is not durable' : `is durable as another event, ${stored.type}`;
    return `${namespace.name}: ${who} revision ${revision}, which ${kept}`;
  });
  return revision;
}

function deliver(namespace: NamespaceModel, { delivery }: Delivered): void {
  switch (delivery.type) {
    case 'Assign':
      isGranted(namespace, delivery.executorId, delivery.assignment);
      break;
    case 'Cancel': {
      const { leaseToken, graceMs } = delivery.cancellation;
      const lease = namespace.leases.get(leaseToken);
      const isOver = lease?.ended !== undefined;
      const isTold = isOver || (graceMs > 0 && lease?.task.cancelling === true);
      hold('P3.3', lease?.executorId === delivery.executorId && isTold, () => {
        return `${namespace.name}: ${delivery.executorId} was told to stop lease ${leaseToken} of ${lease?.executorId} within ${graceMs} ms, of which the disk knows nothing`;
      });
      break;
    }
  }
}

function isGranted(namespace: NamespaceModel, executorId: string, assignment: Assignment): void {
  const { leaseToken, runId, taskKey, attempt, capability } = assignment;
  const lease = namespace.leases.get(leaseToken);
  const isSo =
    lease !== undefined &&
    lease.executorId === executorId &&
    lease.run.runId === runId &&
    lease.task.key === taskKey &&
    lease.attempt === attempt &&
    lease.capability === capability;
  hold('P3.2', isSo, () => {
    const durable =
      lease === undefined
        ? 'no such lease is durable'
        : `durable is attempt ${lease.attempt} at ${lease.run.runId}/${lease.task.key} (${lease.capability}) of ${lease.executorId}`;
    return `${namespace.name}: ${executorId} was given lease ${leaseToken} for attempt ${attempt} at ${runId}/${taskKey} (${capability}): ${durable}`;
  });
  if (lease !== undefined) showsUpstreams(namespace, lease, assignment);
}

/** An upstream that is open again, since it is done again, is not compared; nor is a part of a result. */
function showsUpstreams(namespace: NamespaceModel, { task, run }: LeaseModel, assignment: Assignment): void {
  for (const { key, state, result } of assignment.dependencies) {
    const upstream = run.byKey.get(key);
    if (upstream !== undefined && !FINAL.has(upstream.state)) continue;
    // The items of a list see what their list depends on.
    const edges = [...task.dependencies, ...(task.owner?.dependencies ?? [])];
    const part = edges.find((edge) => edge.key === key)?.select.part.type;
    const durable = part === 'ALL' ? upstream?.result : new Uint8Array();
    const isTold = areEqual(durable ?? new Uint8Array(), result?.bytes ?? new Uint8Array());
    const isPart = part === 'FIELDS' || part === 'LAST' || state !== 'COMPLETED';
    hold('P3.5', upstream?.state === state && (isTold || isPart), () => {
      return `${namespace.name}: the assignment of ${run.runId}/${task.key} shows ${key} as ${state} with ${Buffer.from(result?.bytes ?? [])}; durable is ${upstream?.state} with ${Buffer.from(durable ?? [])}`;
    });
  }
}

function isHolders(namespace: NamespaceModel, token: string, executorId: string): void {
  const lease = namespace.leases.get(token);
  hold('P3.3', lease?.executorId === executorId, () => {
    return `${namespace.name}: ${executorId} was told that it holds lease ${token}, which is durably that of ${lease?.executorId}`;
  });
}
