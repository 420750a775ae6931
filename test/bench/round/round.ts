// One round of one contestant, in a process of its own: nothing that another one left is in its way, neither
// garbage nor code that was compiled for somebody else. The order is the first argument, the answer is on stdout.

import { median, percentile } from '../measure.ts';
import type { Load, Measured, Peer, PeerModule, Running } from '../peers/peer.ts';
import type { ComparedWorkload, Contestant } from '../workloads/workload.ts';
import type { RoundOrder, RoundResult } from './order.ts';
import { createPace } from './pace.ts';
import type { Headline, Part, Percentiles } from './part.ts';
import { countSystemCalls } from './system-calls.ts';
import { cpuSeconds, forgetPeaks, peakMegabytes, presentMegabytes } from './use.ts';

const COUNTED_RUNS = 50;

const order = JSON.parse(process.argv[2] ?? '{}') as RoundOrder;
const say = (line: string) => process.stderr.write(`${line}\n`);

const { peers } = (await import(order.module)) as PeerModule;
const peer = peers.find(({ name }) => name === order.contestant);
if (peer === undefined) throw new Error(`${order.module} has no contestant ${order.contestant}`);
const { folder } = order;
let running: Running | undefined;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => void stop().finally(() => process.exit(1)));
}
// A worker or a server that ended too soon.
process.once('uncaughtException', (error) => {
  say(`${error.stack}`);
  void stop().finally(() => process.exit(1));
});
try {
  running = await peer.start({ folder, cache: order.cache, slots: order.slots, say });
  process.stdout.write(`${JSON.stringify(await play(peer, running))}\n`);
} catch (error) {
  process.exitCode = 1;
  say(error instanceof Error ? `${error.stack}` : String(error));
} finally {
  await stop();
}
// Whatever a client library still keeps open.
process.exit();

async function stop(): Promise<void> {
  await running?.stop().catch((error: unknown) => say(`${order.contestant} did not stop cleanly: ${error}`));
}

async function play(contestant: Peer, live: Running): Promise<RoundResult> {
  const idle = { version: live.version, idleMegabytes: presentMegabytes(live.processes()) };
  if (order.purpose === 'COUNT') {
    if (!contestant.kinds.includes('latency-serial')) return { ...idle, parts: [] };
    const work = { kind: 'latency-serial', runs: COUNTED_RUNS, atOnce: 1 } as const;
    await live.run(work);
    const count = async () => void (await live.run(work));
    return {
      ...idle,
      parts: [],
      systemCalls: await countSystemCalls(live.processes(), folder, work.runs, count),
    };
  }
  const module = (await import(new URL(`../workloads/${order.workload}.ts`, import.meta.url).href)) as {
    workload: ComparedWorkload;
  };
  const parts: Part[] = [];
  const { slots, tasks } = order;
  await module.workload.round(measuring(contestant, live, parts), { slots, tasks, rounds: undefined, say });
  return { ...idle, parts };
}

function measuring(contestant: Peer, live: Running, parts: Part[]): Contestant {
  const can: Contestant['can'] = (kind) => contestant.kinds.includes(kind);
  const pace = createPace((load) => live.run(load));
  return {
    can,
    async warmUp(load) {
      if (can(load.kind)) await pace.warmUp(load);
    },
    async measure(name, whole) {
      if (!can(whole.kind)) return undefined;
      const load = pace.cut(whole);
      forgetPeaks(live.processes());
      const before = cpuSeconds(live.processes());
      const measured = await live.run(load);
      const after = cpuSeconds(live.processes());
      const used = Object.entries(after).map(([role, seconds]) => [role, seconds - (before[role] ?? 0)]);
      const part: Part = {
        name,
        headline: headlineOf(load),
        ...times(measured),
        cpuSeconds: Object.fromEntries(used),
        peakMegabytes: peakMegabytes(live.processes()),
      };
      parts.push(part);
      return part;
    },
  };
}

function headlineOf(load: Load): Headline {
  switch (load.kind) {
    case 'flat-large':
    case 'flat-single':
      return 'tasksPerSecond';
    case 'three-step':
    case 'latency-serial':
      return load.atOnce === 1 ? 'completedMs' : 'runsPerSecond';
    case 'latency-open':
    case 'chain':
    case 'fan':
      return 'completedMs';
  }
}

function times({ seconds, runs, tasks, startedMs, completedMs }: Measured) {
  return {
    seconds,
    runs,
    tasks,
    ...(startedMs !== undefined && { startedMs: percentiles(startedMs) }),
    ...(completedMs !== undefined && { completedMs: percentiles(completedMs) }),
  };
}

function percentiles(values: readonly number[]): Percentiles {
  return { p50: median(values), p99: percentile(values, 0.99), p999: percentile(values, 0.999) };
}
