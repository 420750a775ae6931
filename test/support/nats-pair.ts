// Two nats-servers that are one cluster, so that one may be stopped while the other serves.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../clients/typescript/src/testing/nats-server.ts';
import { defaultCacheFolder } from '../../services/orchestrator/src/nats/server/find.ts';
import { launchServer } from '../../services/orchestrator/src/nats/server/launch.ts';
import { obtainNatsServer } from '../../services/orchestrator/src/nats/server/obtain.ts';

export interface NatsPair extends AsyncDisposable {
  /** Of both, separated by a comma. */
  readonly url: string;
  readonly servers: readonly NatsMember[];
}

export interface NatsMember {
  readonly port: number;
  readonly pid: number;
  /** Resolves once it is gone. */
  readonly exited: Promise<unknown>;
}

const HOST = '127.0.0.1';

export async function startNatsPair(): Promise<NatsPair> {
  const folder = await mkdtemp(join(tmpdir(), 'tutti-nats-pair-'));
  const { path: binary } = await obtainNatsServer({
    env: process.env,
    cacheFolder: defaultCacheFolder(process.env),
    say: () => {},
  });
  const ports = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  const [portA, portB, routeA, routeB] = ports;
  const places = [
    { port: portA, route: routeA, other: routeB },
    { port: portB, route: routeB, other: routeA },
  ];
  const launched = await Promise.all(
    places.map(async ({ port, route, other }) => {
      const serverName = `pair-${port}`;
      const configFile = join(folder, `${serverName}.conf`);
      const cluster = `{ name: pair, host: "${HOST}", port: ${route}, routes: ["nats://${HOST}:${other}"] }`;
      const lines = [
        `server_name: ${serverName}`,
        `host: "${HOST}"`,
        `port: ${port}`,
        `cluster: ${cluster}`,
        // How long it lets clients be before it sends them away; they go within a second each then.
        'lame_duck_grace_period: "10ms"',
        '',
      ];
      await writeFile(configFile, lines.join('\n'));
      const launch = { binary, configFile, host: HOST, port, serverName, env: process.env, log: () => {} };
      return { port, process: await launchServer(launch) };
    }),
  );
  return {
    url: launched.map(({ port }) => `nats://${HOST}:${port}`).join(','),
    servers: launched.map(({ port, process }) => ({
      port,
      pid: process.pid,
      exited: process.exited,
    })),
    async [Symbol.asyncDispose]() {
      // A lame duck hears no SIGTERM any more.
      for (const { process: server } of launched) {
        try {
          process.kill(server.pid, 'SIGKILL');
        } catch {
          // It has ended.
        }
      }
      await Promise.all(launched.map(({ process: server }) => server.stop()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
