// Which bytes does a gRPC call have over HTTP/2? As few kinds of them as a load generator needs.
//
// Headers are written as literals and none is remembered by either side (HEADER_TABLE_SIZE 0), so that
// requests can be prepared once and answers can be told apart without a decoder.

export const FRAME_HEAD_BYTES = 9;
export const TYPE = { DATA: 0, HEADERS: 1, RST_STREAM: 3, SETTINGS: 4, PING: 6, GOAWAY: 7, WINDOW_UPDATE: 8 };
export const FLAG = { END_STREAM: 1, ACK: 1, END_HEADERS: 4 };
export const SETTING = {
  HEADER_TABLE_SIZE: 1,
  ENABLE_PUSH: 2,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
};

const WINDOW_BYTES = 1 << 30;

export function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  head.writeUIntBE(payload.byteLength, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** What a client says first. */
export function opening(): Buffer {
  const settings = Buffer.alloc(18);
  settings.writeUInt16BE(SETTING.HEADER_TABLE_SIZE, 0);
  settings.writeUInt16BE(SETTING.ENABLE_PUSH, 6);
  settings.writeUInt16BE(SETTING.INITIAL_WINDOW_SIZE, 12);
  settings.writeUInt32BE(WINDOW_BYTES, 14);
  return Buffer.concat([
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    frame(TYPE.SETTINGS, 0, 0, settings),
    windowUpdate(WINDOW_BYTES),
  ]);
}

export function windowUpdate(bytes: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(bytes);
  return frame(TYPE.WINDOW_UPDATE, 0, 0, payload);
}

/** A call as it is to be sent: the stream's number stands at 5 and at `dataAt + 5`. */
export interface PreparedCall {
  readonly bytes: Buffer;
  readonly dataAt: number;
  /** Where the message begins. */
  readonly messageAt: number;
  readonly dataBytes: number;
}

export function prepareCall(path: string, authority: string, message: Uint8Array): PreparedCall {
  const block = Buffer.concat([
    Buffer.from([0x83, 0x86]), // :method POST, :scheme http
    Buffer.from([0x04]),
    text(path),
    Buffer.from([0x01]),
    text(authority),
    Buffer.from([0x0f, 0x10]), // content-type
    text('application/grpc'),
    Buffer.from([0x00]),
    text('te'),
    text('trailers'),
  ]);
  const headers = frame(TYPE.HEADERS, FLAG.END_HEADERS, 0, block);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.byteLength, 1);
  const data = frame(TYPE.DATA, FLAG.END_STREAM, 0, Buffer.concat([prefix, message]));
  return {
    bytes: Buffer.concat([headers, data]),
    dataAt: headers.byteLength,
    messageAt: headers.byteLength + FRAME_HEAD_BYTES + prefix.byteLength,
    dataBytes: prefix.byteLength + message.byteLength,
  };
}

/** Up to 126 characters, as they are. */
function text(value: string): Buffer {
  if (value.length > 126) throw new Error(`too long for one byte of length: ${value}`);
  return Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
}

/** The letters of `grpc-status` in the Huffman code of HPACK. */
const LETTERS: Readonly<Record<string, string>> = {
  g: '100110',
  r: '101100',
  p: '101011',
  c: '00100',
  '-': '010110',
  s: '01000',
  t: '01001',
  a: '00011',
  u: '101101',
};

function huffman(value: string): Buffer {
  const bits = [...value].map((letter) => LETTERS[letter]).join('');
  const padded = bits.padEnd(Math.ceil(bits.length / 8) * 8, '1');
  return Buffer.from((padded.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}

const GRPC_STATUS = huffman('grpc-status');

/** Of the headers that end a call; -1 where they say none. Codes are too short to be worth the Huffman code. */
export function grpcStatusIn(block: Buffer): number {
  const at = block.indexOf(GRPC_STATUS);
  if (at < 0) return -1;
  const lengthAt = at + GRPC_STATUS.byteLength;
  const length = block[lengthAt] ?? 0;
  return length > 2 ? -1 : Number(block.toString('latin1', lengthAt + 1, lengthAt + 1 + length));
}
