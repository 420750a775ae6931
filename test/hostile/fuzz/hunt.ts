// Does anything that is sent do harm? Case after case, some at once, against one real stack, until the time is
// over or the first harm is done: the process ends, its log tells of a defect, an answer is late or has no
// reason, honest work stands still, or the memory is more than it may be.

import { setTimeout as delay } from 'node:timers/promises';
import { OrchestratorService } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { RunState } from '@tutti/proto/tutti/v1/run_pb.ts';
import type { DoorName } from '../corpus.ts';
import { type Scene, setScene } from '../scene.ts';
import { type Case, drawCase, type Known } from './draw-case.ts';
import { createGun } from './fire.ts';
import type { Tally } from './tally.ts';

export interface Finding {
  readonly what: string;
  /** What was under way or just over when it was found, the likeliest first. */
  readonly suspects: readonly Case[];
}

export interface HuntOptions {
  readonly door: DoorName;
  readonly seed: number;
  readonly minutes: number;
  readonly tally: Tally;
  readonly say: (line: string) => void;
}

/** Of the orchestrator. What one message may take at most, twice, and what a process takes for itself. */
export const HEAP_MIB = 768;
/** Beyond the heap: buffers, the store's threads, code. */
export const RSS_LIMIT_MIB = 1_300;
const AT_ONCE = 12;
const KEPT_SUSPECTS = 100;
const CHECK_MS = 500;
const SAY_MS = 10_000;
/** How long honest work may take while all of this goes on. */
const CANARY_LIMIT_MS = 30_000;

export async function hunt(options: HuntOptions): Promise<Finding | undefined> {
  await using scene = await setScene({ heapMiB: HEAP_MIB });
  const { door, seed, tally, say } = options;
  const endsAtMs = performance.now() + options.minutes * 60_000;
  const recent: Case[] = [];
  const underWay = new Set<Case>();
  const known = knownOf(scene);
  let finding: Finding | undefined;
  let number = 0;
  const over = () => finding !== undefined || performance.now() >= endsAtMs;
  const found = (what: string, ...first: Case[]) => {
    finding ??= { what, suspects: [...first, ...underWay, ...recent.toReversed()] };
  };

  const shoot = async () => {
    const gun = createGun(scene);
    while (!over()) {
      const one = drawCase(door, seed, number, known);
      number += 1;
      underWay.add(one);
      const { answer, fault } = await gun.fire(one);
      underWay.delete(one);
      recent.push(one);
      if (recent.length > KEPT_SUSPECTS) recent.shift();
      tally.add(answer);
      // A dead process answers nothing: that it is dead is the news.
      const problem = scene.watchdog.problem() ?? (fault !== undefined && (await aliveOrNot(scene))) ?? fault;
      if (typeof problem === 'string') found(problem, one);
      else if (fault !== undefined) found(fault, one);
    }
    gun.close();
  };
  const check = async () => {
    for (let nextSayMs = performance.now() + SAY_MS; !over(); await delay(CHECK_MS)) {
      const problem = problemOf(scene);
      if (problem !== undefined) found(problem);
      if (performance.now() < nextSayMs) continue;
      nextSayMs += SAY_MS;
      say(`${tally.line()}; ${scene.watchdog.rssMiB()} MiB; the canary sang ${scene.canary.completed} times`);
    }
  };
  await Promise.all([...Array.from({ length: AT_ONCE }, shoot), check(), tidyUp(scene, over)]);
  // What was refused must not have left anything behind that shows only later.
  if (finding === undefined) await scene.canary.next().catch((error: unknown) => found(String(error)));
  const problem = problemOf(scene);
  if (problem !== undefined) found(problem);
  tally.memory(scene.watchdog.rssMiB(), scene.watchdog.peakRssMiB());
  return finding;
}

/** The end of a process is known a moment after its connections are gone. */
async function aliveOrNot(scene: Scene): Promise<string | undefined> {
  await delay(300);
  return scene.watchdog.problem();
}

/** What is wrong with the stack, whatever was answered. */
export function problemOf(scene: Scene): string | undefined {
  const problem = scene.watchdog.problem() ?? scene.canary.problem;
  if (problem !== undefined) return problem;
  const silentMs = scene.canary.silentMs;
  if (silentMs > CANARY_LIMIT_MS) return `honest work has stood still for ${Math.round(silentMs / 1_000)} s`;
  const rssMiB = scene.watchdog.rssMiB();
  return rssMiB > RSS_LIMIT_MIB ? `${rssMiB} MiB of memory, ${RSS_LIMIT_MIB} are allowed` : undefined;
}

/** Sessions and tokens that are good for something. */
function knownOf({ values }: Scene): Known {
  const some = (...names: string[]) => names.flatMap((name) => values[name] ?? []);
  return {
    session: some('anna.session', 'bob.session'),
    leaseToken: some('anna.token', 'bob.token', 'stale'),
    held: some('anna.token', 'stale'),
  };
}

const { listRuns, cancelRun } = OrchestratorService.method;
const TIDY_MS = 1_000;
const OPEN_STATES = [RunState.RUNNING, RunState.COMPENSATING];

/** Runs that were rightly accepted would fill the memory, rightly. */
async function tidyUp({ rpc }: Scene, over: () => boolean): Promise<void> {
  while (!over()) {
    for (const namespace of ['default', 'fuzz']) {
      try {
        const { runs } = await rpc.call(listRuns, { namespace, states: OPEN_STATES, pageSize: 500 });
        const done = runs.map(({ runId }) => rpc.call(cancelRun, { namespace, runId }).catch(() => {}));
        await Promise.all(done);
      } catch {
        // The hunt itself finds out what is wrong.
      }
    }
    await delay(TIDY_MS);
  }
}
