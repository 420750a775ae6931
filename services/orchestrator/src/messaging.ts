// How the process comes by NATS: the servers it is told of, or one of its own.

import { join } from 'node:path';
import type { Configuration } from './configuration.ts';
import { connectNats, type NatsLink } from './nats/connection.ts';
import type { Logger } from './nats/logger.ts';
import { defaultCacheFolder } from './nats/server/find.ts';
import { obtainNatsServer } from './nats/server/obtain.ts';
import { type NatsServer, startNatsServer } from './nats/server/start.ts';

export interface Messaging {
  readonly link: NatsLink;
  /** For executors. */
  readonly url: string;
  /** Resolves, with the reason, when messages can flow no more. */
  readonly lost: Promise<Error | undefined>;
  stop(): Promise<void>;
}

/** @param signal aborted: it is not wanted any more */
export async function startMessaging(
  configuration: Configuration,
  logger: Logger,
  signal: AbortSignal,
): Promise<Messaging> {
  const server =
    configuration.natsServers.length === 0 ? await startOwnServer(configuration, logger, signal) : undefined;
  const servers = server === undefined ? configuration.natsServers : [server.url];
  try {
    const link = await connectNats({ servers, logger, signal, ...credentials(configuration) });
    return {
      link,
      url: servers.join(','),
      lost: server === undefined ? link.closed : Promise.race([link.closed, server.exited]),
      async stop() {
        await link.close();
        await server?.stop();
      },
    };
  } catch (error) {
    await server?.stop();
    throw error;
  }
}

async function startOwnServer(
  configuration: Configuration,
  logger: Logger,
  signal: AbortSignal,
): Promise<NatsServer> {
  const say = (line: string) => logger.info({}, line);
  const cacheFolder = defaultCacheFolder(process.env);
  const binary = await obtainNatsServer({ env: process.env, cacheFolder, say, signal });
  const stateFolder = join(configuration.dataFolder, 'nats');
  return startNatsServer({ binary: binary.path, host: configuration.natsHost, stateFolder, say });
}

function credentials(configuration: Configuration) {
  const { natsCredsFile, natsUser, natsPassword, natsToken, natsCaFile, natsCertFile, natsKeyFile } =
    configuration;
  const tls = {
    ...(natsCaFile === undefined ? {} : { caFile: natsCaFile }),
    ...(natsCertFile === undefined ? {} : { certFile: natsCertFile }),
    ...(natsKeyFile === undefined ? {} : { keyFile: natsKeyFile }),
  };
  return {
    ...(Object.keys(tls).length === 0 ? {} : { tls }),
    ...(natsCredsFile === undefined ? {} : { credsFile: natsCredsFile }),
    ...(natsUser === undefined ? {} : { user: natsUser }),
    ...(natsPassword === undefined ? {} : { password: natsPassword }),
    ...(natsToken === undefined ? {} : { token: natsToken }),
  };
}
