// Temporal: its server on PostgreSQL, and Go programs; one works workflows and activities, one starts workflows. A
// task is an activity.

import { join } from 'node:path';
import { goBuild } from '../go-program.ts';
import { createLedger, type Ledger } from '../ledger.ts';
import { type LineProgram, startLineProgram } from '../line-program.ts';
import { closedLoop, openLoop, type RunOne } from '../loops.ts';
import type { Load, Measured, Peer } from '../peer.ts';
import { findPostgres, NO_POSTGRES, postgresVersion, startPostgres } from '../postgres.ts';
import { prepareServer, SERVER, startTemporal } from './server.ts';

/** Of program/go.mod. */
const SDK = '1.50.0';
/** As program/workflows.go has it. */
const TASKS_OF_AN_EXECUTION = 100;
const EXECUTIONS_AT_ONCE = 40;
/** Starts at once: an execution is started by a call of its own, there is none for many. */
const STARTS_AT_ONCE = 256;
/**
 * At some hundred a second nobody waits for 200,000, and its rate does not depend on how many there are. Where runs
 * are submitted at fixed times, or one after the other, it has as many as everybody.
 */
const MOST_TASKS = 20_000;
const MOST_RUNS = 2_000;

const temporal: Peer = {
  name: 'temporal',
  settings:
    'server with all services in one process, 512 history shards, PostgreSQL synchronous_commit on; one worker process (Go), poller autoscaling, eager activities',
  durability: 'FSYNC',
  kinds: ['flat-large', 'flat-single', 'latency-serial', 'latency-open', 'three-step', 'chain', 'fan'],
  async prepare(cache, say) {
    if (findPostgres() === undefined) return NO_POSTGRES;
    return (
      (await prepareServer(cache, say)) ??
      (await goBuild(new URL('program/', import.meta.url), join(cache, 'program'), say))
    );
  },
  async start({ folder, cache, slots }) {
    const stops: (() => Promise<unknown>)[] = [];
    const stop = async () => {
      for (const each of stops.splice(0).reverse()) await each();
    };
    try {
      const postgres = await startPostgres(folder);
      stops.push(() => postgres.stop());
      const { address, server } = await startTemporal(cache, folder, Number(new URL(postgres.url).port));
      stops.push(() => server.stop());
      const ledger = createLedger();
      const start = async (mode: 'work' | 'submit') => {
        const program = await startLineProgram({
          name: `temporal ${mode}`,
          command: join(cache, 'program'),
          args: ['-mode', mode, '-address', address, '-slots', String(slots)],
          line: (line) => hear(ledger, line),
        });
        stops.push(() => program.stop());
        return program;
      };
      const died = server.ended.then((why) => Promise.reject<never>(new Error(why)));
      died.catch(() => {});
      // It is ready when a workflow has ended.
      const worker = await Promise.race([start('work'), died]);
      const submitter = await start('submit');
      return {
        version: `Temporal ${SERVER}, Go SDK ${SDK}, ${await postgresVersion()}`,
        processes: () => [
          { role: 'temporal-server', pid: server.pid },
          { role: 'postgres', pid: postgres.pid, descendants: true },
          { role: 'worker', pid: worker.pid },
          { role: 'load', pid: submitter.pid },
        ],
        run: (load) =>
          Promise.race([runLoad(submitter, ledger, load), died, worker.failed, submitter.failed]),
        stop,
      };
    } catch (error) {
      await stop();
      throw error;
    }
  },
};

/** "ended RUN STARTED_AT_MS", 0 where nobody looked. */
function hear(ledger: Ledger, line: string): void {
  const [what, run = '', startedAtMs] = line.split(' ');
  if (what !== 'ended') throw new Error(`temporal said ${line}`);
  ledger.tell(run, Number(startedAtMs));
}

let runNumber = 0;

function runLoad(submitter: LineProgram, ledger: Ledger, asked: Load): Promise<Measured> {
  const load = bounded(asked);
  const run = (workflow: string, ...numbers: readonly number[]): RunOne => {
    return async () => {
      const name = String(++runNumber);
      const end = ledger.end(name);
      submitter.write(['run', name, workflow, ...numbers].join(' '));
      const { startedAtMs } = await end;
      return { startedAtMs: startedAtMs === 0 ? undefined : startedAtMs };
    };
  };
  switch (load.kind) {
    case 'flat-large': {
      const size = Math.min(TASKS_OF_AN_EXECUTION, load.tasks);
      const runs = Math.ceil(load.tasks / size);
      const sizeOf = (index: number) => Math.min(size, load.tasks - index * size);
      return closedLoop({ runs, atOnce: EXECUTIONS_AT_ONCE, tasksOfARun: size }, (index) =>
        run('Many', sizeOf(index))(index),
      ).then((measured) => ({ ...measured, tasks: load.tasks }));
    }
    case 'flat-single':
      return closedLoop({ runs: load.tasks, atOnce: STARTS_AT_ONCE, tasksOfARun: 1 }, run('Many', 1));
    case 'latency-serial':
      return closedLoop({ runs: load.runs, atOnce: load.atOnce, tasksOfARun: 1 }, run('Stamped'));
    case 'latency-open':
      return openLoop({ ...load, tasksOfARun: 1 }, run('Stamped'));
    case 'three-step':
      return closedLoop({ runs: load.runs, atOnce: load.atOnce, tasksOfARun: 3 }, run('Chain', 3, -1));
    case 'chain': {
      const chain = run('Chain', load.steps, load.fibo);
      return closedLoop({ runs: load.runs, atOnce: 1, tasksOfARun: load.steps }, chain);
    }
    case 'fan': {
      const tasksOfARun = load.width + 2;
      return closedLoop({ runs: load.runs, atOnce: 1, tasksOfARun }, run('Fan', load.width));
    }
  }
}

function bounded(load: Load): Load {
  switch (load.kind) {
    case 'flat-large':
      return { ...load, tasks: Math.min(load.tasks, MOST_TASKS) };
    case 'flat-single':
      return { ...load, tasks: Math.min(load.tasks, MOST_RUNS) };
    case 'latency-serial':
    case 'three-step':
      return { ...load, runs: Math.min(load.runs, MOST_RUNS) };
    case 'latency-open':
    case 'chain':
    case 'fan':
      return load;
  }
}

export const peers: readonly Peer[] = [temporal];
