// How is load offered? In a closed loop, or at fixed times; the same for every contestant.

import { setTimeout as pause } from 'node:timers/promises';
import { nowMs } from './clock.ts';
import type { Measured } from './peer.ts';

export interface Ended {
  /** When the handler began, by nowMs(); undefined where nobody looked. */
  readonly startedAtMs: number | undefined;
}

/** Submits the run of this number and resolves when its end is known. */
export type RunOne = (index: number) => Promise<Ended>;

/** So many runs at once, the next as soon as one has ended. */
export async function closedLoop(
  plan: { readonly runs: number; readonly atOnce: number; readonly tasksOfARun: number },
  runOne: RunOne,
): Promise<Measured> {
  const notes = newNotes();
  const beganMs = nowMs();
  let next = 0;
  const loop = async () => {
    while (next < plan.runs) {
      const index = next++;
      const submittedAtMs = nowMs();
      const ended = await runOne(index);
      // Of several steps, when the last one began says little.
      notes.add(submittedAtMs, plan.tasksOfARun === 1 ? ended : { startedAtMs: undefined });
    }
  };
  await Promise.all(Array.from({ length: Math.min(plan.atOnce, plan.runs) }, loop));
  return notes.measured(beganMs, plan.runs, plan.runs * plan.tasksOfARun);
}

/** A run is late from the time it was due, also where the submitter itself was late: no coordinated omission. */
export async function openLoop(
  plan: { readonly runs: number; readonly runsPerSecond: number; readonly tasksOfARun: number },
  runOne: RunOne,
): Promise<Measured> {
  const notes = newNotes();
  const pending: Promise<void>[] = [];
  const beganMs = nowMs();
  for (let index = 0; index < plan.runs; ) {
    const dueCount = Math.min(plan.runs, Math.floor(((nowMs() - beganMs) * plan.runsPerSecond) / 1_000) + 1);
    for (; index < dueCount; index += 1) {
      const dueAtMs = beganMs + (index * 1_000) / plan.runsPerSecond;
      pending.push(runOne(index).then((ended) => notes.add(dueAtMs, ended)));
    }
    await pause(1);
  }
  await Promise.all(pending);
  return notes.measured(beganMs, plan.runs, plan.runs * plan.tasksOfARun);
}

interface Notes {
  add(submittedAtMs: number, ended: Ended): void;
  measured(beganMs: number, runs: number, tasks: number): Measured;
}

function newNotes(): Notes {
  const startedMs: number[] = [];
  const completedMs: number[] = [];
  return {
    add(submittedAtMs, { startedAtMs }) {
      completedMs.push(nowMs() - submittedAtMs);
      if (startedAtMs !== undefined) startedMs.push(startedAtMs - submittedAtMs);
    },
    measured: (beganMs, runs, tasks) => ({
      seconds: (nowMs() - beganMs) / 1_000,
      runs,
      tasks,
      completedMs,
      ...(startedMs.length > 0 && { startedMs }),
    }),
  };
}

/** Hands `count` in batches to `submit`, some calls at once. */
export async function inBatches(
  count: number,
  plan: { readonly batch: number; readonly inFlight: number },
  submit: (from: number, size: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const loop = async () => {
    while (next < count) {
      const from = next;
      const size = Math.min(plan.batch, count - from);
      next += size;
      await submit(from, size);
    }
  };
  await Promise.all(Array.from({ length: plan.inFlight }, loop));
}
