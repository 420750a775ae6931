// Calls of gRPC and HTTP that are begun and not gone on with, by their sender or by their reader.

import { once } from 'node:events';
import { request } from 'node:http';
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { framed } from '../bytes.ts';
import type { Scene } from '../scene.ts';
import { settled } from './connections.ts';
import type { Act } from './index.ts';

const GET_RUN = '/tutti.v1.OrchestratorService/GetRun';
const LIST_RUNS = '/tutti.v1.OrchestratorService/ListRuns';
const WATCH = '/tutti.v1.OrchestratorService/Watch';

export const streamActs: Readonly<Record<string, Act>> = {
  async halfOpenCalls(scene, _door, { count, bytes, length }) {
    return whileOpen(scene, {}, (session) => {
      const said = bytes === undefined ? undefined : framed(Buffer.alloc(Number(bytes)), 0, Number(length));
      for (let index = 0; index < Number(count); index += 1) {
        const stream = begin(session, GET_RUN);
        if (said !== undefined) stream.write(said);
      }
    });
  },
  async deafWatchers(scene, door, { count }) {
    // From the first event of the canary on: there is something to send at once, and more all the time.
    if (door === 'http') return deafOverHttp(scene, Number(count));
    return whileOpen(scene, { initialWindowSize: 0 }, (session) => {
      // namespace: canary, after_revision: 0 (optional, hence said).
      const message = framed(Buffer.from([0x0a, 6, ...Buffer.from('canary'), 0x18, 0]));
      for (let index = 0; index < Number(count); index += 1) begin(session, WATCH).end(message);
    });
  },
  async deafCalls(scene, _door, { count }) {
    return whileOpen(scene, { initialWindowSize: 0 }, (session) => {
      const message = framed(Buffer.from([0x0a, 6, ...Buffer.from('canary')]));
      for (let index = 0; index < Number(count); index += 1) begin(session, LIST_RUNS).end(message);
    });
  },
  async rapidReset(scene, _door, { count }) {
    return whileOpen(scene, {}, (session) => {
      for (let index = 0; index < Number(count); index += 1) {
        const stream = begin(session, GET_RUN);
        stream.end(framed(Buffer.alloc(0)));
        stream.close(8);
      }
    });
  },
  async pings(scene, _door, { count }) {
    return whileOpen(scene, {}, (session) => {
      for (let index = 0; index < Number(count) && !session.destroyed; index += 1) session.ping(() => {});
    });
  },
};

async function whileOpen(scene: Scene, settings: object, act: (session: ClientHttp2Session) => void) {
  const before = scene.watchdog.sockets();
  const session = connect(`http://${scene.stack.addresses.grpc}`, { settings });
  session.on('error', () => {});
  await once(session, 'connect');
  act(session);
  await scene.canary.next();
  session.destroy();
  return settled(scene, before);
}

function begin(session: ClientHttp2Session, path: string): ClientHttp2Stream {
  const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
  const stream = session.request(headers, { endStream: false });
  stream.on('error', () => {});
  // Nobody listens for data: what comes is left where it is.
  return stream;
}

async function deafOverHttp(scene: Scene, count: number) {
  const before = scene.watchdog.sockets();
  const requests = Array.from({ length: count }, () => {
    const headers = { 'content-type': 'application/connect+json' };
    const one = request(`http://${scene.http}${WATCH}`, { method: 'POST', headers, agent: false });
    one.on('error', () => {});
    one.on('response', (response) => response.pause());
    one.end(framed(Buffer.from('{"namespace":"canary","afterRevision":"0"}')));
    return one;
  });
  await scene.canary.next();
  for (const one of requests) one.destroy();
  return settled(scene, before);
}
