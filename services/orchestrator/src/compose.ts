// What is wired to what, and in which order it starts and stops.
//
// Start: the store first (its lock makes this process the owner), NATS, the engines, and the doors last.
// Stop: leave.ts.

import { hostname } from 'node:os';
import { join } from 'node:path';
import { createValidator } from '@bufbuild/protovalidate';
import type { Logger as PinoLogger } from 'pino';
import { startGrpcServer } from './api/grpc/server.ts';
import { startHttpServer } from './api/http/server.ts';
import { createInputSchemas } from './api/input-schema.ts';
import { readTasks } from './api/read-tasks.ts';
import { createSchemaChecker } from './api/schema-checker.ts';
import { createServices, type Services } from './api/services/index.ts';
import type { Configuration } from './configuration.ts';
import { DEFAULT_ENGINE_LIMITS } from './engine/options.ts';
import { createExpressionCompiler } from './expressions/compiler.ts';
import { leave } from './leave.ts';
import { type Messaging, startMessaging } from './messaging.ts';
import type { NatsLink } from './nats/connection.ts';
import { createExecutorTransport, HEADER_RESERVE_BYTES } from './nats/deliveries.ts';
import { createEventPublisher } from './nats/events.ts';
import { createExecutorGateway } from './nats/gateway.ts';
import { type Presence, startPresence } from './nats/presence.ts';
import { createRollCall } from './nats/roll-call.ts';
import { createSubjects, type Subjects } from './nats/subjects.ts';
import { type Admission, createAdmission } from './runtime/admission.ts';
import { DEFAULT_ADMISSION_LIMITS } from './runtime/admission-rule.ts';
import {
  createOrchestrator,
  DEFAULT_RUNTIME_LIMITS,
  type RunningOrchestrator,
  type RuntimeLimits,
} from './runtime/create-orchestrator.ts';
import type { Clock, CommitObserver } from './runtime/ports.ts';
import { createProcessLoad } from './runtime/process-load.ts';
import { createSystemClock } from './runtime/system-clock.ts';
import { createRunIdMint, createTokenMint } from './runtime/tokens.ts';
import { openSqliteStore } from './store/sqlite/open.ts';
import { createMetrics, type Metrics } from './telemetry/metrics.ts';
import { createTracing } from './telemetry/tracing.ts';

export interface RunningProcess {
  readonly addresses: { readonly grpc: string; readonly http: string; readonly nats: string };
  /** Resolves if the process cannot go on. */
  readonly failed: Promise<Error>;
  /** @param hurry aborted: it waits for nobody outside any more */
  stop(hurry: AbortSignal): Promise<void>;
}

const HEARTBEATS_PER_LEASE = 3;

/** @param signal aborted: what has started is stopped again, and its reason thrown */
export async function startProcess(
  configuration: Configuration,
  logger: PinoLogger,
  signal: AbortSignal,
): Promise<RunningProcess> {
  const stack = createStopStack(logger);
  try {
    return await start(configuration, logger, stack, signal);
  } catch (error) {
    await stack.stop();
    throw error;
  }
}

async function start(
  configuration: Configuration,
  logger: PinoLogger,
  stack: StopStack,
  signal: AbortSignal,
): Promise<RunningProcess> {
  const clock = createSystemClock();
  const tracing = await createTracing({
    serviceName: 'tutti-orchestrator',
    environment: process.env,
    warn: (message) => logger.warn(message),
  });
  stack.push('tracing', () => tracing.shutdown());
  const metrics = createMetrics({ nowMs: clock.nowMs });
  const store = await openSqliteStore({ folder: configuration.dataFolder });
  stack.push('store', () => store.close());
  signal.throwIfAborted();
  const messaging = await startMessaging(configuration, logger, signal);
  stack.push('nats', () => messaging.stop());
  signal.throwIfAborted();
  const { link } = messaging;
  const subjects = createSubjects(configuration.natsPrefix);
  const presence = await takePrefix(configuration.natsPrefix, link, subjects, clock);
  stack.push('presence', async () => presence.stop());
  signal.throwIfAborted();

  const expressions = createExpressionCompiler();
  const rollCall = createRollCall(link, subjects);
  const orchestrator = createOrchestrator({
    store,
    expressions,
    schemas: createSchemaChecker(createInputSchemas()),
    clock,
    transport: createExecutorTransport({ link, subjects, tracing, logger }),
    observer: inTurn([metrics.observer, tracing.observer, createEventPublisher({ link, subjects, logger })]),
    engine: engineOptions(configuration, link),
    limits: runtimeLimits(configuration),
    commitFinished: (report) => metrics.commitFinished(report.namespace, report),
    namespaceLoaded: rollCall.loaded,
    warn: (message, error) => logger.warn({ err: error }, message),
  });
  metrics.observeEngines(() => orchestrator.gauges());
  metrics.observeWatchers(() => orchestrator.watcherCount());
  await orchestrator.start();
  stack.push('orchestrator', () => orchestrator.stop());
  signal.throwIfAborted();

  const gateway = createExecutorGateway({
    link,
    subjects,
    orchestrator,
    validator: createValidator(),
    tracing,
    logger,
    idShared: metrics.idShared,
    refused: metrics.messageRefused,
  });
  await gateway.start();
  rollCall.begin();
  stack.push('gateway', () => gateway.stop());

  const { host } = configuration;
  const admission = admissionOf(configuration, orchestrator, clock, metrics);
  const services = createServices({
    orchestrator,
    admission,
    expressions,
    tracing,
    log: logger,
    newRunId: createRunIdMint(clock),
    newIncident: createTokenMint(),
    watcherCut: metrics.watcherCut,
  });
  const { grpc, http } = await openDoors(configuration, services, admission, metrics, logger);
  logger.info({ data: join(configuration.dataFolder, ''), grpc: grpc.port, http: http.port }, 'serving');
  return {
    addresses: { grpc: `${host}:${grpc.port}`, http: `http://${host}:${http.port}`, nats: messaging.url },
    failed: Promise.race([lostBy(messaging), store.lost, presence.rivalled, orchestrator.replaced]),
    stop: (hurry) =>
      leave(
        { orchestrator, doors: [grpc, http], rest: stack, graceMs: configuration.shutdownGraceMs },
        hurry,
      ),
  };
}

