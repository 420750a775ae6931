// By which names may the door be called? One that listens on this machine only is meant for this machine
// only, but a web page can lead a browser here by a name of its own (DNS rebinding) and then counts as of
// the same origin. What gives it away is that name, in Host or :authority.

import { BlockList, isIP } from 'node:net';
import { hostNotAllowed } from '../errors.ts';
import { type HttpRequest, type HttpResponse, refuse } from './adapter.ts';

/** True if it answered the request: with a refusal. */
export type HostPolicy = (request: HttpRequest, response: HttpResponse) => boolean;

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/**
 * @param boundHost where the door listens: one that other machines reach answers to every name
 * @param allowedHosts further names, without ports; `*` for all
 */
export function createHostPolicy(boundHost: string, allowedHosts: readonly string[]): HostPolicy {
  const allowed = new Set(allowedHosts.map((host) => host.toLowerCase()));
  if (!isLoopback(boundHost) || allowed.has('*')) return () => false;
  return (request, response) => {
    const called = nameOf(request);
    // No browser leaves it out.
    if (called === undefined || isLoopback(called) || allowed.has(called)) return false;
    refuse(response, hostNotAllowed(called));
    return true;
  };
}

function isLoopback(host: string): boolean {
  const version = isIP(host);
  if (version === 0) return host === 'localhost' || host.endsWith('.localhost');
  return LOOPBACK.check(host, version === 4 ? 'ipv4' : 'ipv6');
}

/** Without port, brackets and the dot of a name that ends at the root. */
function nameOf({ headers }: HttpRequest): string | undefined {
  const authority = headers[':authority'] ?? headers.host;
  if (typeof authority !== 'string') return undefined;
  const host = authority.toLowerCase().replace(/:\d*$/, '');
  return host.startsWith('[') ? host.slice(1, -1) : host.replace(/\.$/, '');
}
