// The store in memory, for tests and the simulation: the same contract without a disk.

import { isFinalRun } from '../../domain/states.ts';
import { type Store, StoreError } from '../port.ts';
import type { RunLifeStore } from '../port-run-life.ts';
import { createNamespaceData, type NamespaceData } from './namespace-data.ts';

/** What a disk is to a process: it outlives the stores that are opened on it, one at a time. */
export interface MemoryPlace {
  readonly namespaces: Map<string, NamespaceData>;
  inUse: boolean;
}

export function createMemoryPlace(): MemoryPlace {
  return { namespaces: new Map(), inUse: false };
}

/** Throws IN_USE while an earlier store of this place is not closed. */
export function openMemoryStore(place: MemoryPlace): Store {
  if (place.inUse)
    throw new StoreError('IN_USE', 'this place is in use by a store that was not closed; close it first');
  place.inUse = true;
  let closed = false;

  const requireOpen = (): void => {
    if (closed) throw new StoreError('CLOSED', 'the store was closed');
  };
  /** A namespace as it stands; one that nobody has claimed is empty, and stays unknown. */
  const read = (namespace: string): NamespaceData => {
    requireOpen();
    return place.namespaces.get(namespace) ?? createNamespaceData();
  };

  return {
    claim: async (namespace) => {
      const data = read(namespace);
      place.namespaces.set(namespace, data);
      return data.claim();
    },
    activeNamespaces: async () => {
      requireOpen();
      const active = [...place.namespaces].filter(([, data]) =>
        data.runs().some((run) => !isFinalRun(run.row.phase)),
      );
      return active.map(([name]) => name).sort();
    },
    loadActiveRuns: async function* (namespace) {
      for (const run of read(namespace).activeRuns()) yield run;
    },
    loadRun: async (namespace, runId) => read(namespace).storedRun(runId),
    ...createRunLife(place, read),
    changeWorkflows: async (change) => {
      const data = read(change.namespace);
      data.workflows.change(change);
      data.keepRequests(change.requests);
      place.namespaces.set(change.namespace, data);
    },
    getWorkflow: async (namespace, name, version) => read(namespace).workflows.get(name, version),
    countWorkflows: async (namespace, name) => read(namespace).workflows.count(name),
    listWorkflows: async (namespace, afterName, limit) => read(namespace).workflows.list(afterName, limit),
    listWorkflowVersions: async (namespace, name, before, limit) =>
      read(namespace).workflows.versions(name, before, limit),
    ...createPayloadStore(place, read),
    commit: async (batch) => read(batch.namespace).commit(batch),
    findRunIds: async (namespace, runIds) => read(namespace).findRunIds(runIds),
    findStartedRun: async (namespace, runId) =>
      read(namespace)
        .runs()
        .find(({ row }) => row.runId.startsWith(`${runId}~`))?.row.runId,
    findRequests: async (namespace, requestIds) => read(namespace).findRequests(requestIds),
    getRun: async (namespace, runId) => read(namespace).runById(runId)?.row,
    getRunRecord: async (namespace, run) => read(namespace).run(run)?.record,
    listRuns: async (namespace, filter) => read(namespace).listRuns(filter),
    getTask: async (namespace, run, key) =>
      read(namespace)
        .run(run)
        ?.tasks.find((task) => task.key === key),
    listTasks: async (namespace, run, filter) => {
      const tasks = read(namespace).run(run)?.tasks ?? [];
      const { states, after } = filter;
      return tasks
        .filter((task) => task.task > after && (states.length === 0 || states.includes(task.state)))
        .slice(0, filter.limit);
    },
    readTaskEvents: async (namespace, run, tasks) => {
      const wanted = new Set(tasks.filter((task) => task >= 0));
      return (read(namespace).run(run)?.events ?? []).filter((event) => wanted.has(event.task));
    },
    readEvents: async (namespace, query) => read(namespace).readEvents(query),
    latestRevision: async (namespace) => read(namespace).latestRevision(),
    pruneRequests: async (olderThanMs, limit) => {
      requireOpen();
      const all = [...place.namespaces.values()].flatMap((data) => data.requestsOlderThan(olderThanMs));
      const oldest = all.sort((a, b) => a.atMs - b.atMs).slice(0, limit);
      for (const request of oldest) request.remove();
      return oldest.length;
    },
    close: async () => {
      if (closed) return;
      closed = true;
      place.inUse = false;
      for (const { payloads } of place.namespaces.values()) payloads.dropUploads();
    },
  };
}

function createRunLife(place: MemoryPlace, read: (namespace: string) => NamespaceData): RunLifeStore {
  return {
    changeRun: async (change) => read(change.namespace).changeRun(change),
    sweepDeletedRuns: async () => 0,
    setRetention: async ({ namespace, retentionMs, requests }) => {
      const data = read(namespace);
      data.retentionMs = retentionMs;
      data.keepRequests(requests);
      place.namespaces.set(namespace, data);
    },
    getRetention: async (namespace) => read(namespace).retentionMs,
    findExpiredRuns: async (nowMs, defaultMs, limit) => {
      const found = [...place.namespaces].flatMap(([namespace, data]) => {
        const endedBeforeMs = nowMs - ((data.retentionMs ?? defaultMs) || Number.POSITIVE_INFINITY);
        return data
          .runs()
          .filter(({ row }) => !row.archived && row.endedAtMs !== undefined && row.endedAtMs < endedBeforeMs)
          .filter(({ row }) => data.linkingRuns(row.run).length === 0)
          .map(({ row: { run, runId } }) => ({ namespace, run, runId, endedBeforeMs }));
      });
      return found.slice(0, limit);
    },
    findLinkingRuns: async (namespace, run, limit) =>
      read(namespace)
        .linkingRuns(run)
        .map(({ row }) => row.runId)
        .slice(0, limit),
  };
}

type PayloadStore = Pick<
  Store,
  'putPayload' | 'dropUpload' | 'readPayload' | 'findPayloads' | 'renewPayloads' | 'prunePayloads'
>;

function createPayloadStore(place: MemoryPlace, read: (namespace: string) => NamespaceData): PayloadStore {
  return {
    putPayload: async (part) => {
      const data = read(part.namespace);
      place.namespaces.set(part.namespace, data);
      return data.payloads.put({ ...part, bytes: part.bytes.slice() });
    },
    dropUpload: async (namespace, uploadId) => read(namespace).payloads.dropUpload(namespace, uploadId),
    readPayload: async (namespace, sha256, offset, limitBytes) =>
      read(namespace).payloads.read(sha256, offset, limitBytes),
    findPayloads: async (namespace, sha256s) => read(namespace).payloads.find(sha256s),
    renewPayloads: async (namespace, sha256s, atMs) => read(namespace).payloads.renew(sha256s, atMs),
    prunePayloads: async (usedBeforeMs, limit) => {
      const all = [...place.namespaces.values()].flatMap(({ payloads }) => payloads.usedBefore(usedBeforeMs));
      const oldest = all.sort((a, b) => a.usedAtMs - b.usedAtMs).slice(0, limit);
      for (const payload of oldest) payload.remove();
      return oldest.length;
    },
  };
}
