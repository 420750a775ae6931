// What must the domain know of a JSON Schema? As for expressions: whoever drives the rules hands in what
// checks them.

import type { Json } from './expression.ts';

export interface SchemaChecker {
  /** What keeps the text from being a schema; undefined if it is one. Never throws. */
  problemOf(schema: string): string | undefined;
  /** Where the value, by this name, breaks the schema; undefined if it matches. Never throws, and ends soon. */
  violationOf(name: string, schema: string, value: Json): string | undefined;
}

/** For those who have none: every schema is refused. */
export const NO_SCHEMAS: SchemaChecker = Object.freeze({
  problemOf: () => 'no schemas can be checked here',
  violationOf: () => 'no schemas can be checked here',
});
