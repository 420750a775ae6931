// The native gRPC door.

import { Server, ServerCredentials } from '@grpc/grpc-js';
import { Health } from '@tutti/proto/grpc/health/v1/health_pb.ts';
import { ExecutorService } from '@tutti/proto/tutti/v1/executor_service_pb.ts';
import { OrchestratorService } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { PayloadService } from '@tutti/proto/tutti/v1/payload_service_pb.ts';
import { RunLifeService } from '@tutti/proto/tutti/v1/run_life_service_pb.ts';
import { WorkflowService } from '@tutti/proto/tutti/v1/workflow_service_pb.ts';
import type { Admission } from '../../runtime/admission.ts';
import { notServing } from '../errors.ts';
import { createIntake, DEFAULT_INTAKE_LIMITS, type IntakeLimits } from '../intake.ts';
import type { Services } from '../services/index.ts';
import { bindService, MAX_MESSAGE_BYTES } from './binding.ts';
import { explainRefusals, explainUnknownMethods } from './explain.ts';
import { createHealth } from './health.ts';
import { countCalls } from './intake.ts';
import { createOpenCalls } from './open-calls.ts';
import { bindReflection, REFLECTION_SERVICES } from './reflection.ts';
import { createEarlyRefusals, listenersOf, refuseEarly, workPaths } from './refuse-early.ts';

export interface GrpcServerOptions {
  readonly services: Services;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly intake?: IntakeLimits;
  /** Says which requests for more work are refused at once. */
  readonly admission?: Pick<Admission, 'refusal'>;
  /** Others are closed as they come. Default 10,000. */
  readonly maxConnections?: number;
}

export interface Door {
  readonly port: number;
  /** Resolves once no long call is open, or `enough` is aborted: once nothing is served, they end by themselves. */
  quiet(enough: AbortSignal): Promise<void>;
  /**
   * Takes no more calls, tells long ones, waits for the rest, and cuts what is left after `graceMs`, or as
   * soon as `hurry` is aborted.
   */
  close(graceMs: number, hurry?: AbortSignal): Promise<void>;
}

const MAX_CONNECTIONS = 10_000;

const SERVER_OPTIONS = {
  // What is up to twice too large is read, so that the refusal can say why (binding.ts, B1).
  'grpc.max_receive_message_length': 2 * MAX_MESSAGE_BYTES,
  'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  // A peer that is gone without a word is noticed within 80 s.
  'grpc.keepalive_time_ms': 60_000,
  'grpc.keepalive_timeout_ms': 20_000,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.max_concurrent_streams': 10_000,
  // Nobody reads it, and it costs with every call.
  'grpc.enable_channelz': 0,
} as const;

export async function startGrpcServer(options: GrpcServerOptions): Promise<Door> {
  const { services } = options;
  const { bounds } = services;
  const intake = createIntake(options.intake ?? DEFAULT_INTAKE_LIMITS, () => performance.now());
  intake.start();
  const server = new Server({ ...SERVER_OPTIONS, interceptors: [countCalls(intake), explainRefusals] });
  explainUnknownMethods(server);
  const openCalls = createOpenCalls();
  const served = [
    OrchestratorService,
    RunLifeService,
    WorkflowService,
    PayloadService,
    ExecutorService,
    Health,
    ...REFLECTION_SERVICES,
  ];
  const health = createHealth(services.serving, new Set(served.map((service) => service.typeName)));
  const refusals = createEarlyRefusals(options.admission);
  const early = refusals.error;
  const bindings = [
    bindService(OrchestratorService, services.orchestrator, openCalls, services.encoded, early, bounds),
    bindService(RunLifeService, services.runLife, openCalls, {}, early, bounds),
    bindService(WorkflowService, services.workflows, openCalls, {}, undefined, bounds),
    bindService(PayloadService, services.payloads, openCalls, {}, undefined, bounds),
    bindService(ExecutorService, services.executors, openCalls, {}, undefined, bounds),
    bindService(Health, health, openCalls),
    ...bindReflection(served),
  ];
  for (const { definition, implementation } of bindings) server.addService(definition, implementation);
  const port = await listen(server, options.host, options.port);
  boundConnections(server, options.maxConnections ?? MAX_CONNECTIONS);
  refuseEarly(listenersOf(server), workPaths(served), refusals);
  return {
    port,
    quiet: openCalls.quiet,
    close(graceMs, hurry) {
      intake.stop();
      openCalls.abortAll(notServing());
      return shutDown(server, addressOf(options.host, port), graceMs, hurry);
    },
  };
}

/** No door that grpc-js opens to others; a test holds that it is there. */
function boundConnections(server: Server, maxConnections: number): void {
  for (const listener of listenersOf(server)) listener.maxConnections = maxConnections;
}

function addressOf(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function listen(server: Server, host: string, port: number): Promise<number> {
  const address = addressOf(host, port);
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(new Error(`cannot listen for gRPC on ${address}: ${error.message}`, { cause: error }));
    });
  });
}

/**
 * Not forceShutdown: without channelz the library forgets its connections there, and closes none. What drain
 * cuts is what it was the first to close.
 */
function shutDown(
  server: Server,
  address: string,
  graceMs: number,
  hurry: AbortSignal | undefined,
): Promise<void> {
  return new Promise((resolve) => {
    server.drain(address, graceMs);
    server.tryShutdown(() => resolve());
    // Connections that are left then end with the process.
    hurry?.addEventListener('abort', () => resolve());
    if (hurry?.aborted) resolve();
  });
}
