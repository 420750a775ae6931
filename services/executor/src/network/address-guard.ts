// May a task's request connect to this address?
//
// Public unicast addresses yes; loopback, private, link-local (cloud metadata services live there) and
// every other special range only where the configuration allows it. The check stands at the connection
// and not before it: names are resolved once, only permitted addresses are tried, and the address the
// socket ends up with is looked at again. So a name that resolves differently the second time (DNS
// rebinding) gains nothing.

import { type LookupAddress, type LookupOptions, lookup as systemLookup } from 'node:dns';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { buildConnector } from 'undici';

export type AddressGuard = (address: string) => boolean;

export class AddressRefusedError extends Error {
  override readonly name = 'AddressRefusedError';

  constructor(host: string, addresses: readonly string[]) {
    super(`${host} is at ${addresses.join(', ')}, where this executor may not connect to`);
  }
}

type Range = ReturnType<typeof ipaddr.parseCIDR>;

/** `allowed` are CIDR ranges (10.0.0.0/8, ::1/128) or single addresses. Throws for any other. */
export function createAddressGuard(allowed: readonly string[]): AddressGuard {
  const ranges = allowed.map(parseRange);
  return (text) => {
    if (isIP(text) === 0) return false;
    // An IPv4 address in IPv6 clothing counts as what it is.
    const address = ipaddr.process(text);
    if (address.range() === 'unicast' && isGlobal(address)) return true;
    return ranges.some(([network, bits]) => {
      return network.kind() === address.kind() && address.match(network as typeof address, bits);
    });
  };
}

/** Of IPv6 only this block is given out; the rest holds old forms such as ::127.0.0.1. */
const globalIpv6 = ipaddr.IPv6.parseCIDR('2000::/3');

function isGlobal(address: ReturnType<typeof ipaddr.process>): boolean {
  return address.kind() === 'ipv4' || (address as ipaddr.IPv6).match(globalIpv6);
}

/** Whether createAddressGuard takes it. Short forms such as `10.1` are too easily misread. */
export function isAddressRange(text: string): boolean {
  const [address = '', ...bits] = text.split('/');
  return isIP(address) !== 0 && (bits.length === 0 || ipaddr.isValidCIDR(text));
}

function parseRange(text: string): Range {
  if (isAddressRange(text)) {
    if (text.includes('/')) return ipaddr.parseCIDR(text);
    const address = ipaddr.process(text);
    return [address, address.kind() === 'ipv4' ? 32 : 128];
  }
  throw new TypeError(`${JSON.stringify(text)} is neither an address nor a range such as 10.0.0.0/8`);
}

export type Lookup = (
  host: string,
  options: LookupOptions & { all: true },
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

export interface ConnectorOptions {
  readonly guard: AddressGuard;
  readonly timeoutMs: number;
  /** The system's resolver unless a test has its own. */
  readonly lookup?: Lookup;
}

/** What undici connects with. */
export function createGuardedConnector(options: ConnectorOptions): buildConnector.connector {
  const { guard, timeoutMs, lookup = systemLookup } = options;
  const connect = buildConnector({
    timeout: timeoutMs,
    lookup(host, lookupOptions, done) {
      lookup(host, { ...lookupOptions, all: true }, (error, found) => {
        if (error !== null) return done(error, []);
        const permitted = found.filter((entry) => guard(entry.address));
        const first = permitted[0];
        if (first === undefined) {
          const refused = new AddressRefusedError(
            host,
            found.map((entry) => entry.address),
          );
          return done(refused, []);
        }
        return lookupOptions.all === true ? done(null, permitted) : done(null, first.address, first.family);
      });
    },
  });
  return (target, done) => {
    // A host that is an address is never looked up.
    const host = target.hostname.replace(/^\[(.*)\]$/, '$1');
    if (isIP(host) !== 0 && !guard(host)) return done(new AddressRefusedError(host, [host]), null);
    return connect(target, (...outcome) => {
      // After an error there is no second argument at all, whatever the types say.
      if (outcome[0] !== null) return done(...outcome);
      const socket = outcome[1];
      const address = socket.remoteAddress ?? '';
      if (guard(address)) return done(...outcome);
      socket.destroy();
      return done(new AddressRefusedError(host, [address]), null);
    });
  };
}
