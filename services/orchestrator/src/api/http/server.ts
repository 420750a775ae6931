// The HTTP door: Connect, gRPC-Web and plain JSON, over HTTP/1.1 and HTTP/2 without TLS, with
// probes and metrics beside them.

import { createServer as createHttp1Server, type Server } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { type IncidentLog, notServing } from '../errors.ts';
import type { Door } from '../grpc/server.ts';
import { createIntake, DEFAULT_INTAKE_LIMITS, type IntakeLimits } from '../intake.ts';
import type { Services } from '../services/index.ts';
import { createAdapter, type HttpRequest, type HttpResponse } from './adapter.ts';
import { createCorsPolicy } from './cors.ts';
import { createHostPolicy } from './hosts.ts';
import { enter } from './intake.ts';
import { createPages, type Metrics } from './pages.ts';
import { shareConnections } from './sniff.ts';

export interface HttpServerOptions {
  readonly services: Services;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly log: IncidentLog;
  readonly metrics?: () => Promise<Metrics>;
  /** Origins whose web pages may call; `*` for all. Default: none. */
  readonly corsOrigins?: readonly string[];
  /** Names by which it may be called besides those of this machine; `*` for all. See hosts.ts. */
  readonly allowedHosts?: readonly string[];
  readonly intake?: IntakeLimits;
  /** Others are closed as they come. Default 10,000. */
  readonly maxConnections?: number;
}

const MAX_CONNECTIONS = 10_000;
/** Longer than the idle time of common load balancers, which then close first. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000;
const HEADERS_TIMEOUT_MS = 30_000;
const PROBE_AFTER_MS = 60_000;
const MAX_STREAMS_PER_CONNECTION = 1_000;

export async function startHttpServer(options: HttpServerOptions): Promise<Door> {
  const { services, log } = options;
  const shutdown = new AbortController();
  const adapter = createAdapter(services, shutdown.signal);
  const hosts = createHostPolicy(options.host, options.allowedHosts ?? []);
  const cors = createCorsPolicy(options.corsOrigins ?? []);
  const pages = createPages({
    serving: services.serving,
    failingNamespaces: services.failingNamespaces,
    metrics: options.metrics,
    log,
  });
  const intake = createIntake(options.intake ?? DEFAULT_INTAKE_LIMITS, () => performance.now());
  intake.start();
  const listener = (request: HttpRequest, response: HttpResponse): void => {
    response.on('error', () => response.destroy());
    const visit = enter(intake, request, response);
    if (visit === undefined) return;
    if (hosts(request, response) || cors(request, response)) return;
    if (!adapter.handle(request, response, visit)) pages(request, response);
  };

  const connections = {
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    // A peer that is gone without a word, in the middle of a watch, say, is noticed by the system.
    keepAlive: true,
    keepAliveInitialDelay: PROBE_AFTER_MS,
  };
  const http1 = createHttp1Server(connections, listener);
  const settings = { maxConcurrentStreams: MAX_STREAMS_PER_CONNECTION };
  const http2 = createHttp2Server({ settings }, listener);
  const sessions = new Set<ServerHttp2Session>();
  http2.on('session', (session) => {
    sessions.add(session);
    // What is open on it goes on.
    session.setTimeout(KEEP_ALIVE_TIMEOUT_MS, () => session.close());
    session.once('close', () => sessions.delete(session));
  });
  shareConnections(http1, http2);
  http1.maxConnections = options.maxConnections ?? MAX_CONNECTIONS;
  const sockets = trackSockets(http1);
  await listen(http1, options.host, options.port);

  return {
    port: (http1.address() as AddressInfo).port,
    quiet: adapter.quiet,
    async close(graceMs, hurry) {
      intake.stop();
      const closed = new Promise((resolve) => http1.close(resolve));
      shutdown.abort(notServing());
      for (const session of sessions) session.close();
      // A response that ends now leaves its connection open for the next request.
      const sweep = setInterval(() => http1.closeIdleConnections(), 50);
      const cut = () => {
        for (const socket of sockets) socket.destroy();
      };
      const timer = setTimeout(cut, graceMs);
      hurry?.addEventListener('abort', cut);
      if (hurry?.aborted) cut();
      await closed;
      clearInterval(sweep);
      clearTimeout(timer);
      hurry?.removeEventListener('abort', cut);
    },
  };
}

function trackSockets(server: Server): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return sockets;
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      reject(new Error(`cannot listen for HTTP on ${host}:${port}: ${error.message}`, { cause: error }));
    });
    server.listen(port, host, () => resolve());
  });
}
