// What goes wrong inside a worker, as data that can cross to the caller.

import { StoreError, type StoreErrorCode } from '../port.ts';

/** Primary result codes of SQLite. */
export const SQLITE_BUSY = 5;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;

/** How to go on where a folder, or a file in it, cannot be used as it is. */
export const OTHER_FOLDER = 'give another data folder (--data)';

export interface ErrorMessage {
  readonly code: StoreErrorCode;
  readonly message: string;
}

/** The primary result code; undefined if the error is not SQLite's. */
export function sqliteErrorCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number')
    return undefined;
  return error.errcode & 0xff;
}

export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'errcode' in error ? ` (SQLite result code ${String(error.errcode)})` : '';
  return `${error.message}${code}`;
}

/** Why a file of the data folder cannot be opened, with the remedy; a store error as it is. */
export function unusableFile(file: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const message = `${file} cannot be used: ${describeError(error)}: ${remedyFor(error)}`;
  return new StoreError('UNUSABLE', message);
}

function remedyFor(error: unknown): string {
  const systemCode = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (sqliteErrorCode(error) ?? systemCode) {
    case SQLITE_NOTADB:
      return `move it away, or ${OTHER_FOLDER}`;
    case SQLITE_CORRUPT:
      return `put a sound copy in its place, or ${OTHER_FOLDER}`;
    case SQLITE_FULL:
    case 'ENOSPC':
      return `make room on its disk, or ${OTHER_FOLDER}`;
    case SQLITE_IOERR:
    case 'EIO':
      return `its disk does not read or write it (the system's log may say why): mend that, or ${OTHER_FOLDER}`;
    default:
      return `let the user of this process write there, or ${OTHER_FOLDER}`;
  }
}

/** Store errors as they are; of all others, what to call them and what was being done. */
export function toErrorMessage(error: unknown, otherwise: StoreErrorCode, doing: string): ErrorMessage {
  if (error instanceof StoreError) return { code: error.code, message: error.message };
  return { code: otherwise, message: `${doing}: ${describeError(error)}` };
}
