// Contestants that need no server, so that what compares them can be tested in seconds.

import { join } from 'node:path';
import { createLedger } from '../peers/ledger.ts';
import { closedLoop } from '../peers/loops.ts';
import type { Durability, Peer } from '../peers/peer.ts';
import { startWorker } from '../peers/worker-process.ts';

function toy(name: string, durability: Durability, does: 'NOTHING' | 'WRITE' | 'FSYNC' | 'FAIL'): Peer {
  return {
    name,
    settings: 'a file',
    durability,
    kinds: ['latency-serial', 'three-step'],
    prepare: async () => undefined,
    async start({ folder }) {
      const ledger = createLedger();
      const worker = await startWorker({
        program: new URL('toy-worker.ts', import.meta.url),
        settings: { file: join(folder, 'runs'), does },
        ended: ledger.tell,
      });
      return {
        version: `${name} 1`,
        processes: () => [{ role: 'worker', pid: worker.pid }],
        async run(load) {
          if (does === 'FAIL') throw new Error('as toys do');
          if (load.kind !== 'latency-serial' && load.kind !== 'three-step') throw new Error(load.kind);
          const tasksOfARun = load.kind === 'three-step' ? 3 : 1;
          return await closedLoop({ ...load, tasksOfARun }, () => ledger.run((run) => worker.send({ run })));
        },
        stop: () => worker.stop(),
      };
    },
  };
}

export const peers: readonly Peer[] = [
  toy('forgets', 'MEMORY', 'NOTHING'),
  toy('writes', 'PROCESS_KILL', 'WRITE'),
  toy('syncs', 'FSYNC', 'FSYNC'),
  toy('lies', 'FSYNC', 'WRITE'),
  toy('fails', 'FSYNC', 'FAIL'),
];
