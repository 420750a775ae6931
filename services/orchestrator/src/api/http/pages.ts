// What is there on the HTTP door besides the services? Probes, metrics, and an answer to everything else.

import { type IncidentLog, unknownMethod } from '../errors.ts';
import { endWith, type HttpRequest, type HttpResponse, pathOf, refuse } from './adapter.ts';

export interface Metrics {
  readonly contentType: string;
  readonly body: string;
}

export interface PagesDeps {
  readonly serving: () => boolean;
  /** Whose latest commit failed. */
  readonly failingNamespaces: () => readonly string[];
  /** What a Prometheus server reads; undefined: there are none. */
  readonly metrics: (() => Promise<Metrics>) | undefined;
  readonly log: IncidentLog;
}

export function createPages(deps: PagesDeps): (request: HttpRequest, response: HttpResponse) => void {
  return (request, response) => {
    const path = pathOf(request);
    if (request.method !== 'GET' && request.method !== 'HEAD') return unknownPath(response, path);
    switch (path) {
      case '/healthz':
        return text(response, 200, 'ok\n');
      case '/readyz': {
        const why = whyNotReady(deps);
        return text(response, why === undefined ? 200 : 503, `${why ?? 'ok'}\n`);
      }
      case '/metrics':
        if (deps.metrics === undefined) return unknownPath(response, path);
        deps.metrics().then(
          ({ contentType, body }) => send(response, 200, contentType, body),
          (err: unknown) => {
            deps.log.error({ err }, 'the metrics could not be read');
            text(response, 500, 'the metrics could not be read; the log of the orchestrator says why\n');
          },
        );
        return;
      default:
        return unknownPath(response, path);
    }
  };
}

const REMEDY =
  'Calls are POST /tutti.v1.OrchestratorService/{Method}; there are also GET /healthz, /readyz and /metrics.';
/** How many namespaces are named. */
const MAX_NAMED = 10;

/** Undefined: ready. */
function whyNotReady({ serving, failingNamespaces }: PagesDeps): string | undefined {
  if (!serving()) return 'starting or stopping';
  const failing = failingNamespaces();
  if (failing.length === 0) return undefined;
  const named = failing.slice(0, MAX_NAMED).join(', ') + (failing.length > MAX_NAMED ? ', …' : '');
  return `the latest commit failed of namespace ${named}; the log of the orchestrator says why, it goes on by itself`;
}

function text(response: HttpResponse, status: number, body: string): void {
  send(response, status, 'text/plain; charset=utf-8', body);
}

/** In the form of Connect errors, for this is what its clients read. */
function unknownPath(response: HttpResponse, path: string): void {
  refuse(response, unknownMethod(path, REMEDY), 404);
}

function send(response: HttpResponse, status: number, contentType: string, body: string): void {
  response.statusCode = status;
  response.setHeader('content-type', contentType);
  response.setHeader('content-length', Buffer.byteLength(body));
  endWith(response, body);
}
