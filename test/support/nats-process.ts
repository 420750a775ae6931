// A nats-server of its own that can be ended, stopped and started again at the same address.

import { randomUUID } from 'node:crypto';
import { defaultCacheFolder, findNatsServer } from '../../services/orchestrator/src/nats/server/find.ts';
import { launchServer, type RunningServer } from '../../services/orchestrator/src/nats/server/launch.ts';
import { openPlace, writeConfig } from '../../services/orchestrator/src/nats/server/place.ts';
import { freePort } from '../../services/orchestrator/src/nats/server/probe.ts';
import { DEFAULT_MAX_PAYLOAD_BYTES } from '../../services/orchestrator/src/nats/server/start.ts';

export interface NatsProcess {
  readonly url: string;
  /** Resolves once it is gone, whoever ended it. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
  /** After its end. Resolves once it answers. */
  start(): Promise<void>;
  /** It is gone afterwards, whatever state it was in. */
  dispose(): Promise<void>;
}

const HOST = '127.0.0.1';

/** @param folder for its configuration */
export async function startNatsProcess(folder: string, log: (line: string) => void): Promise<NatsProcess> {
  const cacheFolder = defaultCacheFolder(process.env);
  const binary = await findNatsServer({ env: process.env, cacheFolder, say: log });
  if (binary === undefined) throw new Error('there is no nats-server: npm run setup brings one');
  const place = await openPlace(folder);
  const port = await freePort(HOST);
  let server: RunningServer | undefined;

  const start = async () => {
    const serverName = `chaos-${randomUUID()}`;
    await writeConfig(place, { serverName, host: HOST, port, maxPayloadBytes: DEFAULT_MAX_PAYLOAD_BYTES });
    const { configFile } = place;
    const { path } = binary;
    server = await launchServer({
      binary: path,
      configFile,
      host: HOST,
      port,
      serverName,
      env: process.env,
      log,
    });
  };
  const signal = (name: NodeJS.Signals) => {
    if (server !== undefined) process.kill(server.pid, name);
  };
  await start();

  return {
    url: `nats://${HOST}:${port}`,
    start,
    signal,
    async end(name) {
      signal(name);
      await server?.exited;
    },
    async dispose() {
      try {
        signal('SIGCONT');
      } catch {
        // It has ended.
      }
      await server?.stop();
    },
  };
}
