// Rows of a CSV and lines of a text as the items of a `foreach` (C.4).

import { parse } from 'csv-parse/sync';
import type { JsonValue } from '../json.ts';
import { SpecError } from './spec-parts.ts';

export interface CsvOptions {
  /** True: the first row names the columns, and each item is an object; false: each is a list. Default true. */
  readonly header?: boolean;
  /** Between two values. Default a comma. */
  readonly delimiter?: string;
}

/**
 * One item for each row, as RFC 4180 has it: quotes, line breaks in quotes, either kind of line end. Values
 * are texts. Empty lines are none. Throws SpecError where a row has another number of values than the first.
 */
export function csvItems(text: string, { header = true, delimiter = ',' }: CsvOptions = {}): JsonValue[] {
  try {
    return parse(text, { columns: header, delimiter, bom: true, skip_empty_lines: true }) as JsonValue[];
  } catch (error) {
    throw new SpecError('csv', error instanceof Error ? error.message : String(error));
  }
}

/** One item for each line that is not empty, without its line end. */
export function lineItems(text: string): string[] {
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .filter((line) => line !== '');
}
