// A graphile-worker, in a process of its own: takes jobs, tells which runs have ended.

import { EventEmitter } from 'node:events';
import { type JobHelpers, Logger, run, type WorkerEvents } from 'graphile-worker';
import { nowMs } from '../clock.ts';
import { fibo } from '../fibo.ts';
import { tellCounted, tellEnded, workerReady, workerSettings } from '../worker-side.ts';

export interface Payload {
  /** Of the run that ends with its last step. */
  readonly run?: string;
  readonly counts?: boolean;
  /** Steps that follow this one. */
  readonly more?: number;
  readonly fibo?: number | undefined;
}

const { worker } = workerSettings<{ worker: GraphileConfig.WorkerOptions }>();

const events: WorkerEvents = new EventEmitter();
const beganAtMs = new Map<string, number>();
// Emitted once the result has been written to the database.
events.on('job:complete', ({ job, error }) => {
  const payload = job.payload as Payload;
  const beganMs = beganAtMs.get(job.id) ?? nowMs();
  beganAtMs.delete(job.id);
  if (error) return;
  if (payload.counts === true) tellCounted();
  if (payload.run !== undefined && !payload.more) tellEnded(payload.run, beganMs);
});

async function step(payload: Payload, { job, addJob }: JobHelpers): Promise<void> {
  if (payload.run !== undefined) beganAtMs.set(job.id, nowMs());
  if (payload.fibo !== undefined) fibo(payload.fibo);
  // It knows no dependencies: a step adds the next one (worker.graphile.org/docs/tasks, helpers.addJob).
  if (payload.more) await addJob('step', { ...payload, more: payload.more - 1 });
}

const runner = await run({
  preset: { worker },
  events,
  noHandleSignals: true,
  parsedCronItems: [],
  logger: new Logger(() => (level, message) => {
    if (level === 'error' || level === 'warning') process.stderr.write(`graphile-worker: ${message}\n`);
  }),
  taskList: { step: (payload, helpers) => step(payload as Payload, helpers) },
});
workerReady(() => runner.stop());
