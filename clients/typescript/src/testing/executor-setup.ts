// What the executor's tests share: a nats-server and a scripted orchestrator for each test, all gone
// at its end, also when it fails.

import type { Report } from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import type { Payload } from '@tutti/proto/tutti/v1/payload_pb.ts';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { createExecutor, type Executor, type ExecutorOptions } from '../executor/index.ts';
import type { Logger } from '../logger.ts';
import { toPayload } from '../payloads.ts';
import { startNatsServer, type TestNatsServer } from './nats-server.ts';
import { createScriptedOrchestrator, type ScriptedOrchestrator } from './scripted-orchestrator.ts';

type TestOptions = Partial<ExecutorOptions> & Pick<ExecutorOptions, 'capabilities'>;

export interface ExecutorSetup {
  readonly nats: TestNatsServer;
  readonly orchestrator: ScriptedOrchestrator;
  /** Named `e1`, not started. */
  create(options: TestOptions): Executor;
  /** Named `e1`, registered. */
  start(options: TestOptions): Promise<Executor>;
}

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };

export function setUp(): ExecutorSetup {
  let nats: TestNatsServer;
  let orchestrator: ScriptedOrchestrator;
  let executors: Executor[] = [];

  beforeAll(async () => {
    nats = await startNatsServer();
  });
  afterAll(() => nats?.kill());
  beforeEach(async () => {
    orchestrator = await createScriptedOrchestrator(nats.url);
  });
  afterEach(async () => {
    await nats.start();
    orchestrator.answerAgain();
    await Promise.all(executors.map((executor) => executor.stop()));
    executors = [];
    await orchestrator.close();
  });

  const create = (options: TestOptions) => {
    const executor = createExecutor({ id: 'e1', servers: nats.url, logger: SILENT, ...options });
    executors.push(executor);
    return executor;
  };
  return {
    get nats() {
      return nats;
    },
    get orchestrator() {
      return orchestrator;
    },
    create,
    async start(options) {
      const executor = create(options);
      await executor.start();
      return executor;
    },
  };
}

export function input(value: unknown): Payload {
  const payload = toPayload(value);
  if (payload === undefined) throw new Error('no payload');
  return payload;
}

type Outcome = Exclude<Report['outcome'], { case: undefined }>;
type OutcomeValues = { [O in Outcome as O['case']]: O['value'] };

/** The outcome of the first report, which must be of that kind. */
export function onlyReport<Case extends Outcome['case']>(
  orchestrator: ScriptedOrchestrator,
  kind: Case,
): OutcomeValues[Case] {
  const outcome = orchestrator.reports[0]?.outcome;
  if (outcome?.case !== kind) throw new Error(`the first report is ${outcome?.case}, not ${kind}`);
  return outcome.value as OutcomeValues[Case];
}