function lostBy({ lost }: Messaging): Promise<Error> {
  return lost.then((reason) => reason ?? new Promise<never>(() => {}));
}

function engineOptions({ leaseDurationMs, maxActiveTasks }: Configuration, link: NatsLink) {
  return {
    ...DEFAULT_ENGINE_LIMITS,
    leaseDurationMs,
    maxActiveTasks,
    heartbeatIntervalMs: Math.floor(leaseDurationMs / HEARTBEATS_PER_LEASE),
    maxAssignmentBytes: link.maxPayloadBytes() - HEADER_RESERVE_BYTES,
    readTasks,
    mintToken: createTokenMint(),
  };
}

function runtimeLimits(configuration: Configuration): RuntimeLimits {
  const { maxStoredPayloadBytes, payloadGraceMs, runRetentionMs, maxWatchers } = configuration;
  return { ...DEFAULT_RUNTIME_LIMITS, maxStoredPayloadBytes, payloadGraceMs, runRetentionMs, maxWatchers };
}

function admissionOf(
  { maxPendingBytes, maxBusyReadyTasks }: Configuration,
  orchestrator: RunningOrchestrator,
  clock: Clock,
  metrics: Metrics,
): Admission {
  const admission = createAdmission({
    clock,
    limits: { ...DEFAULT_ADMISSION_LIMITS, maxPendingBytes, maxBusyReadyTasks },
    sources: {
      ...createProcessLoad(),
      readyTasks: orchestrator.startableTasks,
      startedTasks: orchestrator.startedTasks,
      commitDelayMs: orchestrator.commitDelayMs,
      recentCommitMs: orchestrator.recentCommitMs,
    },
    refused: metrics.admissionRefused,
  });
  metrics.observeAdmission(admission.load);
  return admission;
}

function takePrefix(prefix: string, link: NatsLink, subjects: Subjects, clock: Clock): Promise<Presence> {
  return startPresence({
    link,
    subjects,
    prefix,
    orchestratorId: createTokenMint()(),
    startedAtMs: clock.nowMs(),
    place: `process ${process.pid} on ${hostname()}`,
  });
}

async function openDoors(
  { host, grpcPort, httpPort, corsOrigins, allowedHosts }: Configuration,
  services: Services,
  admission: Admission,
  { registry }: Metrics,
  log: PinoLogger,
) {
  const grpc = await startGrpcServer({ services, admission, host, port: grpcPort });
  const http = await startHttpServer({
    services,
    host,
    port: httpPort,
    corsOrigins,
    allowedHosts,
    log,
    metrics: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  });
  return { grpc, http };
}

function inTurn(observers: readonly CommitObserver[]): CommitObserver {
  return {
    committed(namespace, events) {
      for (const observer of observers) observer.committed(namespace, events);
    },
  };
}

interface StopStack {
  push(name: string, stop: () => Promise<void>): void;
  /** What was started last stops first; a failure is logged and holds nothing up. */
  stop(): Promise<void>;
}

function createStopStack(logger: PinoLogger): StopStack {
  const steps: { readonly name: string; readonly stop: () => Promise<void> }[] = [];
  return {
    push(name, stop) {
      steps.push({ name, stop });
    },
    async stop() {
      for (const { name, stop } of steps.splice(0).reverse()) {
        await stop().catch((error: unknown) => logger.warn({ err: error }, `${name} did not stop cleanly`));
      }
    },
  };
}
