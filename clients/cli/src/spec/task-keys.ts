// What task key stands for an id of another system?
//
// Keys are stricter than the ids that others use. An id that is a valid key stays as it is; any other is
// escaped so that different ids never meet in one key:
// - a character that is not allowed becomes `:XX` for each of its UTF-8 bytes;
// - a `:` that would read as such an escape is itself escaped, as `:3A`;
// - a key may not begin with `:`, so an escape at the beginning gets a `_` before it; a true `_` before
//   a `:` is escaped for that reason (`_:5F`).
// Only beyond 200 characters does a hash stand for the rest; a clash there is refused.

import { createHash } from 'node:crypto';
import { usageFailure } from '../failure.ts';

const maxKeyLength = 200;

export interface TaskKeys {
  /** The key of one of the ids that the table was made for. */
  keyOf(id: string): string;
}

/** @throws Failure (usage) if two ids would share a key. */
export function createTaskKeys(ids: readonly string[]): TaskKeys {
  const keys = new Map<string, string>();
  const owners = new Map<string, string>();
  for (const id of ids) {
    const key = toTaskKey(id);
    const owner = owners.get(key);
    if (owner !== undefined && owner !== id) {
      throw usageFailure(`the ids ${JSON.stringify(owner)} and ${JSON.stringify(id)} cannot be told apart`);
    }
    owners.set(key, id);
    keys.set(id, key);
  }
  return {
    keyOf(id) {
      const key = keys.get(id);
      if (key === undefined) throw new Error(`no key was made for ${JSON.stringify(id)}`);
      return key;
    },
  };
}

/** The key for one id. Distinct for distinct well-formed ids of up to about 60 characters, whatever they hold. */
export function toTaskKey(id: string): string {
  const escaped = escapeId(id);
  if (escaped.length <= maxKeyLength) return escaped;
  const hash = createHash('sha256').update(id).digest('hex');
  return `${escaped.slice(0, maxKeyLength - hash.length - 1)}.${hash}`;
}

function escapeId(id: string): string {
  const characters = [...id];
  let key = '';
  for (const [index, character] of characters.entries()) {
    const isFirst = index === 0;
    const mustEscape =
      character === ':'
        ? isFirst || /^[0-9A-F]{2}$/.test(characters.slice(index + 1, index + 3).join(''))
        : !(isFirst ? /[A-Za-z0-9_]/ : /[A-Za-z0-9_./-]/).test(character);
    key += mustEscape ? escapeBytes(character) : character;
  }
  if (key.startsWith(':')) return `_${key}`;
  return key.startsWith('_:') ? `_${escapeBytes('_')}${key.slice(1)}` : key;
}

function escapeBytes(character: string): string {
  let escaped = '';
  for (const byte of new TextEncoder().encode(character)) {
    escaped += `:${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return escaped;
}
