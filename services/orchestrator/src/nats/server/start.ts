// How is a nats-server kept running beside the orchestrator?
//
// Executors know nothing but its address. So it keeps its port: over restarts of a server that died,
// and, by its state folder, over restarts of the orchestrator, even after SIGKILL. Whoever opens a
// state folder ends the server that an earlier owner left there: hold the data folder's lock first.

import { randomUUID } from 'node:crypto';
import type { Environment } from './command.ts';
import { launchServer, type RunningServer } from './launch.ts';
import { endLeftOver, openPlace, type Place, recallServer, rememberServer, writeConfig } from './place.ts';
import { freePort, reachableHost } from './probe.ts';

export interface NatsServerOptions {
  readonly binary: string;
  /** Default 127.0.0.1: reachable from this machine only. */
  readonly host?: string;
  /** 0 or absent: the port of the last start with this state folder if it is free, else any free one. */
  readonly port?: number;
  /** Where port and configuration are kept. Absent: nowhere; a temporary folder until stop(). */
  readonly stateFolder?: string;
  /** The largest message. Default 8 MiB. */
  readonly maxPayloadBytes?: number;
  /** Default: this process's. */
  readonly env?: Environment;
  /** Told of starts, restarts, and every line of nats-server's own log. */
  readonly say?: (line: string) => void;
}

export interface NatsServer {
  /** As this machine reaches it. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Of the nats-server process itself; changes when it is started again. */
  pid(): number;
  /** Ends it; it is gone when the promise resolves. Safe to call twice. */
  stop(): Promise<void>;
  /** Resolves with undefined after stop(), with the reason if it could not be kept running. */
  readonly exited: Promise<Error | undefined>;
}

export const DEFAULT_MAX_PAYLOAD_BYTES = 8 * 1024 * 1024;

const START_ATTEMPTS = 5;
const RESTARTS_IN_A_ROW = 20;
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 2_000;
/** After so long, a server counts as healthy, and its next end as the first in a row. */
const HEALTHY_AFTER_MS = 10_000;

export async function startNatsServer(options: NatsServerOptions): Promise<NatsServer> {
  const place = await openPlace(options.stateFolder);
  try {
    const last = await recallServer(place);
    if (last !== undefined) await endLeftOver(last);
    const start = createStarter(options, place);
    const first = await startOnSomePort(options, last?.port, start);
    return supervise(options, place, start, first);
  } catch (error) {
    await place.release();
    throw error;
  }
}

type Starter = (port: number) => Promise<RunningServer>;

function createStarter(options: NatsServerOptions, place: Place): Starter {
  const host = options.host ?? '127.0.0.1';
  return async (port) => {
    const serverName = `tutti-${randomUUID()}`;
    const maxPayloadBytes = options.maxPayloadBytes ?? DEFAULT_MAX_PAYLOAD_BYTES;
    await writeConfig(place, { serverName, host, port, maxPayloadBytes });
    const server = await launchServer({
      binary: options.binary,
      configFile: place.configFile,
      host,
      port,
      serverName,
      env: options.env ?? process.env,
      log: options.say ?? (() => {}),
    });
    await rememberServer(place, { pid: server.pid, host, port, serverName });
    return server;
  };
}

interface Started {
  readonly server: RunningServer;
  readonly port: number;
}

async function startOnSomePort(
  options: NatsServerOptions,
  lastPort: number | undefined,
  start: Starter,
): Promise<Started> {
  const wanted = options.port ?? 0;
  if (wanted !== 0) return { server: await start(wanted), port: wanted };
  let failure: unknown;
  for (let attempt = 0; attempt < START_ATTEMPTS; attempt += 1) {
    // Between the choice of a port and its use another process may take it.
    const port =
      attempt === 0 && lastPort !== undefined ? lastPort : await freePort(options.host ?? '127.0.0.1');
    try {
      return { server: await start(port), port };
    } catch (error) {
      failure = error;
      options.say?.(`nats-server: port ${port} cannot be had, trying another`);
    }
  }
  throw failure;
}

function supervise(options: NatsServerOptions, place: Place, start: Starter, first: Started): NatsServer {
  const host = options.host ?? '127.0.0.1';
  const { port } = first;
  let current = first.server;
  let startedAtMs = performance.now();
  let stopping = false;
  let wake = () => {};

  const keepRunning = async (): Promise<Error | undefined> => {
    let failures = 0;
    while (!stopping) {
      const end = await current.exited;
      if (stopping) break;
      if (performance.now() - startedAtMs > HEALTHY_AFTER_MS) failures = 0;
      let reason = `exit code ${end.code ?? 'unknown'}`;
      for (let restarted = false; !restarted && !stopping; ) {
        failures += 1;
        if (failures > RESTARTS_IN_A_ROW) {
          return new Error(`nats-server on ${host}:${port} could not be kept running: ${reason}`);
        }
        options.say?.(`nats-server: ended (${reason}); starting it again on port ${port}`);
        await pause(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1)));
        if (stopping) break;
        const outcome = await start(port).catch((error: unknown) => String(error));
        restarted = typeof outcome !== 'string';
        if (typeof outcome === 'string') reason = outcome;
        else current = outcome;
      }
      startedAtMs = performance.now();
    }
    await current.stop();
    return undefined;
  };
  const pause = (delayMs: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, delayMs);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  const exited = (async () => {
    try {
      return await keepRunning();
    } finally {
      await place.release();
    }
  })();
  return {
    url: urlOf(reachableHost(host), port),
    host,
    port,
    pid: () => current.pid,
    exited,
    async stop() {
      stopping = true;
      wake();
      await current.stop();
      await exited;
    },
  };
}

function urlOf(host: string, port: number): string {
  return `nats://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
