// Restate: a server that journals each step of an invocation, and a service that it calls over HTTP/2.

import { dirname, join } from 'node:path';
import * as clients from '@restatedev/restate-sdk-clients';
import { startAllOrNone } from '../all-or-none.ts';
import { freePort } from '../free-port.ts';
import { fileOf, versionOf } from '../installed.ts';
import { closedLoop, type RunOne } from '../loops.ts';
import { offer } from '../offer.ts';
import type { Load, Measured, Peer } from '../peer.ts';
import { type ServerProcess, startServer } from '../server-process.ts';
import { startWorkers } from '../worker-process.ts';

/** An invocation journals every call that it makes: larger ones than this only cost Restate more. */
const TASKS_OF_AN_INVOCATION = 1_000;
const INVOCATIONS_AT_ONCE = 4;
/** Calls at once over its ingress, which has no bulk call. */
const CALLS_AT_ONCE = 256;
const CONTENT_TYPE = { 'content-type': 'application/json' };

const restate: Peer = {
  name: 'restate',
  settings: 'one node, defaults (24 partitions, log fsynced), one service process over HTTP/2',
  // restate-server --dump-config: [log-server] rocksdb-disable-wal-fsync = false.
  durability: 'FSYNC',
  kinds: ['flat-large', 'flat-single', 'latency-serial', 'latency-open', 'three-step', 'chain', 'fan'],
  prepare: async () => {
    const path = binary();
    return path === undefined ? `restate: no server for ${process.platform} ${process.arch}` : undefined;
  },
  start: ({ folder, slots, say }) =>
    startAllOrNone(async (onStop) => {
      const ports = { node: await freePort(), ingress: await freePort(), admin: await freePort() };
      const server = await startServer({
        name: 'restate-server',
        command: binary() ?? 'restate-server',
        args: [],
        env: settingsOf(join(folder, 'restate'), slots, ports),
      });
      onStop(() => server.stop());
      const port = await freePort();
      const program = new URL('worker.ts', import.meta.url);
      const workers = await startWorkers(1, { program, settings: { port } }, onStop);
      const ingress = await register(server, ports, port, say);
      return {
        version: `Restate ${versionOf('@restatedev/restate-server')}, TypeScript SDK ${versionOf('@restatedev/restate-sdk')} on Node ${process.version}`,
        processes: () => [
          { role: 'restate-server', pid: server.pid },
          ...workers.map(({ pid }) => ({ role: 'worker', pid })),
        ],
        run: (load) => runLoad(ingress, load),
      };
    }),
};

interface Ports {
  readonly node: number;
  readonly ingress: number;
  readonly admin: number;
}

// https://docs.restate.dev/references/server_config: any setting, as RESTATE_SECTION__KEY. What is not here is
// left at its default, which is what a single node is recommended to run with.
function settingsOf(folder: string, slots: number, ports: Ports): Record<string, string> {
  return {
    RESTATE_BASE_DIR: folder,
    // Of its invokers' folders, which it leaves behind.
    TMPDIR: dirname(folder),
    RESTATE_DISABLE_TELEMETRY: 'true',
    RESTATE_LISTEN_MODE: 'tcp',
    RESTATE_LOG_FILTER: 'warn',
    RESTATE_BIND_ADDRESS: `127.0.0.1:${ports.node}`,
    RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ports.ingress}`,
    RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${ports.admin}`,
    // An invocation that waits for others holds its place for a moment: the few that fan out come on top.
    RESTATE_WORKER__INVOKER__CONCURRENT_INVOCATIONS_LIMIT: String(slots + INVOCATIONS_AT_ONCE),
  };
}

async function register(
  server: ServerProcess,
  ports: Ports,
  port: number,
  say: (line: string) => void,
): Promise<clients.Ingress> {
  const admin = `http://127.0.0.1:${ports.admin}`;
  const uri = `http://127.0.0.1:${port}`;
  let refusal = '';
  await server.until(async () => {
    const body = JSON.stringify({ uri });
    const response = await fetch(`${admin}/deployments`, { method: 'POST', headers: CONTENT_TYPE, body });
    if (!response.ok) refusal = await response.text();
    return response.ok;
  });
  const ingress = clients.connect({ url: `http://127.0.0.1:${ports.ingress}` });
  // A deployment is known at the ingress a little later, and partitions elect their leaders at first.
  await server.until(async () => {
    await call(ingress, 'noop', null);
    return true;
  });
  if (refusal !== '') say(`restate: registered after ${refusal}`);
  return ingress;
}

function call<T>(ingress: clients.Ingress, handler: string, parameter: unknown): Promise<T> {
  return ingress.call<unknown, T>({ service: 'tasks', handler, parameter });
}

function runLoad(ingress: clients.Ingress, load: Load): Promise<Measured> {
  const run = (handler: string, parameter: unknown = null): RunOne => {
    return async () => {
      await call(ingress, handler, parameter);
      return { startedAtMs: undefined };
    };
  };
  return offer(load, {
    flat(tasks, isKnown) {
      if (isKnown) return closedLoop({ runs: tasks, atOnce: CALLS_AT_ONCE, tasksOfARun: 1 }, run('noop'));
      const size = Math.min(TASKS_OF_AN_INVOCATION, tasks);
      const runs = Math.ceil(tasks / size);
      const sizeOf = (index: number) => Math.min(size, tasks - index * size);
      return closedLoop({ runs, atOnce: INVOCATIONS_AT_ONCE, tasksOfARun: size }, (index) =>
        run('many', sizeOf(index))(index),
      ).then((measured) => ({ ...measured, tasks }));
    },
    one: async () => ({ startedAtMs: await call<number>(ingress, 'stamp', null) }),
    steps: (steps, n) => (n === undefined ? run('threeSteps') : run('chain', { steps, n })),
    fan: (width) => run('fan', width),
  });
}

/** Its npm package holds the program of each platform in a package of its own. */
function binary(): string | undefined {
  const name = `@restatedev/restate-server-${process.platform}-${process.arch}`;
  return fileOf(name, 'bin/restate-server');
}

export const peers: readonly Peer[] = [restate];
