// Which processes of the orchestrator are there, and how are they?

import type { Observation, ProcessId } from './observation.ts';

export interface ProcessModel {
  readonly id: ProcessId;
  readonly skewMs: number;
  readonly startedAtMs: number;
  /** Undefined before it takes calls. */
  servesSinceMs: number | undefined;
  frozen: boolean;
  ended: boolean;
  /** When it stood still last, or had trouble with its store. */
  troubledAtMs: number;
  /** While it heard nobody. */
  readonly stalls: { readonly fromMs: number; toMs: number }[];
}

/** A stall that is shorter may go unnoticed; of a longer one, at most so much does. */
const NOTICED_MS = 1_600;
const UNNOTICED_MS = 600;

/** For how long at least the process has to know, between two moments, that it heard nobody. */
export function deafMs({ stalls }: ProcessModel, fromMs: number, toMs: number): number {
  let sumMs = 0;
  for (const stall of stalls) {
    const overlapMs = Math.min(stall.toMs, toMs) - Math.max(stall.fromMs, fromMs);
    if (overlapMs >= NOTICED_MS) sumMs += overlapMs - UNNOTICED_MS;
  }
  return sumMs;
}

export interface Processes {
  get(process: ProcessId): ProcessModel;
  living(): Iterable<ProcessModel>;
}

export function createProcesses(): Processes & { see(observation: Observation): void } {
  const processes = new Map<ProcessId, ProcessModel>();

  function get(id: ProcessId): ProcessModel {
    let found = processes.get(id);
    if (found === undefined) {
      found = begin(id, 0, 0);
      processes.set(id, found);
    }
    return found;
  }

  return {
    get,
    *living() {
      for (const process of processes.values()) if (!process.ended) yield process;
    },
    see(observation) {
      const { type, atMs } = observation;
      switch (type) {
        case 'ProcessStarted':
          processes.set(observation.process, begin(observation.process, observation.skewMs, atMs));
          break;
        case 'ProcessServes':
          get(observation.process).servesSinceMs = atMs;
          break;
        case 'ProcessFrozen':
          get(observation.process).frozen = true;
          get(observation.process).stalls.push({ fromMs: atMs, toMs: atMs });
          break;
        case 'ProcessThawed':
          Object.assign(get(observation.process).stalls.at(-1) ?? {}, { toMs: atMs });
          get(observation.process).frozen = false;
          get(observation.process).troubledAtMs = atMs;
          break;
        case 'ProcessWarned':
          get(observation.process).troubledAtMs = atMs;
          break;
        case 'ProcessEnded':
          get(observation.process).ended = true;
          break;
      }
    },
  };
}

function begin(id: ProcessId, skewMs: number, startedAtMs: number): ProcessModel {
  return {
    id,
    skewMs,
    startedAtMs,
    servesSinceMs: undefined,
    frozen: false,
    ended: false,
    troubledAtMs: startedAtMs,
    stalls: [],
  };
}
