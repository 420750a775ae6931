// Which NATS server answers at an address?

import { connect, createServer } from 'node:net';

export interface ServerInfo {
  readonly serverName: string;
  readonly maxPayloadBytes: number;
}

const INFO_LIMIT_BYTES = 65_536;

/** The INFO line that every NATS server greets with; undefined if nobody, or no NATS server, answers. */
export function readServerInfo(
  host: string,
  port: number,
  timeoutMs: number,
): Promise<ServerInfo | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: reachableHost(host), port });
    let text = '';
    const finish = (info: ServerInfo | undefined) => {
      socket.destroy();
      resolve(info);
    };
    socket.setTimeout(timeoutMs, () => finish(undefined));
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      text += chunk;
      const end = text.indexOf('\r\n');
      if (end >= 0) finish(parseInfo(text.slice(0, end)));
      else if (text.length > INFO_LIMIT_BYTES) finish(undefined);
    });
    socket.on('error', () => finish(undefined));
    socket.on('close', () => finish(undefined));
  });
}

function parseInfo(line: string): ServerInfo | undefined {
  if (!line.startsWith('INFO ')) return undefined;
  try {
    const info = JSON.parse(line.slice(5)) as Record<string, unknown>;
    return { serverName: String(info.server_name), maxPayloadBytes: Number(info.max_payload) };
  } catch {
    return undefined;
  }
}

/** Where a server that listens on every address of this machine can be reached from it. */
export function reachableHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

/** A port that was free a moment ago. */
export function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, host, () => {
      const address = server.address();
      server.close(() => {
        if (typeof address === 'object' && address !== null) resolve(address.port);
        else reject(new Error(`The system gave no port on ${host}`));
      });
    });
  });
}
