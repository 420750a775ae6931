// Which web pages may call? None, unless their origin is listed. `*` lists all of them.

import { cors } from '@connectrpc/connect';
import { endWith, type HttpRequest, type HttpResponse } from './adapter.ts';

const MAX_AGE_SECONDS = 7_200;
const ALLOWED_HEADERS = [...cors.allowedHeaders, 'traceparent', 'tracestate'].join(', ');
const ALLOWED_METHODS = cors.allowedMethods.join(', ');
const EXPOSED_HEADERS = [...cors.exposedHeaders, 'retry-after'].join(', ');

/** True if it answered the request: a preflight. */
export type CorsPolicy = (request: HttpRequest, response: HttpResponse) => boolean;

export function createCorsPolicy(origins: readonly string[]): CorsPolicy {
  const allowed = new Set(origins);
  return (request, response) => {
    const { origin } = request.headers;
    if (origin === undefined || allowed.size === 0) return false;
    // The answer depends on it, also where it is no.
    response.setHeader('vary', 'Origin');
    if (!allowed.has('*') && !allowed.has(origin)) return false;
    response.setHeader('access-control-allow-origin', origin);
    if (request.method !== 'OPTIONS') {
      response.setHeader('access-control-expose-headers', EXPOSED_HEADERS);
      return false;
    }
    response.setHeader('access-control-allow-methods', ALLOWED_METHODS);
    response.setHeader('access-control-allow-headers', ALLOWED_HEADERS);
    response.setHeader('access-control-max-age', String(MAX_AGE_SECONDS));
    response.statusCode = 204;
    endWith(response);
    return true;
  };
}
