// What did a process do to its files? The records of recorder.c, read back.

export type Call =
  | {
      readonly type: 'OPEN';
      readonly fd: number;
      readonly path: string;
      readonly created: boolean;
      readonly truncated: boolean;
    }
  | { readonly type: 'CLOSE'; readonly fd: number }
  | { readonly type: 'WRITE'; readonly fd: number; readonly offset: number; readonly bytes: Buffer }
  | { readonly type: 'TRUNCATE'; readonly fd: number; readonly size: number }
  | { readonly type: 'SYNC'; readonly fd: number; readonly failed: boolean }
  | { readonly type: 'UNLINK'; readonly path: string }
  | { readonly type: 'RENAME'; readonly path: string; readonly to: string }
  | { readonly type: 'MKDIR'; readonly path: string }
  /** What the process said at this point. */
  | { readonly type: 'NOTE'; readonly text: string }
  /** A call that was given an error instead of being done. */
  | { readonly type: 'REFUSED'; readonly call: string };

const KINDS = ['', 'OPEN', 'CLOSE', 'WRITE', 'TRUNCATE', 'SYNC', 'UNLINK', 'RENAME', 'MKDIR', 'NOTE', 'READ'];
const HEADER_BYTES = 40;
const CREATED = 1;
const TRUNCATED = 2;

/** A record that was being written when the process was killed is left out. */
export function readTrace(log: Buffer): readonly Call[] {
  const calls: Call[] = [];
  let at = 0;
  while (at + HEADER_BYTES <= log.length) {
    const pathStart = at + HEADER_BYTES;
    const dataStart = pathStart + Number(log.readBigUInt64LE(at + 16));
    const end = dataStart + Number(log.readBigUInt64LE(at + 24));
    if (end > log.length) break;
    const header = log.subarray(at, pathStart);
    calls.push(readCall(header, log.toString('utf8', pathStart, dataStart), log.subarray(dataStart, end)));
    at = end;
  }
  return calls;
}

/** What readTrace() reads; of what a process did, not of what it was refused. */
export function writeTrace(calls: readonly Call[]): Buffer {
  return Buffer.concat(calls.flatMap((call) => (call.type === 'REFUSED' ? [] : [...writeCall(call)])));
}

function writeCall(call: Exclude<Call, { type: 'REFUSED' }>): readonly Buffer[] {
  const path = Buffer.from('path' in call ? call.path : '');
  const data = dataOf(call);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(KINDS.indexOf(call.type), 0);
  header.writeInt32LE('fd' in call ? call.fd : 0, 4);
  header.writeBigInt64LE(
    BigInt(call.type === 'WRITE' ? call.offset : call.type === 'TRUNCATE' ? call.size : 0),
    8,
  );
  header.writeBigUInt64LE(BigInt(path.length), 16);
  header.writeBigUInt64LE(BigInt(data.length), 24);
  const opened = call.type === 'OPEN' ? (call.created ? CREATED : 0) | (call.truncated ? TRUNCATED : 0) : 0;
  header.writeUInt32LE(opened, 32);
  header.writeUInt32LE(call.type === 'SYNC' && call.failed ? 1 : 0, 36);
  return [header, path, data];
}

function dataOf(call: Call): Buffer {
  switch (call.type) {
    case 'WRITE':
      return call.bytes;
    case 'NOTE':
      return Buffer.from(call.text);
    case 'RENAME':
      return Buffer.from(call.to);
    case 'OPEN':
    case 'CLOSE':
    case 'TRUNCATE':
    case 'SYNC':
    case 'UNLINK':
    case 'MKDIR':
    case 'REFUSED':
      return Buffer.alloc(0);
  }
}

function readCall(header: Buffer, path: string, data: Buffer): Call {
  const kind = header.readUInt32LE(0);
  const fd = header.readInt32LE(4);
  const offset = Number(header.readBigInt64LE(8));
  const flags = header.readUInt32LE(32);
  const failed = header.readUInt32LE(36) !== 0;
  const type = KINDS[kind];
  if (failed && type !== 'SYNC') return { type: 'REFUSED', call: String(type) };
  switch (type) {
    case 'OPEN':
      return { type, fd, path, created: (flags & CREATED) !== 0, truncated: (flags & TRUNCATED) !== 0 };
    case 'CLOSE':
      return { type, fd };
    case 'WRITE':
      return { type, fd, offset, bytes: data };
    case 'TRUNCATE':
      return { type, fd, size: offset };
    case 'SYNC':
      return { type, fd, failed };
    case 'UNLINK':
    case 'MKDIR':
      return { type, path };
    case 'RENAME':
      return { type, path, to: data.toString() };
    case 'NOTE':
      return { type, text: data.toString().trim() };
    default:
      throw new Error(`the recorder wrote a call of kind ${kind}`);
  }
}
