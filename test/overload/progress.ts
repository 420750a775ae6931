// How does the orchestrator get on meanwhile? Its own metrics, and its memory as the system sees it.

import { readUse } from '../support/proc.ts';
import type { Stack } from '../support/stack.ts';

export interface Look {
  readonly atMs: number;
  /** Runs that have ended, well or not. */
  readonly ended: number;
  readonly completed: number;
  /** READY tasks, as admission counts them. */
  readonly ready: number;
  readonly rssBytes: number;
}

export interface Progress {
  readonly looks: readonly Look[];
  latest(): Look;
  stop(): Promise<void>;
}

const LOOK_EVERY_MS = 100;

export async function followProgress(stack: Stack): Promise<Progress> {
  const looks: Look[] = [await look(stack)];
  let stopped = false;
  const following = (async () => {
    while (!stopped) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      looks.push(await look(stack));
    }
  })();
  return {
    looks,
    latest: () => looks.at(-1) as Look,
    async stop() {
      stopped = true;
      await following;
    },
  };
}

/** All of the samples of one metric, or those with a label, added up. */
export function sumOf(text: string, name: string, label = ''): number {
  let sum = 0;
  for (const line of text.split('\n')) {
    if (!line.startsWith(`${name}{`) && !line.startsWith(`${name} `)) continue;
    if (line.includes(label)) sum += Number(line.slice(line.lastIndexOf(' ') + 1));
  }
  return sum;
}

export async function metricsOf(stack: Stack): Promise<string> {
  return (await fetch(new URL('/metrics', stack.addresses.http))).text();
}

async function look(stack: Stack): Promise<Look> {
  const text = await metricsOf(stack);
  return {
    atMs: performance.now(),
    ended: sumOf(text, 'tutti_runs_ended_total'),
    completed: sumOf(text, 'tutti_runs_ended_total', 'state="COMPLETED"'),
    ready: sumOf(text, 'tutti_admission_ready_tasks'),
    rssBytes: readUse(stack.orchestrator.pid).rssBytes,
  };
}

/** Runs that completed in a second, on the whole. */
export function rateOf(looks: readonly Look[]): number {
  const [first, last] = [looks[0], looks.at(-1)];
  if (first === undefined || last === undefined || last.atMs <= first.atMs) return 0;
  return ((last.completed - first.completed) * 1_000) / (last.atMs - first.atMs);
}
