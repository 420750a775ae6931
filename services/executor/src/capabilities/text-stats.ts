// `text.stats`: lines, words, bytes, longest line and top words of a text.
//
// Input: {"text": "…"} or {"path": "docs/a.md"}, the path below the folder that the configuration allows
// to be read. Result: TextStatistics.

import type { FileHandle } from 'node:fs/promises';
import { TextDecoder } from 'node:util';
import { FinalError, type Handler } from '@tutti/client/executor';
import { z } from 'zod';
import type { ConfinedFolder } from '../files/confined-folder.ts';
import { createTextCounter, type TextStatistics } from '../text/statistics.ts';
import { readInput } from './input.ts';

const inputSchema = z.union(
  [z.strictObject({ text: z.string() }), z.strictObject({ path: z.string().min(1).max(4096) })],
  { error: 'give either "text" or "path"' },
);

const MAX_FILE_BYTES = 64 * 1024 * 1024;
const PIECE_BYTES = 64 * 1024;

/** Without a folder, paths are refused and texts are counted all the same. */
export function createTextStats(readable: ConfinedFolder | undefined): Handler {
  return async (input, context): Promise<TextStatistics> => {
    const wanted = readInput(inputSchema, input);
    if ('text' in wanted) return countText(wanted.text);
    if (readable === undefined) {
      throw new FinalError('PATH_NOT_ALLOWED', 'this executor reads no files: start it with --read-folder');
    }
    const file = await readable.openFile(wanted.path);
    try {
      return await countFile(file, wanted.path, context.signal);
    } finally {
      await file.close();
    }
  };
}

function countText(text: string): TextStatistics {
  const counter = createTextCounter('');
  counter.add(text, Buffer.byteLength(text));
  return counter.finish();
}

/** Piece by piece, so that a large file neither fills the memory nor holds up the heartbeats. */
async function countFile(file: FileHandle, path: string, signal: AbortSignal): Promise<TextStatistics> {
  const { size } = await file.stat();
  if (size > MAX_FILE_BYTES) {
    throw new FinalError('FILE_TOO_LARGE', `${path} has ${size} bytes; the limit is ${MAX_FILE_BYTES}`);
  }
  const counter = createTextCounter(path);
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const buffer = new Uint8Array(PIECE_BYTES);
  for (let total = 0; total <= MAX_FILE_BYTES; ) {
    signal.throwIfAborted();
    const { bytesRead } = await file.read(buffer, 0, PIECE_BYTES);
    total += bytesRead;
    counter.add(decode(decoder, buffer.subarray(0, bytesRead), bytesRead > 0, path), bytesRead);
    if (bytesRead === 0) return counter.finish();
  }
  throw new FinalError('FILE_TOO_LARGE', `${path} grew beyond ${MAX_FILE_BYTES} bytes while it was read`);
}

function decode(decoder: TextDecoder, bytes: Uint8Array, more: boolean, path: string): string {
  try {
    const text = decoder.decode(bytes, { stream: more });
    if (!text.includes('\0')) return text;
  } catch {
    // Said below, for both kinds of not being a text.
  }
  throw new FinalError('NOT_A_TEXT', `${path} is not a text in UTF-8`);
}
