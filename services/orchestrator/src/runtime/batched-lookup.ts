// Gathers look-ups by id that come close together into one question to the store.

import type { Clock } from './ports.ts';

type Find<T> = (namespace: string, ids: readonly string[]) => Promise<ReadonlyMap<string, T>>;

export type BatchedLookup<T> = (namespace: string, id: string) => Promise<T | undefined>;

const MAX_BATCH = 1_000;

export function createBatchedLookup<T>(clock: Clock, find: Find<T>): BatchedLookup<T> {
  const gathering = new Map<string, Batch<T>>();

  function begin(namespace: string): Batch<T> {
    const ids: string[] = [];
    const found = new Promise<ReadonlyMap<string, T>>((resolve, reject) => {
      clock.soon(() => {
        if (gathering.get(namespace)?.ids === ids) gathering.delete(namespace);
        find(namespace, ids).then(resolve, reject);
      });
    });
    const batch = { ids, found };
    gathering.set(namespace, batch);
    return batch;
  }

  return async (namespace, id) => {
    let batch = gathering.get(namespace);
    if (batch === undefined || batch.ids.length >= MAX_BATCH) batch = begin(namespace);
    batch.ids.push(id);
    return (await batch.found).get(id);
  };
}

interface Batch<T> {
  readonly ids: string[];
  readonly found: Promise<ReadonlyMap<string, T>>;
}
