// Which TCP port can a server take? One that was free a moment ago.

import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

const FIRST_UNPRIVILEGED_PORT = 1_024;
const MOST_TRIES = 100;

export async function freePort(): Promise<number> {
  return await tryPort(0);
}

/** For servers that take small ones alone: what the system offers by itself is mostly above. */
export async function freePortBelow(end: number): Promise<number> {
  for (let tries = 1; ; tries += 1) {
    const port = randomInt(FIRST_UNPRIVILEGED_PORT, end);
    try {
      return await tryPort(port);
    } catch (error) {
      if (tries === MOST_TRIES) throw error;
    }
  }
}

async function tryPort(port: number): Promise<number> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}
