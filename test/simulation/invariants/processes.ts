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
          break;
        case 'ProcessThawed':
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
  };
}
