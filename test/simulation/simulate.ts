// Runs one simulation: a time of faults, a time of healing, and a last look at everything.

import { fromBinary } from '@bufbuild/protobuf';
import { EventSchema } from '@tutti/proto/tutti/v1/event_pb.ts';
import { isFinalRun } from '../../services/orchestrator/src/domain/states.ts';
import type { Observation } from './invariants/observation.ts';
import { Violation } from './invariants/violation.ts';
import { createWitness } from './invariants/witness.ts';
import { type ExecutorPlan, namespacesOf, type Plan } from './scenario/plan.ts';
import { type Cluster, createCluster } from './world/cluster.ts';
import type { Coverage } from './world/coverage.ts';
import { createPeople, type People } from './world/people.ts';
import { createStrikes } from './world/strikes.ts';
import { BEGINNING_MS } from './world/time.ts';
import { startWatcher } from './world/watcher.ts';
import { CAPABILITIES } from './world/work.ts';

export interface Outcome {
  readonly violation: Violation | undefined;
  /** How many things happened one after the other. */
  readonly steps: number;
  readonly virtualMs: number;
}

/** From the end of the faults to the end of everything, at most. */
const HEALING_MS = 15 * 60_000;
/** What a simulation that never comes to rest is cut off at. */
const MAX_STEPS = 60_000;
const HELP_EVERY_MS = 3_000;

/** @param watch sees what the witness sees, for a trace */
export async function simulate(
  plan: Plan,
  coverage: Coverage,
  watch: (observation: Observation) => void = () => {},
): Promise<Outcome> {
  const witness = createWitness();
  const cluster = createCluster(plan, coverage, (observation) => {
    watch(observation);
    note(observation, coverage);
    witness.see(observation);
  });
  const { time } = cluster;
  const strikes = createStrikes(cluster);
  const people = createPeople(cluster);
  let steps = 0;

  async function runUntil(over: () => Promise<boolean> | boolean): Promise<boolean> {
    for (let checkAtMs = 0; cluster.broken() === undefined && steps < MAX_STEPS; steps += 1) {
      if (time.nowMs() >= checkAtMs) {
        if (await over()) return true;
        checkAtMs = time.nowMs() + 250;
      }
      if (!(await time.step())) return false;
    }
    return false;
  }

  begin(cluster, people, (fault) => strikes.strike(fault));
  await runUntil(() => time.nowMs() >= BEGINNING_MS + plan.faultsUntilMs);
  strikes.heal();
  for (const namespace of namespacesOf(plan)) cluster.addExecutor(helper(namespace));
  for (const watcher of cluster.watchers) watcher.behave();
  helpFromTimeToTime(cluster, people);
  const deadlineMs = time.nowMs() + HEALING_MS;
  const rested = await runUntil(async () => time.nowMs() > deadlineMs || (await isAtRest(cluster)));
  if (cluster.broken() === undefined) await lookAtRest(cluster, rested && time.nowMs() <= deadlineMs);
  if (cluster.broken() === undefined) {
    await witness.atRest(cluster.disk.read(), time.nowMs()).catch((error: unknown) => {
      cluster.breaks(error instanceof Violation ? error : new Violation('D.3', (error as Error).stack ?? ''));
    });
  }
  for (const process of [...cluster.processes]) cluster.kill(process, 'KILL');
  return { violation: cluster.broken(), steps, virtualMs: time.nowMs() - BEGINNING_MS };
}

/** What a simulation came by, besides faults. */
function note(observation: Observation, coverage: Coverage): void {
  if (observation.type === 'Durable') {
    for (const { payload } of observation.batch.events) {
      coverage.event(fromBinary(EventSchema, payload).change.case ?? 'nothing');
    }
  } else if (observation.type === 'Replied') {
    const { name, reply } = observation;
    coverage.answer(`${name} ${reply.ok ? 'ok' : reply.rejection.code}`);
  }
}

function begin(cluster: Cluster, people: People, strike: (fault: Plan['faults'][number]) => void): void {
  const { plan, time, random, coverage, see } = cluster;
  const at = (atMs: number, action: () => void) => time.at(BEGINNING_MS + atMs, action);
  for (const executor of plan.executors) cluster.addExecutor(executor);
  for (const run of plan.runs) at(run.atMs, () => people.submit(run));
  for (const action of plan.actions) at(action.atMs, () => people.act(action));
  for (const fault of plan.faults) at(fault.atMs, () => strike(fault));
  for (const watcher of plan.watchers) {
    at(watcher.atMs, () => {
      cluster.watchers.push(
        startWatcher({
          plan: watcher,
          runId: watcher.run,
          time,
          random: random.fork(watcher.id),
          coverage,
          see,
          route: cluster.route,
          truth: () => truthOf(cluster, watcher.namespace, watcher.run),
        }),
      );
    });
  }
}

async function truthOf({ disk }: Cluster, namespace: string, runId: string | undefined) {
  const store = disk.read();
  const row = runId === undefined ? undefined : await store.getRun(namespace, runId);
  const overAt = row !== undefined && isFinalRun(row.phase) ? row.lastRevision : undefined;
  return { latestRevision: await store.latestRevision(namespace), overAt, isGone: row === undefined };
}

/** Can do everything, and does. */
function helper(namespace: string): ExecutorPlan {
  const capabilities = CAPABILITIES.map((name) => ({ name, version: '', maxConcurrency: 0 }));
  return {
    id: `helper ${namespace}`,
    executorId: `helper-${namespace}`,
    namespace,
    slots: 10,
    capabilities,
    honest: true,
  };
}

function helpFromTimeToTime(cluster: Cluster, people: People): void {
  cluster.time.after(HELP_EVERY_MS, () => {
    void people.help();
    helpFromTimeToTime(cluster, people);
  });
}

async function isAtRest(cluster: Cluster): Promise<boolean> {
  if (cluster.client.open() > 0) return false;
  if (cluster.route() === undefined) return false;
  if (cluster.executors.some((executor) => executor.busy() > 0)) return false;
  if ((await cluster.disk.read().activeNamespaces()).length > 0) return false;
  for (const watcher of cluster.watchers) {
    if (!watcher.isDone(await watcher.truth())) return false;
  }
  return true;
}

/** P8: with everybody well, everything comes to its end. */
async function lookAtRest(cluster: Cluster, rested: boolean): Promise<void> {
  if (rested) return;
  const open = [];
  const store = cluster.disk.read();
  for (const namespace of await store.activeNamespaces()) {
    for await (const run of store.loadActiveRuns(namespace)) {
      const tasks = await store.listTasks(namespace, run.run, { states: [], after: -1, limit: 100 });
      const states = tasks.map(({ key, state, reason }) => `${key} ${state} ${reason}`);
      open.push(`${namespace}/${run.runId}: ${states.join(', ')}`);
    }
  }
  const { client, executors, watchers } = cluster;
  const busy = executors.map((executor) => `${executor.id} holds ${executor.busy()}`);
  const what = [...open, `${client.open()} calls open`, ...busy, `${watchers.length} watchers`].join('; ');
  cluster.breaks(new Violation('P8.0', `everything is mended, and yet there is no end: ${what}`));
}
