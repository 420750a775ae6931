// What does a task go through, from the bytes of its submission to the answer to its report? All of the
// orchestrator's own code on that way, in this thread: door, engine, group commit, SQLite, NATS messages. Left out are
// sockets, threads and the clock, so that the same work costs the same whatever else the machine does.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { createValidator } from '@bufbuild/protovalidate';
import type { Msg, Subscription } from '@nats-io/transport-node';
import { SubmitRunsRequestSchema } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import type { RunSpecSchema } from '@tutti/proto/tutti/v1/run_pb.ts';
import { createInputSchemas } from '../../services/orchestrator/src/api/input-schema.ts';
import { readTasks } from '../../services/orchestrator/src/api/read-tasks.ts';
import { createSchemaChecker } from '../../services/orchestrator/src/api/schema-checker.ts';
import { createServices } from '../../services/orchestrator/src/api/services/index.ts';
import { DEFAULT_ENGINE_LIMITS } from '../../services/orchestrator/src/engine/options.ts';
import { createExpressionCompiler } from '../../services/orchestrator/src/expressions/compiler.ts';
import type { NatsLink } from '../../services/orchestrator/src/nats/connection.ts';
import {
  createExecutorTransport,
  HEADER_RESERVE_BYTES,
} from '../../services/orchestrator/src/nats/deliveries.ts';
import { createEventPublisher } from '../../services/orchestrator/src/nats/events.ts';
import { createExecutorGateway } from '../../services/orchestrator/src/nats/gateway.ts';
import { createSubjects, DEFAULT_PREFIX } from '../../services/orchestrator/src/nats/subjects.ts';
import {
  createOrchestrator,
  DEFAULT_RUNTIME_LIMITS,
} from '../../services/orchestrator/src/runtime/create-orchestrator.ts';
import type { Clock } from '../../services/orchestrator/src/runtime/ports.ts';
import {
  createMemoryPlace,
  openMemoryStore,
} from '../../services/orchestrator/src/store/memory/memory-store.ts';
import type { Store } from '../../services/orchestrator/src/store/port.ts';
import { packBatch } from '../../services/orchestrator/src/store/sqlite/batch-codec.ts';
import { openWriter } from '../../services/orchestrator/src/store/sqlite/connection.ts';
import { createPacker, createUnpacker } from '../../services/orchestrator/src/store/sqlite/packing.ts';
import { migrate } from '../../services/orchestrator/src/store/sqlite/schema.ts';
import { createCommitWriter } from '../../services/orchestrator/src/store/sqlite/write-commit.ts';
import { createMetrics } from '../../services/orchestrator/src/telemetry/metrics.ts';
import { createTracing } from '../../services/orchestrator/src/telemetry/tracing.ts';
import { createCrew } from './crew.ts';

export type RunInit = MessageInitShape<typeof RunSpecSchema>;

/** Since the path was made. */
export interface Tally {
  events: number;
  /** Of the events, as watchers get them and the store has them. */
  eventBytes: number;
  /** Transactions, each with one fsync. */
  commits: number;
  /** Rows inserted, replaced and updated, and rows looked up, by the writer. */
  statements: number;
  /** From the orchestrator: assignments, answers and events. */
  messages: number;
  messageBytes: number;
}

export interface Path {
  readonly tally: Readonly<Tally>;
  /** Submits them in one call, and serves executors until nothing is left to do. Throws unless every task completed. */
  carry(runs: readonly RunInit[]): Promise<void>;
  close(): Promise<void>;
}

const NAMESPACE = 'default';

export async function openPath(): Promise<Path> {
  const tally: Tally = { events: 0, eventBytes: 0, commits: 0, statements: 0, messages: 0, messageBytes: 0 };
  const { clock, quiet } = createStillClock();
  const logger = { info() {}, warn: fail, error: fail };
  const nats = createFakeNats(tally);
  const subjects = createSubjects(DEFAULT_PREFIX);
  const tracing = await createTracing({ serviceName: 'cost', environment: {}, warn: fail });
  const metrics = createMetrics({ nowMs: clock.nowMs, processMetrics: false });
  const events = createEventPublisher({ link: nats.link, subjects, logger });
  const expressions = createExpressionCompiler();
  const database = openDatabase();
  const orchestrator = createOrchestrator({
    store: countedStore(database.file, tally),
    expressions,
    schemas: createSchemaChecker(createInputSchemas()),
    clock,
    transport: createExecutorTransport({ link: nats.link, subjects, tracing, logger }),
    observer: {
      committed(namespace, committed) {
        metrics.observer.committed(namespace, committed);
        events.committed(namespace, committed);
      },
    },
    engine: {
      ...DEFAULT_ENGINE_LIMITS,
      maxAssignmentBytes: nats.link.maxPayloadBytes() - HEADER_RESERVE_BYTES,
      readTasks,
      mintToken: createNumbered('token-of-thirty-two-characters-'),
    },
    limits: DEFAULT_RUNTIME_LIMITS,
    commitFinished(report) {
      tally.events += report.events;
      tally.eventBytes += report.bytes;
      metrics.commitFinished(report.namespace, report);
    },
    warn: fail,
  });
  await orchestrator.start();
  const validator = createValidator();
  const gateway = createExecutorGateway({
    link: nats.link,
    subjects,
    orchestrator,
    validator,
    tracing,
    logger,
  });
  await gateway.start();
  const services = createServices({
    orchestrator,
    expressions,
    tracing,
    log: logger,
    newRunId: createNumbered('run-'),
    newIncident: createNumbered('incident-'),
  });
  const crew = createCrew({ namespace: NAMESPACE, request: nats.request, taken: nats.taken });
  await crew.register(quiet);

  return {
    tally,
    async carry(runs) {
      const tasks = runs.reduce((sum, run) => sum + (run.tasks?.length ?? 0), 0);
      const request = create(SubmitRunsRequestSchema, { runs: runs.map((spec) => ({ spec })) });
      // As it comes: from bytes.
      const bytes = toBinary(SubmitRunsRequestSchema, request);
      const context = { signal: new AbortController().signal, requestHeader: { get: () => null } };
      const answer = services.orchestrator.submitRuns(fromBinary(SubmitRunsRequestSchema, bytes), context);
      await quiet();
      for (const { result } of (await answer).results) {
        if (result.case !== 'submitted') throw new Error(`a run was refused: ${result.value?.message}`);
      }
      const completed = await crew.serve(quiet);
      if (completed !== tasks) throw new Error(`${completed} of ${tasks} tasks were given out and done`);
    },
    async close() {
      const stopped = Promise.all([gateway.stop(), orchestrator.stop()]);
      await quiet();
      await stopped;
      database.close();
    },
  };
}

