// P1: what was acknowledged is on disk, and stays there.

import type { RequestKey } from '../../../services/orchestrator/src/engine/inputs.ts';
import type { RepliedFor } from './calls.ts';
import { type Check, hold, type Seen } from './check.ts';
import type { LeaseEnd, NamespaceModel } from './ledger.ts';

export function checkAcknowledged({ ledger }: Seen): Check {
  function submitted({ namespace, input, reply }: RepliedFor<'SubmitRun'>): void {
    if (!reply.ok) return;
    const { runId, revision } = reply.value;
    const run = ledger.of(namespace).everyRun.get(revision);
    hold('P1.1', run?.runId === runId && runId === input.runId, () => {
      return `${namespace}: run ${input.runId} was acknowledged as ${runId}@${revision}, where the disk has ${run?.runId}`;
    });
    if (reply.value.existed || run === undefined) return;
    const asked = input.graph.spec.tasks.map(({ key }) => key);
    const kept = run.tasks.slice(0, run.submittedTasks).map(({ key }) => key);
    hold('P1.1', asked.join(' ') === kept.join(' '), () => {
      return `${namespace}: run ${runId} was submitted with the tasks ${asked}, and the disk has ${kept}`;
    });
  }

  function reported({ namespace, input, reply }: RepliedFor<'Report'>): void {
    if (!reply.ok) return;
    const { leases } = ledger.of(namespace);
    for (const [index, status] of reply.value.entries()) {
      const token = input.reports[index]?.leaseToken ?? '';
      const how = leases.get(token)?.ended?.how;
      hold('P1.3', status !== 'RECORDED' || (how !== undefined && OF_REPORTS.has(how)), () => {
        return `${namespace}: a report on lease ${token} was answered with RECORDED, and the disk has ${how ?? 'no end of it'}`;
      });
    }
  }

  function added({ namespace, input, reply }: RepliedFor<'AddTasks'>): void {
    if (!reply.ok) return;
    const run = ledger.of(namespace).leases.get(input.leaseToken)?.run;
    const missing = input.tasks.find(({ key }) => !run?.byKey.has(key));
    hold('P1.4', missing === undefined, () => {
      return `${namespace}: run ${run?.runId} was to be given task ${missing?.key}, which was acknowledged and is not on disk`;
    });
  }

  return {
    see(observation) {
      if (observation.type !== 'Replied' || !observation.reply.ok) return;
      const { namespace, name, input, reply } = observation;
      if (name === 'SubmitRun') submitted(observation);
      if (name === 'Report') reported(observation);
      if (name === 'AddTasks') added(observation);
      // An existing run is told of without a trace.
      if (name === 'SubmitRun' && reply.ok && reply.value.existed) return;
      const request: RequestKey | undefined = 'request' in input ? input.request : undefined;
      if (request !== undefined) isKept(ledger.of(namespace), name, request, reply);
    },

    async atRest(store) {
      for (const namespace of ledger.namespaces.values()) {
        const found = new Set(
          (await store.listRuns(namespace.name, EVERY_RUN)).map(({ run, runId }) => `${runId}@${run}`),
        );
        for (const { number, runId } of namespace.runs.values()) {
          hold(
            'P1.5',
            found.has(`${runId}@${number}`),
            () => `${namespace.name}: run ${runId}@${number} is gone`,
          );
        }
        const requests = await store.findRequests(namespace.name, [...namespace.requests.keys()]);
        for (const { requestId, answer } of namespace.requests.values()) {
          hold('P1.5', requests.get(requestId)?.answer === answer, () => {
            return `${namespace.name}: what was answered to request ${requestId} is not known any more`;
          });
        }
      }
    },
  };
}

/** How a report can end a lease. */
const OF_REPORTS: ReadonlySet<LeaseEnd> = new Set([
  'COMPLETED',
  'CHECKED',
  'FAILED',
  'EXCUSED',
  'CANCELLED',
  'RELEASED',
]);

export const EVERY_RUN = {
  phases: [],
  labels: {},
  submittedFromMs: undefined,
  submittedBeforeMs: undefined,
  before: undefined,
  limit: 1_000_000,
} as const;

function isKept(
  namespace: NamespaceModel,
  name: string,
  { requestId, fingerprint }: RequestKey,
  reply: unknown,
): void {
  const row = namespace.requests.get(requestId);
  const answer = JSON.stringify(reply);
  hold('P1.2', row?.answer === answer && row.fingerprint === fingerprint, () => {
    return `${namespace.name}: ${name} (${requestId}) was answered with ${answer}, and the disk has ${row?.answer}`;
  });
}
