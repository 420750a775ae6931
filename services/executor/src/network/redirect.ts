// Where does a redirect lead, and what may go along?

export interface Hop {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** What tells who somebody is stays with the origin it was meant for. */
const CREDENTIALS = new Set(['authorization', 'cookie', 'proxy-authorization']);
const OF_THE_BODY = new Set(['content-type', 'content-encoding', 'content-language']);

export function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}

/** The next request; undefined if the location is none to follow (RFC 9110, 15.4). */
export function followRedirect(hop: Hop, status: number, location: string): Hop | undefined {
  if (!URL.canParse(location, hop.url.href)) return undefined;
  const url = new URL(location, hop.url.href);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined;
  const becomesGet = (status === 303 && hop.method !== 'HEAD') || (status <= 302 && hop.method === 'POST');
  const dropped = (name: string): boolean =>
    (url.origin !== hop.url.origin && CREDENTIALS.has(name)) || (becomesGet && OF_THE_BODY.has(name));
  return {
    url,
    method: becomesGet ? 'GET' : hop.method,
    headers: Object.fromEntries(Object.entries(hop.headers).filter(([name]) => !dropped(name.toLowerCase()))),
    body: becomesGet ? undefined : hop.body,
  };
}
