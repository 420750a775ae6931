// Where does Temporal's server come from, and how is it run? All of its services in one process, on PostgreSQL.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePortBelow } from '../free-port.ts';
import { goInstall } from '../go-program.ts';
import { type ServerProcess, startServer } from '../server-process.ts';

const run = promisify(execFile);

/**
 * The newest that installs with Go 1.26.8: from 1.31 on it needs go.temporal.io/auto-scaled-workers, which Go's
 * module proxy refuses, and 1.30.9 needs Go 1.26.10.
 */
export const SERVER = '1.30.8';
const MODULE = 'go.temporal.io/server/cmd';
const SERVICES = ['frontend', 'matching', 'history', 'worker'] as const;

/** The schemas that its SQL tool holds, by database. */
const DATABASES = { temporal: 'postgresql/v12/temporal', temporal_visibility: 'postgresql/v12/visibility' };

/** As its Helm chart has them. A shard has one write after the other, so that few would be a bound. */
const HISTORY_SHARDS = 512;

/** It keeps ports in a column that takes no larger number. */
const PORTS_END = 32_768;

/** Of each of the services, which have pools of their own: PostgreSQL takes 200 of all. */
const CONNECTIONS = { temporal: 40, temporal_visibility: 5 };

/**
 * docs.temporal.io/references/dynamic-configuration. Nothing bounds the rate but the machine; what the worker that
 * ends a workflow task has a slot for is given to it at once.
 */
const DYNAMIC = {
  ...noLimit('frontend.rps', 'frontend.namespaceRPS', 'history.rps', 'matching.rps'),
  ...noLimit('frontend.persistenceMaxQPS', 'history.persistenceMaxQPS', 'matching.persistenceMaxQPS'),
  'system.enableActivityEagerExecution': [{ value: true }],
};

function noLimit(...names: readonly string[]): Record<string, readonly { value: number }[]> {
  return Object.fromEntries(names.map((name) => [name, [{ value: 1_000_000 }]]));
}

/** Why there is none. */
export async function prepareServer(cache: string, say: (line: string) => void): Promise<string | undefined> {
  const folder = programs(cache);
  const areThere = ['server', 'sql'].every((name) => existsSync(join(folder, name)));
  if (areThere) return undefined;
  return await goInstall([`${MODULE}/server@v${SERVER}`, `${MODULE}/tools/sql@v${SERVER}`], folder, say);
}

function programs(cache: string): string {
  return join(cache, `server-${SERVER}`);
}

/**
 * Not ready yet when this resolves: whoever asks it has to try again.
 * @param folder the round's own
 */
export async function startTemporal(
  cache: string,
  folder: string,
  postgresPort: number,
): Promise<{ readonly address: string; readonly server: ServerProcess }> {
  for (const [database, schema] of Object.entries(DATABASES)) {
    await createDatabase(join(programs(cache), 'sql'), postgresPort, database, schema);
  }
  const port = await freePortBelow(PORTS_END);
  const address = `127.0.0.1:${port}`;
  const dynamicFile = join(folder, 'temporal-dynamic.json');
  const file = join(folder, 'temporal.json');
  // JSON is YAML.
  await writeFile(dynamicFile, JSON.stringify(DYNAMIC));
  await writeFile(file, JSON.stringify(await settings(port, postgresPort, dynamicFile)));
  const server = await startServer({
    name: 'temporal server',
    command: join(programs(cache), 'server'),
    args: ['--config-file', file, '--allow-no-auth', 'start'],
  });
  return { address, server };
}

async function createDatabase(
  tool: string,
  postgresPort: number,
  database: string,
  schema: string,
): Promise<void> {
  const where = ['--plugin', 'postgres12', '--endpoint', '127.0.0.1', '--port', String(postgresPort)];
  const common = [...where, '--user', 'postgres', '--database', database];
  await run(tool, [...common, 'create-database']);
  await run(tool, [...common, 'setup-schema', '--version', '0.0']);
  await run(tool, [...common, 'update-schema', '--schema-name', schema]);
}

/** As its config/development-postgres12.yaml, but for what is said above, and without what nobody here asks. */
async function settings(port: number, postgresPort: number, dynamicFile: string): Promise<object> {
  const store = (databaseName: keyof typeof DATABASES) => ({
    sql: {
      pluginName: 'postgres12_pgx',
      databaseName,
      connectAddr: `127.0.0.1:${postgresPort}`,
      connectProtocol: 'tcp',
      user: 'postgres',
      maxConns: CONNECTIONS[databaseName],
      maxIdleConns: CONNECTIONS[databaseName],
      maxConnLifetime: '1h',
    },
  });
  const services: Record<string, object> = {};
  for (const service of SERVICES) {
    const grpcPort = service === 'frontend' ? port : await freePortBelow(PORTS_END);
    services[service] = {
      rpc: { grpcPort, membershipPort: await freePortBelow(PORTS_END), bindOnLocalHost: true },
    };
  }
  const cluster = { enabled: true, initialFailoverVersion: 1, rpcName: 'frontend' };
  return {
    log: { stdout: true, level: 'error' },
    persistence: {
      defaultStore: 'default',
      visibilityStore: 'visibility',
      numHistoryShards: HISTORY_SHARDS,
      datastores: { default: store('temporal'), visibility: store('temporal_visibility') },
    },
    global: { membership: { maxJoinDuration: '30s', broadcastAddress: '127.0.0.1' } },
    services,
    clusterMetadata: {
      enableGlobalNamespace: false,
      failoverVersionIncrement: 10,
      masterClusterName: 'active',
      currentClusterName: 'active',
      clusterInformation: { active: { ...cluster, rpcAddress: `127.0.0.1:${port}` } },
    },
    dcRedirectionPolicy: { policy: 'noop' },
    dynamicConfigClient: { filepath: dynamicFile, pollInterval: '1m' },
  };
}
