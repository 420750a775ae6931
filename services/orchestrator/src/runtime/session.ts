// What belongs to one load of a namespace? It is swapped whole: nothing of an engine that was dropped
// can be mistaken for the next one's.

import type { ExpressionCompiler } from '../domain/expression.ts';
import type { SchemaChecker } from '../domain/schema.ts';
import { createEngine, type Engine } from '../engine/engine.ts';
import type { EngineCalls, EngineCallType } from '../engine/inputs.ts';
import type { EngineOptions } from '../engine/options.ts';
import { type Store, StoreError } from '../store/port.ts';
import { createEventHub, type EventHub } from './event-hub.ts';
import { loadActiveRuns } from './load.ts';
import type { Clock } from './ports.ts';

export type Answer = (reply: EngineCalls[EngineCallType]['reply']) => void;

export interface Session {
  readonly engine: Engine;
  readonly hub: EventHub;
  /** The calls that the engine has taken in and not answered, by call id. */
  readonly pending: Map<number, Answer>;
  /** Of the claim; undefined before the first commit of a namespace without events. */
  epoch: number | undefined;
}

/**
 * Claims a namespace that has events, and brings its active runs back. One without any is claimed by
 * its first commit only: whoever looks at a name must not leave a row in the store for it.
 * @param claim true: it is claimed all the same, which shows whether the store can be written to
 */
export async function loadSession(
  store: Store,
  options: EngineOptions,
  clock: Clock,
  expressions: ExpressionCompiler,
  schemas: SchemaChecker,
  claim: boolean,
): Promise<Session> {
  const { namespace } = options;
  const used = claim || (await store.latestRevision(namespace)) > 0;
  const claimed = used ? await store.claim(namespace) : undefined;
  const runs = used ? await loadActiveRuns(store, namespace, expressions, schemas) : [];
  const latestRevision = claimed?.latestRevision ?? 0;
  // The claim and the runs are read one after the other: in between, another owner may have claimed and written.
  const beyond = runs.find((run) => run.lastRevision > latestRevision)?.lastRevision;
  if (beyond !== undefined) throw writtenByAnother(namespace, beyond);
  return {
    engine: createEngine(options, latestRevision, runs, clock.nowMs()),
    hub: createEventHub(latestRevision),
    pending: new Map(),
    epoch: claimed?.epoch,
  };
}

/** The epoch to commit under, claimed now if it is not yet. */
export async function claimedEpoch(store: Store, namespace: string, session: Session): Promise<number> {
  if (session.epoch !== undefined) return session.epoch;
  const { epoch, latestRevision } = await store.claim(namespace);
  if (latestRevision > 0) throw writtenByAnother(namespace, latestRevision);
  session.epoch = epoch;
  return epoch;
}

function writtenByAnother(namespace: string, revision: number): StoreError {
  return new StoreError('FENCED', `namespace ${namespace} got revision ${revision} from another owner`);
}
