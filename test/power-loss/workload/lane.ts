// What a client of the store does, one step after the other, and how many steps a store shows of it.
//
// A step is something that the store acknowledges. What it brings follows from its number alone: so
// whoever reads the store later can tell whether all of it is there, and nothing else.

import { isDeepStrictEqual } from 'node:util';
import type { Store } from '../../../services/orchestrator/src/store/port.ts';

export interface Lane {
  readonly name: string;
  /** Before the first step on a store that was opened; claims where that is needed. Returns the epoch; 0 without. */
  begin(store: Store): Promise<number>;
  /** Resolves when the store has acknowledged it. */
  step(store: Store, number: number): Promise<void>;
  /** How many steps, from the first on, are there. Changes nothing; throws Torn where one is there in part. */
  recover(store: Store): Promise<number>;
}

/** Something is there that no whole number of steps makes. */
export class Torn extends Error {}

export function expectSame(what: string, found: unknown, expected: unknown): void {
  if (isDeepStrictEqual(found, expected)) return;
  throw new Torn(`${what}: found ${show(found)} where ${show(expected)} was written`);
}

function show(value: unknown): string {
  const text = JSON.stringify(value, (_, part: unknown) =>
    part instanceof Uint8Array ? `${part.length} bytes ${Buffer.from(part).toString('hex', 0, 8)}` : part,
  );
  return text === undefined || text.length <= 400 ? String(text) : `${text.slice(0, 400)}…`;
}

/** Bytes that follow from what they are for. */
export function contentOf(what: string, sizeBytes: number): Uint8Array {
  const content = new Uint8Array(sizeBytes);
  let state = 2_166_136_261;
  for (const letter of what) state = Math.imul(state ^ (letter.codePointAt(0) ?? 0), 16_777_619);
  for (let i = 0; i < sizeBytes; i += 1) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    content[i] = state >>> 24;
  }
  return content;
}
