// A whole cluster in one process: orchestrator, disk, network, executors, clients and watchers, under one
// virtual clock, as a plan says.

import { createInputSchemas } from '../../../services/orchestrator/src/api/input-schema.ts';
import { createSchemaChecker } from '../../../services/orchestrator/src/api/schema-checker.ts';
import { createExpressionCompiler } from '../../../services/orchestrator/src/expressions/compiler.ts';
import type { Observation } from '../invariants/observation.ts';
import { Violation } from '../invariants/violation.ts';
import type { ExecutorPlan, Plan } from '../scenario/plan.ts';
import { type Client, createClient } from './client.ts';
import type { Coverage } from './coverage.ts';
import { createDisk, type Disk } from './disk.ts';
import { createExecutor, type SimulatedExecutor } from './executor.ts';
import { createNetwork, type Network, ORCHESTRATOR } from './network.ts';
import { type Process, startProcess } from './process.ts';
import { createRandom, type Random } from './random.ts';
import { createTime, type Time } from './time.ts';
import type { Watcher } from './watcher.ts';

export interface Cluster {
  readonly plan: Plan;
  readonly time: Time;
  readonly random: Random;
  readonly coverage: Coverage;
  readonly disk: Disk;
  readonly network: Network;
  readonly executors: readonly SimulatedExecutor[];
  readonly watchers: Watcher[];
  readonly client: Client;
  readonly expressions: ReturnType<typeof createExpressionCompiler>;
  readonly schemas: ReturnType<typeof createSchemaChecker>;
  readonly see: (observation: Observation) => void;
  /** Those that have not ended. Mostly one; two while one replaces another that stands still. */
  readonly processes: readonly Process[];
  /** Right after the effects of a commit have left a process. */
  published: (process: Process) => void;
  start(skewMs: number): Process;
  /** Of a process that has ended, or is about to: nobody talks to it any more. */
  kill(process: Process, how: 'KILL' | 'POWER_LOSS'): void;
  stop(process: Process): void;
  /** Whom a message reaches at the moment. */
  route(): Process | undefined;
  addExecutor(plan: ExecutorPlan): void;
  /** The first thing that must never happen. */
  readonly broken: () => Violation | undefined;
  breaks(violation: Violation): void;
}

/** They keep nothing but what was compiled once, whichever simulation asks. */
const expressions = createExpressionCompiler();
const schemas = createSchemaChecker(createInputSchemas());

export function createCluster(
  plan: Plan,
  coverage: Coverage,
  watch: (observation: Observation) => void,
): Cluster {
  const time = createTime();
  const random = createRandom(plan.seed, 'world');
  const network = createNetwork(time, random.fork('network'), coverage);
  const processes: Process[] = [];
  const executors: SimulatedExecutor[] = [];
  const tokens: string[] = [];
  let started = 0;
  let calls = 0;
  let violation: Violation | undefined;

  const breaks = (found: Violation): void => {
    violation ??= found;
  };
  const see = (observation: Observation): void => {
    if (violation !== undefined) return;
    try {
      watch(observation);
    } catch (error) {
      breaks(error instanceof Violation ? error : new Violation('D.3', (error as Error).stack ?? ''));
    }
  };
  const disk = createDisk({ time, random: random.fork('disk'), coverage, see });
  const client = createClient({
    time,
    ask(namespace, name, input, answered, lost) {
      const process = cluster.route();
      network.request<Parameters<typeof answered>[0]>(
        (reply) => {
          if (process === undefined) time.after(1, lost);
          else process.life.after(0, () => process.ask(namespace, name, input, reply));
        },
        answered,
        lost,
      );
    },
  });

  const cluster: Cluster = {
    plan,
    time,
    random,
    coverage,
    disk,
    network,
    executors,
    watchers: [],
    client,
    expressions,
    schemas,
    see,
    processes,
    published: () => {},
    start(skewMs) {
      started += 1;
      const process: Process = startProcess({
        id: started,
        time,
        disk,
        skewMs,
        expressions,
        schemas,
        see,
        send(namespace, deliveries) {
          for (const delivery of deliveries) {
            const executor = find(namespace, delivery.executorId);
            if (executor === undefined) continue;
            network.message(ORCHESTRATOR, executor.id, () => executor.receive(delivery));
          }
        },
        published: () => cluster.published(process),
        broken: breaks,
        nextCall: () => ++calls,
        ended: () => gone(process),
      });
      processes.push(process);
      return process;
    },
    kill: (process, how) => process.kill(how),
    stop(process) {
      process.stop().catch((error: Error) => breaks(new Violation('D.4', error.stack ?? error.message)));
    },
    route() {
      const serving = processes.filter((process) => process.serves());
      return serving.length < 2 ? serving[0] : random.pick(serving);
    },
    addExecutor(own) {
      const from = own.executorId;
      const executor = createExecutor({
        plan: own,
        time,
        random: random.fork(own.id),
        coverage,
        tokens,
        ask(name, input, answered) {
          network.message(from, ORCHESTRATOR, () => {
            const process = cluster.route();
            process?.life.after(0, () =>
              process.ask(own.namespace, name, input, (reply) =>
                network.message(ORCHESTRATOR, from, () => answered(reply)),
              ),
            );
          });
        },
        workBegan: (leaseToken) =>
          see({
            type: 'WorkBegan',
            atMs: time.nowMs(),
            executorId: from,
            leaseToken,
            namespace: own.namespace,
          }),
      });
      executors.push(executor);
    },
    broken: () => violation,
    breaks,
  };

  function find(namespace: string, executorId: string): SimulatedExecutor | undefined {
    return executors.find((each) => each.id === executorId && each.namespace === namespace);
  }

  function gone(process: Process): void {
    const index = processes.indexOf(process);
    if (index >= 0) processes.splice(index, 1);
    for (const watcher of cluster.watchers) watcher.disconnected(process);
  }

  return cluster;
}
