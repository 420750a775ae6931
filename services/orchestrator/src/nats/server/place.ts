// What does a nats-server leave in its folder, so that the next start finds its port, and it, again?

import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readServerInfo } from './probe.ts';

export interface Place {
  readonly folder: string;
  readonly configFile: string;
  /** Removes what is of no use to a next start. */
  release(): Promise<void>;
}

export interface LastServer {
  readonly pid: number;
  readonly host: string;
  readonly port: number;
  readonly serverName: string;
}

const RECORD = 'nats-server.json';
const PROBE_TIMEOUT_MS = 1_000;
const END_TIMEOUT_MS = 10_000;
const FORCE_AFTER_MS = 5_000;
const END_PAUSE_MS = 25;

/** Without a folder of the caller's, one that is gone after release(). */
export async function openPlace(stateFolder: string | undefined): Promise<Place> {
  if (stateFolder !== undefined) await mkdir(stateFolder, { recursive: true });
  const folder = stateFolder ?? (await mkdtemp(join(tmpdir(), 'tutti-nats-')));
  return {
    folder,
    configFile: join(folder, 'nats-server.conf'),
    async release() {
      if (stateFolder === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

export interface ServerConfig {
  readonly serverName: string;
  readonly host: string;
  readonly port: number;
  readonly maxPayloadBytes: number;
}

export async function writeConfig(place: Place, config: ServerConfig): Promise<void> {
  const lines = [
    '# Written by Tutti at each start.',
    `server_name: ${JSON.stringify(config.serverName)}`,
    `host: ${JSON.stringify(config.host)}`,
    `port: ${config.port}`,
    `max_payload: ${config.maxPayloadBytes}`,
    '',
  ];
  await writeFile(place.configFile, lines.join('\n'));
}

export async function rememberServer(place: Place, server: LastServer): Promise<void> {
  const file = join(place.folder, RECORD);
  await writeFile(`${file}.new`, `${JSON.stringify(server)}\n`);
  await rename(`${file}.new`, file);
}

export async function recallServer(place: Place): Promise<LastServer | undefined> {
  try {
    const record = JSON.parse(await readFile(join(place.folder, RECORD), 'utf8')) as Partial<LastServer>;
    const { pid, host, port, serverName } = record;
    if (!isPositiveInteger(pid) || !isPositiveInteger(port)) return undefined;
    if (typeof host !== 'string' || typeof serverName !== 'string') return undefined;
    return { pid, host, port, serverName };
  } catch {
    // No record, or one torn by a crash: the same as a first start.
    return undefined;
  }
}

/**
 * Ends the server of an earlier start if it still runs. Only a server that answers with the recorded
 * random name is it: a process id alone may by now be somebody else's.
 */
export async function endLeftOver(last: LastServer): Promise<void> {
  const startedAt = performance.now();
  while (performance.now() - startedAt < END_TIMEOUT_MS) {
    const info = await readServerInfo(last.host, last.port, PROBE_TIMEOUT_MS);
    if (info?.serverName !== last.serverName) return;
    const force = performance.now() - startedAt > FORCE_AFTER_MS;
    try {
      process.kill(last.pid, force ? 'SIGKILL' : 'SIGTERM');
    } catch {
      // It ended in this very moment, or belongs to another user; the next probe tells.
    }
    await new Promise((resolve) => setTimeout(resolve, END_PAUSE_MS));
  }
}

function isPositiveInteger(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0;
}
