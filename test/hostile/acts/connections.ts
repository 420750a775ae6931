// Connections that hold something open: what they say is too little, and never comes to its end.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Answer } from '../doors/answer.ts';
import { splitAddress } from '../doors/http.ts';
import type { Scene } from '../scene.ts';
import type { Act } from './index.ts';

export const connectionActs: Readonly<Record<string, Act>> = {
  idleConnections: (scene, door, { count }) => holdOpen(scene, door, Number(count), ''),
  slowHeaders: (scene, door, { count }) =>
    holdOpen(scene, door, Number(count), 'POST /x HTTP/1.1\r\nhost: localhost\r\nx-slow: '),
  halfBodies: (scene, door, { count }) =>
    holdOpen(
      scene,
      door,
      Number(count),
      'POST /tutti.v1.OrchestratorService/GetRun HTTP/1.1\r\nhost: localhost\r\n' +
        'content-type: application/json\r\ncontent-length: 1000\r\n\r\n{"runId": "',
    ),
  async pipelined(scene, _door, { count }) {
    const request = 'GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n';
    const socket = await open(scene.http);
    let received = '';
    socket.on('data', (chunk) => {
      received += String(chunk);
    });
    socket.write(request.repeat(Number(count)));
    socket.end('GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n');
    await once(socket, 'close');
    const answered = received.split('HTTP/1.1 200').length - 1;
    return { kind: answered === Number(count) + 1 ? 'accepted' : 'none', text: `${answered} answers` };
  },
};

/** Others are served meanwhile, and all of it is gone once the connections are. */
export async function holdOpen(scene: Scene, door: string, count: number, said: string): Promise<Answer> {
  const address = door === 'grpc' ? scene.stack.addresses.grpc : scene.http;
  const before = scene.watchdog.sockets();
  const sockets = await Promise.all(Array.from({ length: count }, () => open(address)));
  for (const socket of sockets) socket.write(said);
  await scene.canary.next();
  for (const socket of sockets) socket.destroy();
  return settled(scene, before);
}

/** Accepted once the process has no more sockets than before. */
export async function settled(scene: Scene, before: number): Promise<Answer> {
  for (let round = 0; round < 20; round += 1) {
    await scene.canary.next();
    if (scene.watchdog.sockets() <= before + 2) return { kind: 'accepted' };
  }
  return { kind: 'none', text: `${scene.watchdog.sockets()} sockets, ${before} before` };
}

async function open(address: string): Promise<Socket> {
  const [host, port] = splitAddress(address);
  const socket = connect(port, host);
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}
