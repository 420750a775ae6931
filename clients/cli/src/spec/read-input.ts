// What bytes does `FILE` or `-` stand for? Gzip is unpacked; sizes are bounded.

import { createReadStream } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { usageFailure } from '../failure.ts';

/** The largest input that is read, packed or unpacked. */
export const maxInputBytes = 256 * 1024 * 1024;

/**
 * The text of a file, or of standard input for `-`.
 *
 * @throws Failure (usage) if it cannot be read, is too large, or is not UTF-8.
 */
export async function readInput(file: string, limitBytes = maxInputBytes): Promise<string> {
  const name = inputName(file);
  const packed = await readBounded(file, name, limitBytes);
  const isGzip = packed[0] === 0x1f && packed[1] === 0x8b;
  return decodeUtf8(isGzip ? unpack(packed, name, limitBytes) : packed, name);
}

/** What messages call the input. */
export function inputName(file: string): string {
  return file === '-' ? 'standard input' : file;
}

async function readBounded(file: string, name: string, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  try {
    const stream: AsyncIterable<Buffer> = file === '-' ? process.stdin : createReadStream(file);
    for await (const chunk of stream) {
      sizeBytes += chunk.length;
      if (sizeBytes > limitBytes) break;
      chunks.push(chunk);
    }
  } catch (error) {
    throw usageFailure(`${name}: cannot be read: ${error instanceof Error ? error.message : error}`);
  }
  if (sizeBytes > limitBytes) throw usageFailure(`${name}: larger than the limit of ${limitBytes} bytes`);
  return Buffer.concat(chunks);
}

function unpack(packed: Buffer, name: string, limitBytes: number): Buffer {
  try {
    return gunzipSync(packed, { maxOutputLength: limitBytes });
  } catch (error) {
    const isTooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw usageFailure(
      isTooLarge
        ? `${name}: unpacks to more than the limit of ${limitBytes} bytes`
        : `${name}: broken gzip: ${error instanceof Error ? error.message : error}`,
    );
  }
}

function decodeUtf8(bytes: Buffer, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw usageFailure(`${name}: not UTF-8 text`);
  }
}
