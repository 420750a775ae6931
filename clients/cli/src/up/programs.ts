// Which programs does `up` start, and with what arguments?

import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { ChildSpec } from './child.ts';

export interface UpOptions {
  /** Absolute. */
  readonly dataFolder: string;
  readonly grpcPort: number;
  readonly httpPort: number;
  /** A NATS cluster to use; undefined starts a server of our own. */
  readonly natsUrl: string | undefined;
  /** The binary for a server of our own; undefined leaves the search to the orchestrator. */
  readonly natsServer: string | undefined;
  readonly executorCount: number;
  readonly slots: number;
  readonly namespace: string;
}

/** How long an executor may finish what it holds; the rest goes back to the queue. */
const drainTimeoutSeconds = 5;

/** Where the programs stand: the same places in every checkout. */
function program(path: string): string {
  return fileURLToPath(new URL(`../../../../${path}`, import.meta.url));
}

/** Where things listen. */
export interface Addresses {
  readonly grpc: string;
  readonly http: string;
  readonly nats: string;
}

/** The options by which an orchestrator listens again where the last one did, also on ports it had chosen. */
export function listeningAgain(options: UpOptions, at: Addresses): UpOptions {
  return {
    ...options,
    grpcPort: portOf(at.grpc) ?? options.grpcPort,
    httpPort: portOf(at.http) ?? options.httpPort,
  };
}

function portOf(address: string): number | undefined {
  const port = /:(\d+)\/?$/.exec(address)?.[1];
  return port === undefined ? undefined : Number(port);
}

/** Says the path of a nats-server on stdout, after obtaining one if need be. */
export function natsServerProgram(): ChildSpec {
  const args = [program('services/orchestrator/src/nats/server/print-path.ts')];
  return { name: 'the search for a nats-server', args, env: process.env };
}

export function orchestratorProgram(options: UpOptions): ChildSpec {
  const args = [
    program('services/orchestrator/src/main.ts'),
    '--exit-with-parent',
    ...['--host', '127.0.0.1', '--data', options.dataFolder],
    ...['--grpc-port', String(options.grpcPort), '--http-port', String(options.httpPort)],
  ];
  if (options.natsUrl !== undefined) args.push('--nats', options.natsUrl);
  const { natsServer } = options;
  const env = natsServer === undefined ? process.env : { ...process.env, TUTTI_NATS_SERVER: natsServer };
  return { name: 'the orchestrator', args, env };
}

/** @param number counted from 1. */
export function executorProgram(options: UpOptions, natsUrl: string, number: number): ChildSpec {
  const id = executorId(options.dataFolder, number);
  return {
    name: `executor ${id}`,
    args: [
      program('services/executor/src/main.ts'),
      '--exit-with-parent',
      ...['--slots', String(options.slots), '--drain-timeout', String(drainTimeoutSeconds)],
    ],
    env: {
      ...process.env,
      TUTTI_NATS_URL: natsUrl,
      TUTTI_NAMESPACE: options.namespace,
      TUTTI_EXECUTOR_ID: id,
    },
  };
}

/**
 * The same after every restart on the same data folder, so that a new process takes the place of one
 * that died, and what that one held goes back to the queue at once and not when its leases expire.
 */
function executorId(dataFolder: string, number: number): string {
  const place = createHash('sha256').update(`${hostname()}\n${dataFolder}`).digest('hex').slice(0, 8);
  return `up-${place}-${number}`;
}