/** Time does not pass. `quiet` resolves once nothing is left that could happen without it. */
function createStillClock(): { clock: Clock; quiet: () => Promise<void> } {
  const waiting: (() => void)[] = [];
  return {
    clock: {
      nowMs: () => 1_800_000_000_000,
      soon: (callback) => void waiting.push(callback),
      after: () => () => {},
    },
    async quiet() {
      do {
        for (const callback of waiting.splice(0)) callback();
        // All promises have had their turns by then.
        await new Promise((resolve) => setImmediate(resolve));
      } while (waiting.length > 0);
    },
  };
}

function createFakeNats(tally: Tally) {
  const handlers = new Map<string, (message: Msg) => void>();
  const answers = new Map<string, (bytes: Uint8Array) => void>();
  let assignments: { subject: string; bytes: Uint8Array }[] = [];
  let requests = 0;
  const link: NatsLink = {
    connected: () => true,
    maxPayloadBytes: () => 1_048_576,
    publish(subject, bytes) {
      tally.messages += 1;
      tally.messageBytes += bytes.length;
      if (subject.includes('.tasks.')) assignments.push({ subject, bytes });
      answers.get(subject)?.(bytes);
      answers.delete(subject);
      return true;
    },
    subscribe(subject, handler) {
      handlers.set(subject.slice(subject.indexOf('*') + 2), handler);
      return { unsubscribe() {} } as Subscription;
    },
    flush: async () => {},
    droppedMessages: () => 0,
    closed: new Promise(() => {}),
    close: async () => {},
  };
  return {
    link,
    /** @param kind as in `executors.register` */
    request(kind: string, data: Uint8Array): Promise<Uint8Array> {
      const reply = `_INBOX.${++requests}`;
      const { promise, resolve } = Promise.withResolvers<Uint8Array>();
      answers.set(reply, resolve);
      handlers.get(kind)?.({ subject: `${DEFAULT_PREFIX}.${NAMESPACE}.${kind}`, reply, data } as Msg);
      return promise;
    },
    /** Messages to executors since it was asked last. */
    taken() {
      const some = assignments;
      assignments = [];
      return some;
    },
  };
}

function openDatabase(): { file: DatabaseSync; close: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-cost-'));
  const path = join(folder, 'cost.sqlite');
  const file = openWriter(path);
  migrate(file, path);
  // Nobody waits for the disk here: what is counted is how often it would be asked.
  file.exec('PRAGMA synchronous = OFF');
  return {
    file,
    close() {
      file.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** What the store's two sides do with a commit, in one thread; all else is the memory's, and is asked next to nothing. */
function countedStore(database: DatabaseSync, tally: Tally): Store {
  const inner = openMemoryStore(createMemoryPlace());
  database.prepare('INSERT INTO namespaces (name, epoch, latest_revision) VALUES (?, 1, 0)').run(NAMESPACE);
  const write = createCommitWriter(counted(database, tally));
  return {
    ...inner,
    claim: async () => ({ epoch: 1, latestRevision: 0 }),
    async commit(batch) {
      const packer = createPacker();
      packBatch(packer, batch);
      write(createUnpacker(packer.finish()));
    },
  };
}

function counted(database: DatabaseSync, tally: Tally): DatabaseSync {
  const prepare = database.prepare.bind(database);
  return Object.assign(Object.create(database) as DatabaseSync, {
    exec(sql: string) {
      if (sql === 'COMMIT') tally.commits += 1;
      database.exec(sql);
    },
    prepare(sql: string) {
      const statement = prepare(sql);
      const run = statement.run.bind(statement);
      const get = statement.get.bind(statement);
      return Object.assign(statement, {
        run(...values: Parameters<typeof run>) {
          tally.statements += 1;
          return run(...values);
        },
        get(...values: Parameters<typeof get>) {
          tally.statements += 1;
          return get(...values);
        },
      });
    },
  });
}

function createNumbered(prefix: string): () => string {
  let last = 100_000;
  return () => `${prefix}${++last}`;
}

function fail(...what: unknown[]): never {
  throw new Error(`nothing was to go wrong: ${what.map((each) => JSON.stringify(each)).join(' ')}`);
}
