// Where does a peer that lives on PostgreSQL get one? From the system: a cluster of its own in the round's folder.

import { execFile } from 'node:child_process';
import { accessSync, constants, globSync } from 'node:fs';
import { chown, mkdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import { startServer } from './server-process.ts';

const run = promisify(execFile);

export interface Postgres {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/**
 * All that acknowledges is at its default, so durable: fsync, synchronous_commit, full_page_writes. Memory as the
 * manual advises for a server that has work to do (shared_buffers a part of memory, checkpoints spread wide:
 * postgresql.org/docs/current/runtime-config-resource.html and runtime-config-wal.html).
 */
const SETTINGS = {
  shared_buffers: '1GB',
  max_wal_size: '4GB',
  checkpoint_timeout: '15min',
  max_connections: '200',
  listen_addresses: '127.0.0.1',
};

/** The folder of its programs; undefined if there are none: PATH first, then where Debian puts them, newest first. */
export function findPostgres(): string | undefined {
  const installed = globSync('/usr/lib/postgresql/*/bin').sort((a, b) => versionOf(b) - versionOf(a));
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...installed];
  return folders.find((folder) =>
    ['initdb', 'postgres', 'pg_isready'].every((name) => isProgram(join(folder, name))),
  );
}

function versionOf(folder: string): number {
  return Number(/\/(\d+)\/bin$/.exec(folder)?.[1] ?? 0);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Why there is none, for `prepare`. */
export const NO_POSTGRES = 'no PostgreSQL (initdb, postgres, pg_isready) in PATH or /usr/lib/postgresql';

/** "PostgreSQL 15.18". */
export async function postgresVersion(): Promise<string> {
  const { stdout } = await run(join(programs(), 'postgres'), ['--version']);
  return `PostgreSQL ${/\d+(\.\d+)*/.exec(stdout)?.[0] ?? '?'}`;
}

function programs(): string {
  const folder = findPostgres();
  if (folder === undefined) throw new Error(NO_POSTGRES);
  return folder;
}

/** @param folder the round's own */
export async function startPostgres(folder: string): Promise<Postgres> {
  const bin = programs();
  const data = join(folder, 'postgres');
  const user = await unprivilegedUser();
  await mkdir(data, { mode: 0o700 });
  if (user !== undefined) await chown(data, user.uid, user.gid);
  const initdb = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
  await run(join(bin, 'initdb'), initdb, { ...user, cwd: data });
  const port = await freePort();
  const settings = Object.entries({ ...SETTINGS, unix_socket_directories: data, port: String(port) });
  const server = await startServer({
    name: 'postgres',
    command: join(bin, 'postgres'),
    args: ['-D', data, ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    cwd: data,
    // Its data is thrown away: no checkpoint at the end.
    stopSignal: 'SIGQUIT',
    ...user,
  });
  try {
    await server.until(async () => {
      await run(join(bin, 'pg_isready'), ['-h', '127.0.0.1', '-p', String(port), '-U', 'postgres']);
      return true;
    });
  } catch (error) {
    await server.stop();
    throw error;
  }
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    pid: server.pid,
    stop: () => server.stop(),
  };
}

/** PostgreSQL refuses to run as root. */
async function unprivilegedUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const id = async (option: string, user: string) => Number((await run('id', [option, user])).stdout);
  for (const user of ['postgres', 'nobody']) {
    try {
      return { uid: await id('-u', user), gid: await id('-g', user) };
    } catch {
      // There is no such user here.
    }
  }
  throw new Error('PostgreSQL does not run as root, and there is neither a user "postgres" nor "nobody"');
}
