// A time of faults under load, a time of healing, and a judgement over all that was written down.

import { createClient } from '@tutti/client/client';
import { createRandom } from '../simulation/world/random.ts';
import { audit, type Verdict } from './audit/audit.ts';
import { readStoredLog } from './audit/log.ts';
import { type Clients, startClients } from './clients.ts';
import { type CycleNote, runCycle } from './cycle.ts';
import { drawFaults, type Fault } from './faults.ts';
import { findLosses, type Loss } from './losses.ts';
import { readNotes } from './notes.ts';
import { followPulse, type Pulse } from './pulse.ts';
import { KINDS } from './shapes.ts';
import { openStage, type Stage } from './stage.ts';

export interface ChaosOptions {
  readonly seed: number;
  /** Whichever comes first ends it. */
  readonly minutes: number;
  readonly cycles: number;
  readonly leaseMs: number;
  /** A recovery that takes longer, from when the process says that it is ready, is a violation. */
  readonly recoveryLimitMs: number;
  /** So is a loss that is noticed later than a lease and this much. */
  readonly noticeMarginMs: number;
  /** How many runs are under way at once. */
  readonly clients: number;
  readonly evenly: boolean;
  /** Where it makes a folder of its own; removed at the end, unless it is to be kept. */
  readonly parentFolder: string;
  readonly keep: boolean;
  /** Told of each cycle. */
  readonly say: (line: string) => void;
  /** Told while a process is away or stands still. */
  readonly struck?: (fault: Fault) => void;
  /** Told of every line that any process logs. */
  readonly log: (line: string) => void;
  /** Aborted: all is torn down, and it throws. */
  readonly signal: AbortSignal;
}

export interface ChaosOutcome {
  readonly cycles: readonly CycleNote[];
  readonly losses: readonly Loss[];
  /** What did not hold; empty: all did. */
  readonly violations: readonly string[];
  readonly verdict: Verdict;
  readonly submissions: { readonly acknowledged: number; readonly unanswered: number };
  /** Of clients, in spite of the SDK's repeats, by code. */
  readonly failures: ReadonlyMap<string, number>;
}

const EXECUTORS = 3;
const SLOTS = 8;
/** From the last fault to the end of every run. */
const HEALING_MS = 90_000;

export async function runChaos(options: ChaosOptions): Promise<ChaosOutcome> {
  const { seed, leaseMs, parentFolder, keep, log, signal } = options;
  const stage = await openStage({ executors: EXECUTORS, slots: SLOTS, leaseMs, parentFolder, keep, log });
  const watching = createClient({ address: stage.addresses.grpc });
  const pulse = followPulse(watching);
  const clients = startClients({
    address: stage.addresses.grpc,
    random: createRandom(seed, 'load'),
    count: options.clients,
    first: KINDS,
  });
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    if (signal.aborted) reject(signal.reason);
  });
  aborted.catch(() => {});
  try {
    return await Promise.race([aborted, play(options, stage, pulse, clients)]);
  } finally {
    clients.dispose();
    await pulse.dispose();
    watching.close();
    await stage.dispose();
    if (keep) options.say(`kept: ${stage.folder}`);
  }
}

async function play(
  options: ChaosOptions,
  stage: Stage,
  pulse: Pulse,
  clients: Clients,
): Promise<ChaosOutcome> {
  const violations: string[] = [];
  const cycles = await strikeAgainAndAgain(options, stage, pulse, violations);
  await heal(options, pulse, clients, violations);
  clients.dispose();
  await pulse.dispose();
  // Whoever does not end as told has lost nothing by it, but should have.
  await stage.stop().catch((error: unknown) => violations.push(`at the end: ${String(error)}`));
  const verdict = audit({
    log: readStoredLog(stage.dataFolder),
    clients: clients.notes,
    executors: readNotes(stage.notesFolder),
    seen: pulse.seen,
    slots: SLOTS,
  });
  const losses = findLosses(cycles, verdict.histories.leases.values(), (index) => stage.executorId(index));
  violations.push(...judgeTimes(options, cycles, losses), ...verdict.violations);
  const acknowledged = clients.notes.submissions.filter(({ runId }) => runId !== undefined).length;
  const unanswered = clients.notes.submissions.length - acknowledged;
  const submissions = { acknowledged, unanswered };
  return { cycles, losses, violations, verdict, submissions, failures: clients.failures };
}

