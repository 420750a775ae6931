// One HTTP/2 connection that makes gRPC calls at the least cost to the machine that it shares with the
// server: prepared bytes out, and of what comes back only what tells how a call ended.

import { connect } from 'node:net';
import {
  FLAG,
  FRAME_HEAD_BYTES,
  frame,
  grpcStatusIn,
  opening,
  type PreparedCall,
  SETTING,
  TYPE,
  windowUpdate,
} from './frames.ts';

export interface CallEnd {
  /** Of gRPC; -1 where the stream or the connection broke. */
  readonly status: number;
  readonly latencyMs: number;
  /** The answer, where there is one. */
  readonly message: Buffer | undefined;
}

export interface RawConnection {
  /**
   * False: not sent, since flow control or the limit of streams holds it back.
   * @param fill writes what differs from call to call into the copy of the prepared bytes
   */
  call(prepared: PreparedCall, fill: (bytes: Buffer) => void, ended: (end: CallEnd) => void): boolean;
  readonly inFlight: number;
  close(): void;
}

interface Call {
  readonly sentAtMs: number;
  readonly ended: (end: CallEnd) => void;
  message: Buffer | undefined;
}

const PREFIX_BYTES = 5;
const LAST_STREAM = 2 ** 31 - 1;
/** How much is read before the server is told that it may send as much again. */
const ACKNOWLEDGE_BYTES = 1 << 20;

export async function openRawConnection(address: string): Promise<RawConnection> {
  const [host = '', port = ''] = address.split(':');
  const socket = connect({ host, port: Number(port), noDelay: true });
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  socket.write(opening());

  const calls = new Map<number, Call>();
  let nextStream = 1;
  let sendWindowBytes = 65_535;
  let maxStreams = 100;
  let unacknowledgedBytes = 0;
  let rest: Buffer = Buffer.alloc(0);
  let corked = false;

  function write(bytes: Buffer): void {
    if (!corked) {
      corked = true;
      socket.cork();
      setImmediate(() => {
        corked = false;
        socket.uncork();
      });
    }
    socket.write(bytes);
  }

  function end(stream: number, status: number): void {
    const call = calls.get(stream);
    if (call === undefined) return;
    calls.delete(stream);
    call.ended({ status, latencyMs: performance.now() - call.sentAtMs, message: call.message });
  }

  function breakAll(): void {
    for (const stream of [...calls.keys()]) end(stream, -1);
  }

  function read(type: number, flags: number, stream: number, payload: Buffer): void {
    switch (type) {
      case TYPE.DATA: {
        const call = calls.get(stream);
        // Answers are small: each comes in one frame.
        if (call !== undefined) call.message = Buffer.from(payload.subarray(PREFIX_BYTES));
        unacknowledgedBytes += payload.byteLength;
        if (unacknowledgedBytes > ACKNOWLEDGE_BYTES) {
          write(windowUpdate(unacknowledgedBytes));
          unacknowledgedBytes = 0;
        }
        return;
      }
      case TYPE.HEADERS:
        if ((flags & FLAG.END_STREAM) !== 0) end(stream, grpcStatusIn(payload));
        return;
      case TYPE.RST_STREAM:
        end(stream, -1);
        return;
      case TYPE.SETTINGS:
        if ((flags & FLAG.ACK) !== 0) return;
        for (let at = 0; at + 6 <= payload.byteLength; at += 6) {
          if (payload.readUInt16BE(at) === SETTING.MAX_CONCURRENT_STREAMS)
            maxStreams = payload.readUInt32BE(at + 2);
        }
        write(frame(TYPE.SETTINGS, FLAG.ACK, 0, Buffer.alloc(0)));
        return;
      case TYPE.PING:
        if ((flags & FLAG.ACK) === 0) write(frame(TYPE.PING, FLAG.ACK, 0, payload));
        return;
      case TYPE.WINDOW_UPDATE:
        if (stream === 0) sendWindowBytes += payload.readUInt32BE(0);
        return;
      case TYPE.GOAWAY:
        breakAll();
        socket.destroy();
        return;
    }
  }

  socket.on('data', (chunk) => {
    const bytes = rest.byteLength === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (at + FRAME_HEAD_BYTES <= bytes.byteLength) {
      const length = bytes.readUIntBE(at, 3);
      const next = at + FRAME_HEAD_BYTES + length;
      if (next > bytes.byteLength) break;
      const stream = bytes.readUInt32BE(at + 5) & LAST_STREAM;
      read(bytes[at + 3] ?? 0, bytes[at + 4] ?? 0, stream, bytes.subarray(at + FRAME_HEAD_BYTES, next));
      at = next;
    }
    rest = bytes.subarray(at);
  });
  socket.on('error', breakAll);
  socket.on('close', breakAll);

  return {
    call(prepared, fill, ended) {
      const { bytes, dataAt, dataBytes } = prepared;
      if (calls.size >= maxStreams || sendWindowBytes < dataBytes || socket.destroyed) return false;
      const copy = Buffer.from(bytes);
      copy.writeUInt32BE(nextStream, 5);
      copy.writeUInt32BE(nextStream, dataAt + 5);
      fill(copy);
      sendWindowBytes -= dataBytes;
      calls.set(nextStream, { sentAtMs: performance.now(), ended, message: undefined });
      nextStream += 2;
      write(copy);
      return true;
    },
    get inFlight() {
      return calls.size;
    },
    close: () => socket.destroy(),
  };
}
