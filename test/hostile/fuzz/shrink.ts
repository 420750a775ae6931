// What is the least that does the harm? Tried against whole stacks, for a minute and a half.

import { setTimeout as delay } from 'node:timers/promises';
import { type Scene, setScene } from '../scene.ts';
import type { Case } from './draw-case.ts';
import { createGun } from './fire.ts';
import { HEAP_MIB, problemOf } from './hunt.ts';

export interface Guilty {
  readonly cases: readonly Case[];
  readonly what: string;
}

export type Replay = (cases: readonly Case[]) => Promise<string | undefined>;

export interface Replayer extends AsyncDisposable {
  readonly replay: Replay;
}

/** Each harm is done to a stack that is whole: to a fresh one after the harm before. */
export function createReplayer(): Replayer {
  let scene: Scene | undefined;
  async function end(): Promise<void> {
    const last = scene;
    scene = undefined;
    await last?.[Symbol.asyncDispose]();
  }
  return {
    async replay(cases) {
      scene ??= await setScene({ heapMiB: HEAP_MIB });
      const harm = await harmTo(scene, cases);
      if (harm !== undefined) await end();
      return harm;
    },
    [Symbol.asyncDispose]: end,
  };
}

/** An end of the process shows a moment later. */
const SETTLE_MS = 200;

async function harmTo(scene: Scene, cases: readonly Case[]): Promise<string | undefined> {
  const gun = createGun(scene);
  try {
    for (const one of cases) {
      const { fault } = await gun.fire(one);
      const problem = scene.watchdog.problem() ?? fault;
      if (problem !== undefined) return problem;
    }
    await scene.canary.next().catch(() => {});
    await delay(SETTLE_MS);
    return problemOf(scene);
  } finally {
    gun.close();
  }
}

const MAX_ROUNDS = 200;
const MAX_MS = 90_000;

/**
 * The smallest cases found that still do harm, and which; undefined if not even all of them do.
 * @param suspects the likeliest first
 */
export async function shrink(suspects: readonly Case[], replayed: Replay): Promise<Guilty | undefined> {
  const endsAtMs = performance.now() + MAX_MS;
  let rounds = 0;
  const over = () => rounds >= MAX_ROUNDS || performance.now() >= endsAtMs;
  const harmOf = (cases: readonly Case[]) => {
    rounds += 1;
    return replayed(cases);
  };
  const guilty = await firstGuilty(suspects, harmOf);
  if (guilty === undefined) return undefined;
  let { cases, what } = guilty;
  for (let shrunk = true; shrunk && !over(); ) {
    shrunk = false;
    for (const smaller of smallerThan(cases)) {
      if (over()) break;
      const harm = await harmOf(smaller);
      if (harm === undefined) continue;
      cases = smaller;
      what = harm;
      shrunk = true;
      break;
    }
  }
  return { cases, what };
}

/** One by itself if there is such a one among the likeliest, else as many as it takes, oldest first. */
async function firstGuilty(suspects: readonly Case[], harmOf: Replay): Promise<Guilty | undefined> {
  for (const one of suspects.slice(0, 15)) {
    const what = await harmOf([one]);
    if (what !== undefined) return { cases: [one], what };
  }
  for (let count = 15; count <= suspects.length * 2; count *= 2) {
    const cases = suspects.slice(0, count).toReversed();
    const what = await harmOf(cases);
    if (what !== undefined) return { cases, what };
  }
  return undefined;
}

function* smallerThan(cases: readonly Case[]): Generator<readonly Case[]> {
  if (cases.length > 1) {
    for (let size = cases.length >> 1; size >= 1; size >>= 1) {
      for (let at = 0; at < cases.length; at += size) yield cases.toSpliced(at, size);
    }
    return;
  }
  for (const one of cases) for (const smaller of smallerCases(one)) yield [smaller];
}

function* smallerCases(one: Case): Generator<Case> {
  for (const name of Object.keys(one.headers)) {
    const { [name]: _, ...headers } = one.headers;
    yield { ...one, headers };
  }
  const content = Buffer.from(one.raw ?? one.body, 'base64');
  for (let size = content.byteLength >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at < content.byteLength && at < size * 8; at += size) {
      const less = Buffer.concat([content.subarray(0, at), content.subarray(at + size)]).toString('base64');
      yield one.raw === undefined ? { ...one, body: less } : { ...one, raw: less };
    }
  }
}
