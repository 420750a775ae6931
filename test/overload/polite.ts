// What do ordinary clients see during the overload? One that only looks at what it is told, and one that does
// as it is told, with the SDK.

import { createClient, TuttiError } from '@tutti/client';
import { percentile } from '../bench/measure.ts';
import { pause } from './load.ts';

export interface PoliteView {
  /** Calls that were refused, and those of them that had code, reason and hint. */
  refused: number;
  wellRefused: number;
  readonly refusedMs: number[];
  readonly hintsMs: number[];
  /** Of the client that comes again when it is told to. */
  submitted: number;
  readonly submitMs: number[];
  /** What it was not spared. */
  readonly failures: string[];
}

const LOOK_EVERY_MS = 50;

/** @param over when to stop; calls under way are waited for */
export async function bePolite(address: string, over: () => boolean): Promise<PoliteView> {
  const view: PoliteView = {
    refused: 0,
    wellRefused: 0,
    refusedMs: [],
    hintsMs: [],
    submitted: 0,
    submitMs: [],
    failures: [],
  };
  await Promise.all([look(address, view, over), submit(address, view, over)]);
  return view;
}

async function look(address: string, view: PoliteView, over: () => boolean): Promise<void> {
  const client = createClient({ address, retry: { maxAttempts: 1 } });
  while (!over()) {
    const beganAtMs = performance.now();
    try {
      await client.submit({ capability: 'noop' });
    } catch (error) {
      view.refused += 1;
      view.refusedMs.push(performance.now() - beganAtMs);
      const isWell =
        error instanceof TuttiError &&
        error.code === 'RESOURCE_EXHAUSTED' &&
        error.reason === 'LIMIT_REACHED';
      if (isWell && (error.retryDelayMs ?? 0) > 0) {
        view.wellRefused += 1;
        view.hintsMs.push(error.retryDelayMs ?? 0);
      } else view.failures.push(String(error));
    }
    await pause(LOOK_EVERY_MS);
  }
  client.close();
}

async function submit(address: string, view: PoliteView, over: () => boolean): Promise<void> {
  const client = createClient({ address });
  while (!over()) {
    const beganAtMs = performance.now();
    try {
      await client.submit({ capability: 'noop' }, { timeoutMs: 60_000 });
      view.submitted += 1;
      view.submitMs.push(performance.now() - beganAtMs);
    } catch (error) {
      view.failures.push(`the SDK: ${String(error)}`);
    }
    await pause(LOOK_EVERY_MS);
  }
  client.close();
}

/** Of some latencies, for people. */
export function spread(values: readonly number[]): string {
  if (values.length === 0) return 'none';
  const ms = (share: number) => percentile(values, share).toFixed(0);
  return `median ${ms(0.5)}, 99 % ${ms(0.99)}, most ${ms(1)} ms`;
}