async function strikeAgainAndAgain(
  options: ChaosOptions,
  stage: Stage,
  pulse: Pulse,
  violations: string[],
): Promise<readonly CycleNote[]> {
  const { seed, leaseMs, evenly, signal, say, struck = () => {} } = options;
  const cycles: CycleNote[] = [];
  const endAtMs = Date.now() + options.minutes * 60_000;
  await pulse.first('completed', 0, HEALING_MS);
  for (const fault of drawFaults({ seed, executorCount: EXECUTORS, leaseMs, evenly })) {
    if (cycles.length >= options.cycles || Date.now() >= endAtMs) break;
    const name = `cycle ${cycles.length + 1} (${describeFault(fault, stage)})`;
    try {
      const cycle = await runCycle({ stage, pulse, fault, leaseMs, signal, struck });
      cycles.push(cycle);
      for (const complaint of cycle.complaints) violations.push(`${name}: ${complaint}`);
      const { completedMs, dispatchedMs, readyAtMs, upAtMs } = cycle;
      say(
        `${name}: ready after ${readyAtMs - upAtMs} ms, work given out after ${
          dispatchedMs ?? '(in vain)'
        } ms, done after ${completedMs ?? '(in vain)'} ms`,
      );
    } catch (error) {
      signal.throwIfAborted();
      // Nothing can be said of what follows such a cycle but what the log says.
      violations.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      break;
    }
  }
  return cycles;
}

function describeFault({ kind, executor, holdMs }: Fault, stage: Stage): string {
  const what = kind.startsWith('executor') ? kind.replace('executor', stage.executorId(executor)) : kind;
  return kind.endsWith('gone') ? what : `${what}, ${holdMs} ms`;
}

async function heal(
  { say }: ChaosOptions,
  pulse: Pulse,
  clients: Clients,
  violations: string[],
): Promise<void> {
  say('healing: every run is to end');
  const late = new Promise<'late'>((resolve) => setTimeout(() => resolve('late'), HEALING_MS).unref());
  try {
    const outcome = await Promise.race([clients.finish(), late]);
    if (outcome === 'late')
      violations.push(`${HEALING_MS} ms after the last fault clients still wait for runs`);
  } catch (error) {
    violations.push(`a client gave up: ${error instanceof Error ? error.stack : String(error)}`);
  }
  // Also those whose submission nobody was told of.
  const open = await pulse.untilAllEnded(HEALING_MS / 3);
  if (open.length > 0) violations.push(`the watcher saw no end of ${open.slice(0, 5).join(', ')}`);
  const failure = pulse.failure();
  if (failure !== undefined) violations.push(`the watcher was cut off: ${String(failure)}`);
}

function judgeTimes(
  { recoveryLimitMs, noticeMarginMs, leaseMs }: ChaosOptions,
  cycles: readonly CycleNote[],
  losses: readonly Loss[],
): readonly string[] {
  const slow = cycles.flatMap(({ fault, upAtMs, readyAtMs, completedMs }, index) => {
    if (completedMs !== undefined && completedMs - (readyAtMs - upAtMs) <= recoveryLimitMs) return [];
    const took = completedMs === undefined ? 'no task was done' : `${completedMs} ms to the first task done`;
    return [
      `recovery from cycle ${index + 1} (${fault.kind}): ${took}; ready after ${readyAtMs - upAtMs} ms; at most ${recoveryLimitMs} ms between`,
    ];
  });
  const limitMs = leaseMs + noticeMarginMs;
  const late = losses
    .filter(({ noticedMs }) => noticedMs > limitMs)
    .map(({ executorId, noticedMs }) => `${executorId} was lost for ${noticedMs} ms; at most ${limitMs} ms`);
  return [...slow, ...late];
}
