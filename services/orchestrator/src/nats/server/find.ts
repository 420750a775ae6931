// Is there a nats-server on this machine that serves?

import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Environment, findOnPath, isExecutable } from './command.ts';
import { checkVersion, PINNED_VERSION } from './version.ts';

export interface NatsServerBinary {
  readonly path: string;
  readonly version: string;
  readonly source: 'TUTTI_NATS_SERVER' | 'PATH' | 'cache' | 'release' | 'go' | 'package manager';
}

export interface FindOptions {
  readonly env: Environment;
  /** Where obtained binaries are kept; see defaultCacheFolder. */
  readonly cacheFolder: string;
  /** Told, line by line, what is done and why. */
  readonly say: (line: string) => void;
}

/**
 * Looks at TUTTI_NATS_SERVER, the PATH, and the cache, in this order. Undefined if none serves.
 * Throws if TUTTI_NATS_SERVER names something that does not: what was asked for by name is not
 * quietly replaced by something else.
 */
export async function findNatsServer(options: FindOptions): Promise<NatsServerBinary | undefined> {
  const named = options.env.TUTTI_NATS_SERVER;
  if (named !== undefined && named !== '') {
    const check = await checkVersion(named, options.env);
    if (check.usable) return { path: named, version: check.version, source: 'TUTTI_NATS_SERVER' };
    throw new Error(
      `TUTTI_NATS_SERVER cannot be used: ${check.problem}. Correct it, or unset it to have one found.`,
    );
  }
  const onPath = findOnPath('nats-server', options.env);
  if (onPath !== undefined) {
    const found = await tryBinary(onPath, 'PATH', options);
    if (found !== undefined) return found;
  }
  const cached = cachedBinary(options.cacheFolder);
  return isExecutable(cached) ? await tryBinary(cached, 'cache', options) : undefined;
}

/** Checks one candidate; says why it does not serve. */
export async function tryBinary(
  path: string,
  source: NatsServerBinary['source'],
  options: FindOptions,
): Promise<NatsServerBinary | undefined> {
  const check = await checkVersion(path, options.env);
  if (check.usable) return { path, version: check.version, source };
  options.say(`nats-server: passed over: ${check.problem}`);
  return undefined;
}

/** Where the pinned version is kept. */
export function cachedBinary(cacheFolder: string): string {
  return join(cacheFolder, `v${PINNED_VERSION}`, 'nats-server');
}

/** In a checkout of Tutti its own `.cache/nats-server`, else the user's cache folder. */
export function defaultCacheFolder(env: Environment): string {
  const checkout = join(import.meta.dirname, '..', '..', '..', '..', '..');
  if (isCheckout(checkout)) return join(checkout, '.cache', 'nats-server');
  const userCache = env.XDG_CACHE_HOME;
  const base = userCache !== undefined && userCache !== '' ? userCache : join(homedir(), '.cache');
  return join(base, 'tutti', 'nats-server');
}

function isCheckout(folder: string): boolean {
  const manifest = join(folder, 'package.json');
  if (!existsSync(manifest)) return false;
  try {
    const content: unknown = JSON.parse(readFileSync(manifest, 'utf8'));
    return typeof content === 'object' && content !== null && 'name' in content && content.name === 'tutti';
  } catch {
    return false;
  }
}
