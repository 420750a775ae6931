// Which executors share an id, and how often is that said? Each takes the place of the other with every
// registration, and what it held is performed again: nothing fails, everything is done twice.

import type { Rejection } from '../domain/rejection.ts';
import type { Logger } from './logger.ts';

export interface SharedIds {
  /** To be shown every refusal of a heartbeat or a report. */
  refused(namespace: string, executorId: string, rejection: Rejection): void;
}

export interface SharedIdsOptions {
  readonly logger: Logger;
  /** Unix time. */
  readonly nowMs: () => number;
  /** Told each time, however often it is logged. */
  readonly shared: () => void;
}

/** Between two warnings of one id. */
const WARN_INTERVAL_MS = 60_000;
/** Ids remembered; beyond it the one warned of longest ago is forgotten, and may be warned of early. */
const MAX_IDS = 1_000;

export function createSharedIds({ logger, nowMs, shared }: SharedIdsOptions): SharedIds {
  const warnedAtMs = new Map<string, number>();
  return {
    refused(namespace, executorId, rejection) {
      if (rejection.code !== 'UNKNOWN_SESSION' || rejection.metadata.superseded !== 'true') return;
      shared();
      const id = `${namespace}/${executorId}`;
      const before = warnedAtMs.get(id);
      if (before !== undefined && nowMs() < before + WARN_INTERVAL_MS) return;
      warnedAtMs.delete(id);
      warnedAtMs.set(id, nowMs());
      if (warnedAtMs.size > MAX_IDS) warnedAtMs.delete(warnedAtMs.keys().next().value as string);
      logger.warn(
        { namespace, executorId },
        `two executors use the id ${executorId}: their tasks are performed more than once; give each process an id of its own`,
      );
    },
  };
}
