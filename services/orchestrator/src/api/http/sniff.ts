// Does a connection speak HTTP/1.1 or HTTP/2? Without TLS only its first bytes tell (RFC 9113, 3.4).

import type { Server as Http1Server } from 'node:http';
import type { Http2Server } from 'node:http2';
import type { Socket } from 'node:net';

const FIRST_BYTES_TIMEOUT_MS = 10_000;
/** How `PRI * HTTP/2.0` begins; no method of HTTP/1.1 does. */
const HTTP2_BEGINNING = 'PR';

/** Lets `http2`, which does not listen itself, serve those connections of `http1` that speak HTTP/2. */
export function shareConnections(http1: Http1Server, http2: Http2Server): void {
  const serveHttp1 = http1.listeners('connection');
  http1.removeAllListeners('connection');
  http1.on('connection', (socket) =>
    whenBegun(socket, (beginning) => {
      if (beginning === HTTP2_BEGINNING) http2.emit('connection', socket);
      else for (const serve of serveHttp1) serve.call(http1, socket);
    }),
  );
}

/** Calls back with the first two characters, once, and leaves the socket as if nobody had looked. */
function whenBegun(socket: Socket, begun: (beginning: string) => void): void {
  const giveUp = () => socket.destroy();
  const look = () => {
    const first = socket.read(HTTP2_BEGINNING.length) as Buffer | null;
    // One byte at most so far.
    if (first === null) return;
    socket.setTimeout(0);
    socket.off('readable', look).off('timeout', giveUp).off('error', giveUp).off('end', giveUp);
    socket.unshift(first);
    begun(first.toString('latin1'));
  };
  socket.setTimeout(FIRST_BYTES_TIMEOUT_MS);
  socket.on('readable', look).on('timeout', giveUp).on('error', giveUp).on('end', giveUp);
}
