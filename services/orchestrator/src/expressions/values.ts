// How does an expression see JSON, and how are lists and maps walked within the budget?
//
// Nothing is converted before it is touched: an expression that reads one field of a large input costs
// one field. Lists and maps of our own take the place of the library's, for these reasons:
// - each item visited is charged, so that whatever function walks them stays within the budget;
// - the library reads objects by their prototype (`constructor`, `$typeName`): data could pretend to be
//   something else. Here only own values of a JSON object exist;
// - the library's `in` and `has` deny a key whose value is null;
// - it joins lists by nesting them, so that `map` over n items takes n² steps and n levels of recursion.
//
// The library knows lists and maps by registered symbols. It is pinned to one version, and the tests fail
// if another knows them differently.

import { type CelList, type CelMap, type CelValue, isCelUint } from '@bufbuild/cel';
import type { Json } from '../domain/expression.ts';
import type { Budget } from './budget.ts';

const LIST = Symbol.for('@bufbuild/cel/list');
const MAP = Symbol.for('@bufbuild/cel/map');
const JSON_SOURCE = Symbol('json source');

/** What an item of a list or map counts for beside its characters. */
export const ITEM_CHARACTERS = 8;

type JsonObject = { readonly [key: string]: Json };

export function celOfJson(json: Json, budget: Budget): CelValue {
  if (json === null || typeof json !== 'object') return json;
  if (isJsonList(json)) {
    return listOf(json.length, (index) => celOfJson(json[index] ?? null, budget), budget, json);
  }
  return jsonMap(json, budget);
}

/** The JSON that a value stands for as a whole; undefined for one that was computed. */
export function jsonSource(value: CelValue): Json | undefined {
  return typeof value === 'object' && value !== null
    ? (value as { readonly [JSON_SOURCE]?: Json })[JSON_SOURCE]
    : undefined;
}

/** Is it a list or map of this file already? */
export function isOwn(value: CelValue): boolean {
  return typeof value === 'object' && value !== null && JSON_SOURCE in value;
}

/** A list or map made by the library, as one of ours. */
export function ownList(list: CelList, budget: Budget): CelList {
  const items = Array.from(list);
  budget.produce(items.length * ITEM_CHARACTERS);
  return grownList(items, items.length, budget);
}

export function ownMap(map: CelMap, budget: Budget): CelMap {
  const entries = new Map<bigint | string | boolean, CelValue>();
  for (const [key, value] of map.entries()) entries.set(isCelUint(key) ? key.value : key, value);
  budget.produce(entries.size * 2 * ITEM_CHARACTERS);
  return mapOf(
    () => entries.size,
    () => [...entries.keys()],
    (key) => entries.get(key),
    budget,
  );
}

interface Growth {
  readonly buffer: CelValue[];
  readonly length: number;
}
const growths = new WeakMap<CelList, Growth>();

/**
 * Appends in place where the left list ends at the end of its buffer, as slices of Go do: `map` and
 * `filter` take steps linear in their items. Lists are values all the same: each sees its own length.
 */
export function concatenate(left: CelList, right: CelList, budget: Budget): CelList {
  const growth = growths.get(left);
  const inPlace = growth !== undefined && growth.buffer.length === growth.length;
  budget.produce((right.size + (inPlace ? 0 : left.size)) * ITEM_CHARACTERS);
  const buffer = inPlace ? growth.buffer : Array.from(left);
  // A list may be joined to itself: what is read does not grow meanwhile.
  const count = right.size;
  for (let index = 0; index < count; index += 1) {
    const item = right.get(index);
    if (item !== undefined) buffer.push(item);
  }
  return grownList(buffer, buffer.length, budget);
}

function grownList(buffer: CelValue[], length: number, budget: Budget): CelList {
  const list = listOf(length, (index) => buffer[index] ?? null, budget, undefined);
  growths.set(list, { buffer, length });
  return list;
}

function listOf(
  size: number,
  at: (index: number) => CelValue,
  budget: Budget,
  source: Json | undefined,
): CelList {
  function visit(index: number): CelValue {
    const item = at(index);
    budget.charge(1 + readingSteps(item));
    return item;
  }
  function* values(): Generator<CelValue> {
    for (let index = 0; index < size; index += 1) yield visit(index);
  }
  const list = {
    [LIST]: {},
    [JSON_SOURCE]: source,
    size,
    get: (index: number) =>
      Number.isInteger(index) && index >= 0 && index < size ? visit(index) : undefined,
    values,
    [Symbol.iterator]: values,
  };
  return list as unknown as CelList;
}

function jsonMap(json: JsonObject, budget: Budget): CelMap {
  let keys: readonly string[] | undefined;
  // Sorted: an object means the same in whichever order its keys were stored or sent.
  function sortedKeys(): readonly string[] {
    if (keys === undefined) {
      const found = Object.keys(json);
      budget.charge(found.length);
      keys = found.sort();
    }
    return keys;
  }
  return mapOf(
    () => sortedKeys().length,
    sortedKeys,
    (key) => {
      if (typeof key !== 'string') return undefined;
      // The value and no more: neither what is inherited nor what would run code.
      const value = Object.getOwnPropertyDescriptor(json, key)?.value as Json | undefined;
      return value === undefined ? undefined : celOfJson(value, budget);
    },
    budget,
    json,
  );
}

type MapKey = bigint | string | boolean;

function mapOf(
  size: () => number,
  keysOf: () => readonly MapKey[],
  at: (key: MapKey) => CelValue | undefined,
  budget: Budget,
  source?: Json,
): CelMap {
  function get(key: unknown): CelValue | undefined {
    const known = mapKey(key);
    const value = known === undefined ? undefined : at(known);
    budget.charge(1 + readingSteps(value));
    return value;
  }
  function* keys(): Generator<MapKey> {
    for (const key of keysOf()) {
      budget.charge(1);
      yield key;
    }
  }
  function* entries(): Generator<[MapKey, CelValue]> {
    for (const key of keys()) yield [key, get(key) ?? null];
  }
  const map = {
    [MAP]: {},
    [JSON_SOURCE]: source,
    get size() {
      return size();
    },
    get,
    has: (key: unknown) => get(key) !== undefined,
    keys,
    entries,
    *values() {
      for (const [, value] of entries()) yield value;
    },
    forEach(visit: (value: CelValue, key: MapKey) => void) {
      for (const [key, value] of entries()) visit(value, key);
    },
    [Symbol.iterator]: entries,
  };
  return map as unknown as CelMap;
}

/** Numbers of equal value are the same key, whatever their type. */
function mapKey(key: unknown): MapKey | undefined {
  if (typeof key === 'string' || typeof key === 'boolean' || typeof key === 'bigint') return key;
  if (typeof key === 'number') return Number.isInteger(key) ? BigInt(key) : undefined;
  return isCelUint(key) ? key.value : undefined;
}

/** What it costs to look at a value's characters. */
export function readingSteps(value: CelValue | undefined): number {
  return typeof value === 'string' || value instanceof Uint8Array ? value.length / 64 : 0;
}

function isJsonList(json: readonly Json[] | JsonObject): json is readonly Json[] {
  return Array.isArray(json);
}
