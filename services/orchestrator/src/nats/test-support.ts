// What do the tests of this folder have in common? A real nats-server, and an orchestrator by script.

import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll } from 'vitest';
import { EMPTY_PAYLOAD } from '../domain/payload.ts';
import type { Assignment, EngineCalls, EngineCallType } from '../engine/inputs.ts';
import type { Orchestrator } from '../runtime/orchestrator.ts';
import type { Payloads } from '../runtime/payloads.ts';
import { connectNats, type NatsLink, type NatsOptions } from './connection.ts';
import type { Logger } from './logger.ts';
import { defaultCacheFolder } from './server/find.ts';
import { obtainNatsServer } from './server/obtain.ts';
import { type NatsServer, type NatsServerOptions, startNatsServer } from './server/start.ts';

export interface TestNats {
  readonly server: NatsServer;
  /** The path of nats-server, for tests that start more of them. */
  readonly binary: string;
  /** As the orchestrator connects. */
  link(options?: Partial<NatsOptions>): Promise<NatsLink>;
  /** As an executor of any language connects. */
  client(): Promise<NatsConnection>;
  /** Everything that was logged by links. */
  readonly logged: readonly LoggedLine[];
  readonly logger: Logger;
  close(): Promise<void>;
}

export interface LoggedLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: object;
}

export async function startTestNats(options: Partial<NatsServerOptions> = {}): Promise<TestNats> {
  const cacheFolder = defaultCacheFolder(process.env);
  const { path } = await obtainNatsServer({ env: process.env, cacheFolder, say: () => {} });
  const server = await startNatsServer({ binary: path, ...options });
  const links: NatsLink[] = [];
  const clients: NatsConnection[] = [];
  const logged: LoggedLine[] = [];
  const log = (level: LoggedLine['level']) => (fields: object, message: string) => {
    logged.push({ level, message, fields });
  };
  const logger: Logger = { info: log('info'), warn: log('warn'), error: log('error') };
  return {
    server,
    binary: path,
    logged,
    logger,
    async link(more = {}) {
      const link = await connectNats({ servers: [server.url], logger, ...more });
      links.push(link);
      return link;
    },
    async client() {
      const client = await connect({
        servers: server.url,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 20,
        reconnectJitter: 10,
      });
      clients.push(client);
      return client;
    },
    async close() {
      await Promise.all([...links.map((link) => link.close()), ...clients.map((client) => client.close())]);
      await server.stop();
    },
  };
}

/** One for all tests of the file that calls this, from before the first to after the last. */
export function useTestNats(options: Partial<NatsServerOptions> = {}): Omit<TestNats, 'close'> {
  let nats: TestNats | undefined;
  // The first one on a machine may have to be obtained.
  beforeAll(async () => {
    nats = await startTestNats(options);
  }, 600_000);
  afterAll(async () => {
    await nats?.close();
  });
  const started = (): TestNats => {
    if (nats === undefined) throw new Error('nats-server is there from beforeAll on');
    return nats;
  };
  return {
    link: (more) => started().link(more),
    client: () => started().client(),
    get server() {
      return started().server;
    },
    get binary() {
      return started().binary;
    },
    get logged() {
      return started().logged;
    },
    get logger() {
      return started().logger;
    },
  };
}

export interface ScriptedCall {
  readonly namespace: string;
  readonly type: EngineCallType;
  readonly input: unknown;
}

export type Script = {
  [K in EngineCallType]?: (
    input: EngineCalls[K]['input'],
    namespace: string,
  ) => EngineCalls[K]['reply'] | Promise<EngineCalls[K]['reply']>;
};

/** Answers each call as its script says; a call that the script does not know is a failure. */
export function createScriptedOrchestrator(
  script: Script,
  payloads: Partial<Payloads> = {},
): Pick<Orchestrator, 'call' | 'payloads'> & {
  readonly calls: ScriptedCall[];
} {
  const calls: ScriptedCall[] = [];
  const missing = () => Promise.reject(new Error('The script knows no payloads'));
  return {
    calls,
    payloads: { put: missing, get: missing, ...payloads },
    async call(namespace, type, input) {
      calls.push({ namespace, type, input });
      const step = script[type];
      if (step === undefined) throw new Error(`The script knows no ${type}`);
      return await step(input, namespace);
    },
  };
}

export const NO_TRACING = {
  startAttempt: (_namespace: string, assignment: Assignment) => assignment.traceparent,
};

export function assignmentOf(overrides: Partial<Assignment> = {}): Assignment {
  return {
    leaseToken: 'token-1',
    runId: 'run-1',
    taskKey: 'a',
    attempt: 1,
    capability: 'echo',
    input: EMPTY_PAYLOAD,
    dependencies: [],
    timeoutMs: undefined,
    heartbeatTimeoutMs: undefined,
    checkpoint: undefined,
    feedback: undefined,
    iteration: 0,
    lastError: undefined,
    traceparent: '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01',
    ...overrides,
  };
}

export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`Not within 30 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
