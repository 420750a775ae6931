// Holds a simulated cluster to the eight promises (DESIGN section 2), by what is seen of it alone.
//
// What is seen goes into a model of its own (ledger.ts, executors.ts, calls.ts, processes.ts), and each promise
// has a check that looks at the model and at what happens: p1 to p8. They know the contract, and nothing of how
// the orchestrator keeps it.

import type { Store } from '../../../services/orchestrator/src/store/port.ts';
import { createCalls } from './calls.ts';
import type { Check, CreateCheck } from './check.ts';
import { createExecutors } from './executors.ts';
import { factOf } from './fact.ts';
import { createLedger, type OpenLedger } from './ledger.ts';
import type { Observation } from './observation.ts';
import { checkAcknowledged } from './p1-acknowledged.ts';
import { checkBatch, checkFence, checkOrder, checkRunChange } from './p2-order.ts';
import { checkRows } from './p2-rows.ts';
import { checkDurableFirst } from './p3-durable-first.ts';
import { checkOneOutcome } from './p4-one-outcome.ts';
import { checkChildren } from './p5-children.ts';
import { checkConstructs } from './p5-constructs.ts';
import { checkRules } from './p5-rules.ts';
import { checkWatchers } from './p6-watchers.ts';
import { checkLimits } from './p7-limits.ts';
import { checkRecovery } from './p8-recovery.ts';
import { checkTimeLimits } from './p8-time-limits.ts';
import { createProcesses } from './processes.ts';
import { takeNewRun, takeRunEvent } from './take-run.ts';
import { takeTaskEvent } from './take-task.ts';

export interface Witness {
  /** Throws a Violation for the first promise that does not hold any more. */
  see(observation: Observation): void;
  /**
   * What has to hold once all faults are over, everybody does what they should, and nothing goes on any more.
   */
  atRest(store: Store, atMs: number): Promise<void>;
}

/** Whether an event may be is asked last of all, so that a promise with a name of its own is named. */
const CHECKS: readonly CreateCheck[] = [
  checkAcknowledged,
  checkRows,
  checkDurableFirst,
  checkOneOutcome,
  checkRules,
  checkConstructs,
  checkChildren,
  checkWatchers,
  checkLimits,
  checkRecovery,
  checkTimeLimits,
  checkOrder,
];

type Durable = Extract<Observation, { type: 'Durable' }>;

export function createWitness(): Witness {
  const ledger = createLedger();
  const processes = createProcesses();
  const executors = createExecutors(ledger);
  const calls = createCalls(ledger, executors.latestRegistration);
  const checks = CHECKS.map((create) => create({ ledger, processes, calls, executors }));

  return {
    see(observation) {
      processes.see(observation);
      switch (observation.type) {
        case 'Durable':
          takeCommit(ledger, checks, observation);
          break;
        case 'Claimed': {
          const { namespace, epoch, process } = observation;
          Object.assign(ledger.of(namespace), { epoch, writer: process });
          break;
        }
        case 'RunChanged':
          takeRunChange(ledger, observation);
          break;
        case 'Asked':
          calls.asked(observation);
          executors.asked(observation);
          break;
        case 'Replied': {
          const call = calls.get(observation.call);
          if (call !== undefined) executors.replied(observation, call);
          break;
        }
        case 'ProcessEnded':
          calls.ended(observation.process);
          break;
      }
      for (const check of checks) check.see?.(observation);
      if (observation.type === 'Replied') calls.over(observation.call);
    },
    async atRest(store, atMs) {
      for (const check of checks) await check.atRest?.(store, atMs);
    },
  };
}

function takeCommit(ledger: OpenLedger, checks: readonly Check[], observation: Durable): void {
  const { batch, process, atMs } = observation;
  const namespace = ledger.of(batch.namespace);
  checkBatch(namespace, observation);
  for (const record of batch.events) {
    const fact = factOf(batch, record, process, atMs);
    const { change } = fact;
    let run = namespace.runs.get(record.run);
    const task = run?.byKey.get(fact.taskKey);
    for (const check of checks) check.before?.({ fact, namespace, run, task });
    if (change.case === 'runSubmitted') run = takeNewRun(namespace, fact);
    else if (run !== undefined && task === undefined) takeRunEvent(run, fact);
    else if (run !== undefined && task !== undefined) takeTaskEvent(namespace, run, task, fact);
    if (run !== undefined) run.lastRevision = fact.revision;
    namespace.events.push({ run: record.run, payload: record.payload, type: change.case });
    for (const check of checks) check.after?.({ fact, namespace, run, task });
  }
  for (const request of batch.requests) namespace.requests.set(request.requestId, request);
  Object.assign(namespace, { epoch: batch.epoch, writer: process, writtenAtMs: atMs });
}

function takeRunChange(
  ledger: OpenLedger,
  { change, process, atMs }: Extract<Observation, { type: 'RunChanged' }>,
): void {
  const namespace = ledger.of(change.namespace);
  checkFence(namespace, process, change);
  const run = namespace.runs.get(change.run);
  if (run !== undefined) {
    checkRunChange(run, change);
    switch (change.action.type) {
      case 'DELETE':
      case 'EXPIRE':
        run.deleted = true;
        namespace.runs.delete(run.number);
        if (namespace.runIds.get(run.runId) === run) namespace.runIds.delete(run.runId);
        break;
      case 'ARCHIVE':
        run.archived = true;
        break;
      case 'UNARCHIVE':
        run.archived = false;
        break;
    }
  }
  for (const request of change.requests) namespace.requests.set(request.requestId, request);
  Object.assign(namespace, { epoch: change.epoch, writer: process, writtenAtMs: atMs });
}
