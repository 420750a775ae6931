// Temporal: its server on PostgreSQL, and Go programs; one works workflows and activities, one starts workflows. A
// task is an activity.

import { join } from 'node:path';
import { startAllOrNone } from '../all-or-none.ts';
import { goBuild } from '../go-program.ts';
import { createLedger, type Ledger } from '../ledger.ts';
import { type LineProgram, startLineProgram } from '../line-program.ts';
import { closedLoop, type Ended, type RunOne } from '../loops.ts';
import { offer } from '../offer.ts';
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
  start: ({ folder, cache, slots }) =>
    startAllOrNone(async (onStop) => {
      const postgres = await startPostgres(folder);
      onStop(() => postgres.stop());
      const { address, server } = await startTemporal(cache, folder, Number(new URL(postgres.url).port));
      onStop(() => server.stop());
      const ledger = createLedger();
      const start = async (mode: 'work' | 'submit') => {
        const program = await startLineProgram({
          name: `temporal ${mode}`,
          command: join(cache, 'program'),
          args: ['-mode', mode, '-address', address, '-slots', String(slots)],
          line: ledger.tellLine,
        });
        onStop(() => program.stop());
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
      };
    }),
};

function runLoad(submitter: LineProgram, ledger: Ledger, load: Load): Promise<Measured> {
  const run = (workflow: string, ...numbers: readonly number[]): RunOne => {
    return () => ledger.run((id) => submitter.write(['run', id, workflow, ...numbers].join(' ')));
  };
  return offer(load, {
    flat: (tasks, isKnown) =>
      isKnown ? known(tasks, run('Many', 1)) : many(tasks, (size) => run('Many', size)),
    one: run('Stamped'),
    steps: (count, fibo = -1) => run('Chain', count, fibo),
    fan: (width) => run('Fan', width),
  });
}

async function many(tasks: number, runOf: (size: number) => RunOne): Promise<Measured> {
  const size = Math.min(TASKS_OF_AN_EXECUTION, tasks);
  const runs = Math.ceil(tasks / size);
  const plan = { runs, atOnce: EXECUTIONS_AT_ONCE, tasksOfARun: size };
  const sizeOf = (index: number) => Math.min(size, tasks - index * size);
  const measured = await closedLoop(plan, async (index) => unstamped(await runOf(sizeOf(index))(index)));
  return { ...measured, tasks };
}

function known(tasks: number, run: RunOne): Promise<Measured> {
  const plan = { runs: tasks, atOnce: STARTS_AT_ONCE, tasksOfARun: 1 };
  return closedLoop(plan, async (index) => unstamped(await run(index)));
}

/** No-ops do not tell when they began. */
function unstamped(_ended: Ended): Ended {
  return { startedAtMs: undefined };
}

export const peers: readonly Peer[] = [temporal];
