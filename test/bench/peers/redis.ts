// Where does a peer that lives on Redis get one, and how is it started?

import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import { type ServerProcess, startServer } from './server-process.ts';

const run = promisify(execFile);

export interface Redis {
  readonly port: number;
  readonly server: ServerProcess;
}

export interface RedisProgram {
  readonly path: string;
  readonly env: Readonly<Record<string, string>>;
  readonly version: string;
}

/**
 * From PATH; else Debian's packages, unpacked in the cache and not installed, so that no service starts.
 * @returns why there is none
 */
export async function prepareRedis(cache: string, say: (line: string) => void): Promise<string | undefined> {
  const unpacked = join(cache, 'root');
  if ((await findRedis(cache)) !== undefined) return undefined;
  try {
    say('redis-server is not in PATH: fetching its packages with apt-get (they are unpacked, not installed)');
    await mkdir(unpacked, { recursive: true });
    const { stdout } = await run('apt-get', ['install', '-s', '--no-install-recommends', 'redis-server']);
    const packages = [...stdout.matchAll(/^Inst (\S+)/gm)].map((match) => match[1] ?? '');
    await run('apt-get', ['download', ...packages], { cwd: cache });
    for (const file of globSync('*.deb', { cwd: cache })) {
      await run('dpkg-deb', ['-x', join(cache, file), unpacked]);
    }
    return (await unpackedProgram(unpacked)) === undefined ? 'what apt-get brought does not run' : undefined;
  } catch (error) {
    const why = (error instanceof Error ? error.message : String(error)).split('\n')[0];
    return `no redis-server in PATH, and apt-get could not fetch one (${why})`;
  }
}

export async function findRedis(cache: string): Promise<RedisProgram | undefined> {
  return (await programAt('redis-server', {})) ?? (await unpackedProgram(join(cache, 'root')));
}

async function unpackedProgram(root: string): Promise<RedisProgram | undefined> {
  const libraries = globSync(join(root, 'usr/lib/*-linux-gnu')).join(':');
  return await programAt(join(root, 'usr/bin/redis-server'), { LD_LIBRARY_PATH: libraries });
}

async function programAt(path: string, env: RedisProgram['env']): Promise<RedisProgram | undefined> {
  try {
    const { stdout } = await run(path, ['--version'], { env: { ...process.env, ...env } });
    return { path, env, version: /v=(\S+)/.exec(stdout)?.[1] ?? '?' };
  } catch {
    return undefined;
  }
}

export type AppendFsync = 'everysec' | 'always';

/** @param folder the round's own */
export async function startRedis(
  { path, env }: RedisProgram,
  folder: string,
  appendfsync: AppendFsync,
): Promise<Redis> {
  const port = await freePort();
  const settings = {
    port: String(port),
    bind: '127.0.0.1',
    dir: folder,
    // What BullMQ asks of production: an append-only file, and no key dropped for want of memory
    // (docs.bullmq.io/guide/going-to-production). Celery asks for the second, too, and says nothing of the first
    // (docs.celeryq.dev/en/stable/getting-started/backends-and-brokers/redis.html); without it a kill loses all.
    appendonly: 'yes',
    appendfsync,
    'maxmemory-policy': 'noeviction',
    save: '',
    daemonize: 'no',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const server = await startServer({ name: 'redis', command: path, args, env, cwd: folder });
  try {
    await server.until(() => answers(port));
  } catch (error) {
    await server.stop();
    throw error;
  }
  return { port, server };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port }, () => socket.write('PING\r\n'));
    socket.once('data', (data) => {
      resolve(data.toString().startsWith('+PONG'));
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
  });
}
