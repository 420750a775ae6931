// What have executors said to each process, and what were they answered?
//
// What an executor says has its effect somewhere between its arrival and its answer, so both moments are kept:
// what was answered is in effect for sure, what has only arrived may be.

import type { ExecutorCapability } from '../../../services/orchestrator/src/engine/inputs.ts';
import type { Asked, AskedFor, OpenCall, Replied } from './calls.ts';
import type { OpenLedger } from './ledger.ts';
import type { ProcessId } from './observation.ts';

/** One executor, as one process may know it. */
export interface ExecutorView {
  /** The last that was answered, and all that came after it; the oldest first. */
  registrations: Registration[];
  /** The same for what it said of taking work. */
  phases: Phase[];
  /** By session: the call that brought it. */
  readonly sessions: Map<string, number>;
  /** True time of the last call that was answered well, when it came. */
  heardAtMs: number;
  /** It has said that it goes. */
  leaves: boolean;
}

export interface Registration {
  readonly call: number;
  readonly atMs: number;
  readonly slots: number;
  readonly capabilities: ReadonlyMap<string, ExecutorCapability>;
  readonly held: ReadonlySet<string>;
  answered: boolean;
}

interface Phase {
  readonly call: number;
  readonly takesWork: boolean;
  answered: boolean;
}

export interface Executors {
  view(process: ProcessId, namespace: string, executorId: string): ExecutorView | undefined;
}

export function executorOf(asked: Asked): string | undefined {
  switch (asked.name) {
    case 'RegisterExecutor':
    case 'Heartbeat':
    case 'Report':
      return asked.input.executorId;
    case 'AddTasks':
      return asked.input.by.type === 'EXECUTOR' ? asked.input.by.executorId : undefined;
    default:
      return undefined;
  }
}

export function createExecutors(ledger: OpenLedger) {
  const views = new Map<string, ExecutorView>();
  const keyOf = (process: ProcessId, namespace: string, id: string) => `${process}/${namespace}/${id}`;

  function viewOf({ process, namespace }: Asked | Replied, executorId: string): ExecutorView {
    const key = keyOf(process, namespace, executorId);
    let view = views.get(key);
    if (view === undefined) {
      view = { registrations: [], phases: [], sessions: new Map(), heardAtMs: 0, leaves: false };
      views.set(key, view);
    }
    return view;
  }

  return {
    view: (process: ProcessId, namespace: string, id: string) => views.get(keyOf(process, namespace, id)),
    latestRegistration(asked: Asked): number {
      const executorId = executorOf(asked);
      if (executorId === undefined) return 0;
      return viewOf(asked, executorId).registrations.findLast(({ answered }) => answered)?.call ?? 0;
    },
    asked(asked: Asked): void {
      const executorId = executorOf(asked);
      if (executorId === undefined) return;
      const view = viewOf(asked, executorId);
      const { leases } = ledger.of(asked.namespace);
      switch (asked.name) {
        case 'RegisterExecutor': {
          view.registrations.push(registrationOf(asked));
          view.phases.push({ call: asked.call, takesWork: asked.input.phase === 'ACTIVE', answered: false });
          for (const lease of leases.values()) {
            if (lease.ended === undefined && lease.executorId === executorId) lease.triedAtMs = asked.atMs;
          }
          break;
        }
        case 'Heartbeat': {
          const { phase, attempts } = asked.input;
          view.phases.push({ call: asked.call, takesWork: phase === 'ACTIVE', answered: false });
          if (phase === 'LEAVING') view.leaves = true;
          for (const { leaseToken, progress, checkpoint } of attempts) {
            const lease = leases.get(leaseToken);
            if (lease?.executorId !== executorId) continue;
            lease.triedAtMs = asked.atMs;
            if (progress !== undefined || checkpoint !== undefined) lease.toldTo.add(asked.process);
          }
          break;
        }
        case 'Report': {
          const { session } = asked.input;
          for (const { leaseToken, outcome } of asked.input.reports) {
            const lease = leases.get(leaseToken);
            if (lease?.executorId !== executorId) continue;
            lease.reports.push({ process: asked.process, session, outcome });
          }
          break;
        }
      }
    },
    replied(replied: Replied, call: OpenCall): void {
      const { asked } = call;
      const executorId = executorOf(asked);
      if (executorId === undefined) return;
      const view = viewOf(replied, executorId);
      if (!replied.reply.ok) {
        view.registrations = view.registrations.filter((each) => each.call !== replied.call);
        view.phases = view.phases.filter((each) => each.call !== replied.call);
        return;
      }
      view.heardAtMs = Math.max(view.heardAtMs, asked.atMs);
      view.registrations = settled(view.registrations, replied.call);
      view.phases = settled(view.phases, replied.call);
      const { leases } = ledger.of(replied.namespace);
      if (replied.name === 'RegisterExecutor' && replied.reply.ok) {
        view.sessions.set(replied.reply.value.session, replied.call);
        for (const token of replied.reply.value.kept) renew(leases.get(token), asked.atMs);
      }
      if (replied.name === 'Heartbeat' && replied.reply.ok) {
        const dropped = new Set(replied.reply.value.dropped);
        for (const { leaseToken } of replied.input.attempts) {
          if (!dropped.has(leaseToken)) renew(leases.get(leaseToken), asked.atMs);
        }
      }
    },
  };
}

function registrationOf({ call, atMs, input }: AskedFor<'RegisterExecutor'>): Registration {
  const capabilities = new Map(input.capabilities.map((each) => [each.name, each]));
  return { call, atMs, slots: input.slots, capabilities, held: new Set(input.held), answered: false };
}

function renew(lease: { renewedAtMs: number } | undefined, atMs: number): void {
  if (lease !== undefined) lease.renewedAtMs = Math.max(lease.renewedAtMs, atMs);
}

/** What came before the last one that was answered is over. */
function settled<T extends { readonly call: number; answered: boolean }>(all: T[], call: number): T[] {
  const index = all.findIndex((each) => each.call === call);
  const found = all[index];
  if (found === undefined) return all;
  found.answered = true;
  return all.slice(index);
}
