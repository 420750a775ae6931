// The store on one machine: an SQLite database, written by one thread and read by another.

import { resolve } from 'node:path';
import { type Store, type StoredRun, StoreError } from '../port.ts';
import type { RunLifeStore } from '../port-run-life.ts';
import { packBatch, unpackEvent } from './batch-codec.ts';
import { runPhaseCode, taskStateCode } from './codes.ts';
import { makeFolder } from './files.ts';
import type { Packer, Unpacker } from './packing.ts';
import { createPayloadStore, type PayloadStore } from './payload-codec.ts';
import { unpackAll, unpackRequest, unpackRun, unpackTask } from './row-codec.ts';
import { createRunLife } from './run-change-codec.ts';
import { startWorker, type WorkerClient } from './worker-client.ts';
import { createWorkflowReads, packWorkflowChange, type WorkflowReads } from './workflow-codec.ts';

export interface SqliteStoreOptions {
  /** Made if it does not exist. Belongs to this store alone: other processes are refused. */
  readonly folder: string;
}

export interface SqliteStore extends Store {
  /** Resolves if a thread has died: nothing is read or written any more, and only a new process helps. */
  readonly lost: Promise<StoreError>;
}

/** Rejects with IN_USE if another process has the folder, with UNUSABLE if nobody could use it. */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const folder = resolve(options.folder);
  makeFolder(folder);
  const writer = await startWorker(new URL('./writer.worker.ts', import.meta.url), folder);
  try {
    const reader = await startWorker(new URL('./reader.worker.ts', import.meta.url), folder);
    return createSqliteStore(writer, reader);
  } catch (error) {
    await writer.close();
    throw error;
  }
}

function createSqliteStore(writer: WorkerClient, reader: WorkerClient): SqliteStore {
  return {
    lost: Promise.race([writer.died, reader.died]),
    claim: async (namespace) => {
      const output = await writer.request('claim', (input) => input.string(namespace));
      return { epoch: output.number(), latestRevision: output.number() };
    },
    commit: async (batch) => {
      await writer.request('commit', (input) => packBatch(input, batch));
    },
    changeWorkflows: async (change) => {
      await writer.request('changeWorkflows', (input) => packWorkflowChange(input, change));
    },
    pruneRequests: async (olderThanMs, limit) => {
      const output = await writer.request('pruneRequests', (input) => {
        input.number(olderThanMs);
        input.number(limit);
      });
      return output.number();
    },
    ...createReads(reader),
    ...createRunLife(writer, reader),
    ...createPayloadStore(writer, reader),
    ...createWorkflowReads(reader),
    // The writer ends last: the last connection to close empties the log.
    close: () => writer.close(reader.close()),
  };
}

type Reads = Omit<
  Store,
  | 'claim'
  | 'commit'
  | 'changeWorkflows'
  | 'pruneRequests'
  | 'close'
  | keyof WorkflowReads
  | keyof PayloadStore
  | keyof RunLifeStore
>;

