// What goes wrong inside a worker, as data that can cross to the caller.

import { StoreError, type StoreErrorCode } from '../port.ts';

/** Primary result codes of SQLite. */
export const SQLITE_BUSY = 5;

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

/** Store errors as they are; of all others, what to call them and what was being done. */
export function toErrorMessage(error: unknown, otherwise: StoreErrorCode, doing: string): ErrorMessage {
  if (error instanceof StoreError) return { code: error.code, message: error.message };
  return { code: otherwise, message: `${doing}: ${describeError(error)}` };
}