function createReads(reader: WorkerClient): Reads {
  return {
    activeNamespaces: async () => unpackAll(await reader.request('activeNamespaces'), (row) => row.string()),
    loadActiveRuns: (namespace) => loadActiveRuns(reader, namespace),
    loadRun: async (namespace, runId) => {
      const output = await reader.request('loadRun', (input) => {
        input.string(namespace);
        input.string(runId);
      });
      return unpackAll(output, unpackStoredRun)[0];
    },
    findRunIds: async (namespace, runIds) => {
      const output = await reader.request('findRunIds', (input) => packNames(input, namespace, runIds));
      return new Map(unpackAll(output, (row) => [row.string(), row.number()]));
    },
    findStartedRun: async (namespace, runId) => {
      const output = await reader.request('findStartedRun', (input) => packNames(input, namespace, [runId]));
      return unpackAll(output, (row) => row.string())[0];
    },
    findRequests: async (namespace, requestIds) => {
      const output = await reader.request('findRequests', (input) => packNames(input, namespace, requestIds));
      return new Map(unpackAll(output, unpackRequest).map((row) => [row.requestId, row]));
    },
    getRun: async (namespace, runId) => {
      const output = await reader.request('getRun', (input) => packNames(input, namespace, [runId]));
      return unpackAll(output, unpackRun)[0];
    },
    getRunRecord: async (namespace, run) => {
      const output = await reader.request('getRunRecord', (input) => {
        input.string(namespace);
        input.number(run);
      });
      return unpackAll(output, (row) => row.bytes())[0];
    },
    listRuns: async (namespace, filter) => {
      const output = await reader.request('listRuns', (input) => {
        input.string(namespace);
        input.number(filter.phases.length);
        for (const phase of filter.phases) input.number(runPhaseCode.toNumber(phase));
        packLabels(input, filter.labels);
        input.optionalNumber(filter.submittedFromMs);
        input.optionalNumber(filter.submittedBeforeMs);
        input.optionalNumber(filter.before);
        input.number(filter.limit);
      });
      return unpackAll(output, unpackRun);
    },
    getTask: async (namespace, run, key) => {
      const output = await reader.request('getTask', (input) => {
        input.string(namespace);
        input.number(run);
        input.string(key);
      });
      return unpackAll(output, unpackTask)[0];
    },
    listTasks: async (namespace, run, filter) => {
      const states = filter.states.length > 0 ? filter.states : taskStateCode.names;
      const output = await reader.request('listTasks', (input) => {
        input.string(namespace);
        input.number(run);
        input.number(states.reduce((mask, state) => mask | (1 << taskStateCode.toNumber(state)), 0));
        input.number(filter.after);
        input.number(filter.limit);
      });
      return unpackAll(output, unpackTask);
    },
    ...createEventReads(reader),
  };
}

function createEventReads(
  reader: WorkerClient,
): Pick<Reads, 'readTaskEvents' | 'readEvents' | 'latestRevision'> {
  return {
    readTaskEvents: async (namespace, run, tasks) => {
      const output = await reader.request('readTaskEvents', (input) => {
        input.string(namespace);
        input.number(run);
        input.number(tasks.length);
        for (const task of tasks) input.number(task);
      });
      return unpackAll(output, unpackEvent);
    },
    readEvents: async (namespace, query) => {
      const output = await reader.request('readEvents', (input) => {
        input.string(namespace);
        input.number(query.afterRevision);
        input.optionalNumber(query.run);
        input.number(query.limit);
        input.number(query.limitBytes);
      });
      return unpackAll(output, unpackEvent);
    },
    latestRevision: async (namespace) => {
      const output = await reader.request('latestRevision', (input) => input.string(namespace));
      return unpackAll(output, (row) => row.number())[0] ?? 0;
    },
  };
}

async function* loadActiveRuns(reader: WorkerClient, namespace: string): AsyncGenerator<StoredRun> {
  let after = 0;
  while (true) {
    const output = await reader.request('loadActiveRuns', (input) => {
      input.string(namespace);
      input.number(after);
    });
    const count = output.number();
    if (count === 0) return;
    for (let i = 0; i < count; i += 1) {
      const run = unpackStoredRun(output);
      after = run.run;
      yield run;
    }
  }
}

function unpackStoredRun(input: Unpacker): StoredRun {
  const run = input.number();
  const runId = input.string();
  const record = unpackAll(input, (row) => row.bytes())[0];
  if (record === undefined) throw new StoreError('FAILED', `run ${runId} has lost its record`);
  const taskSpecs = unpackAll(input, (row) => row.bytes());
  return { run, runId, record, taskSpecs, events: unpackAll(input, unpackEvent) };
}

function packNames(input: Packer, namespace: string, names: readonly string[]): void {
  input.string(namespace);
  input.number(names.length);
  for (const name of names) input.string(name);
}

function packLabels(input: Packer, labels: Readonly<Record<string, string>>): void {
  const entries = Object.entries(labels);
  input.number(entries.length);
  for (const [label, value] of entries) {
    input.string(label);
    input.string(value);
  }
}
