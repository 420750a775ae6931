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

const LIST: unique symbol = Symbol.for('@bufbuild/cel/list');
const MAP: unique symbol = Symbol.for('@bufbuild/cel/map');
const JSON_SOURCE: unique symbol = Symbol('json source');

/** What an item of a list or map counts for beside its characters. */
export const ITEM_CHARACTERS = 8;

type JsonObject = { readonly [key: string]: Json };

export function celOfJson(json: Json, budget: Budget): CelValue {
  if (json === null || typeof json !== 'object') return json;
  return isJsonList(json) ? asCelList(new JsonList(json, budget)) : asCelMap(new JsonMap(json, budget));
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
  return asCelList(new GrownList(items, budget));
}

export function ownMap(map: CelMap, budget: Budget): CelMap {
  const entries = new Map<MapKey, CelValue>();
  for (const [key, value] of map.entries()) entries.set(isCelUint(key) ? key.value : key, value);
  budget.produce(entries.size * 2 * ITEM_CHARACTERS);
  return asCelMap(new MadeMap(entries, budget));
}

/**
 * Appends in place where the left list ends at the end of its buffer, as slices of Go do: `map` and
 * `filter` take steps linear in their items. Lists are values all the same: each sees its own length.
 */
export function concatenate(left: CelList, right: CelList, budget: Budget): CelList {
  const grown = left instanceof GrownList && left.buffer.length === left.size ? left.buffer : undefined;
  budget.produce((right.size + (grown === undefined ? left.size : 0)) * ITEM_CHARACTERS);
  const buffer = grown ?? Array.from(left);
  // A list may be joined to itself: what is read does not grow meanwhile.
  const count = right.size;
  for (let index = 0; index < count; index += 1) {
    const item = right.get(index);
    if (item !== undefined) buffer.push(item);
  }
  return asCelList(new GrownList(buffer, budget));
}

// Classes, not closures: an expression makes thousands of these.

abstract class ChargedList {
  readonly [LIST] = true;
  readonly [JSON_SOURCE]: Json | undefined;
  readonly size: number;
  private readonly budget: Budget;

  constructor(size: number, budget: Budget, source: Json | undefined) {
    this.size = size;
    this.budget = budget;
    this[JSON_SOURCE] = source;
  }

  protected abstract at(index: number): CelValue;

  get(index: number): CelValue | undefined {
    if (!Number.isInteger(index) || index < 0 || index >= this.size) return undefined;
    const item = this.at(index);
    this.budget.charge(1 + readingSteps(item));
    return item;
  }

  *values(): Generator<CelValue> {
    for (let index = 0; index < this.size; index += 1) yield this.get(index) ?? null;
  }

  [Symbol.iterator](): Generator<CelValue> {
    return this.values();
  }
}

class JsonList extends ChargedList {
  private readonly json: readonly Json[];
  private readonly owner: Budget;

  constructor(json: readonly Json[], budget: Budget) {
    super(json.length, budget, json);
    this.json = json;
    this.owner = budget;
  }

  protected at(index: number): CelValue {
    return celOfJson(this.json[index] ?? null, this.owner);
  }
}

class GrownList extends ChargedList {
  /** May grow past the size of this list. */
  readonly buffer: CelValue[];

  constructor(buffer: CelValue[], budget: Budget) {
    super(buffer.length, budget, undefined);
    this.buffer = buffer;
  }

  protected at(index: number): CelValue {
    return this.buffer[index] ?? null;
  }
}

type MapKey = bigint | string | boolean;

abstract class ChargedMap {
  readonly [MAP] = true;
  readonly [JSON_SOURCE]: Json | undefined;
  protected readonly budget: Budget;

  constructor(budget: Budget, source: Json | undefined) {
    this.budget = budget;
    this[JSON_SOURCE] = source;
  }

  protected abstract at(key: MapKey): CelValue | undefined;
  protected abstract allKeys(): readonly MapKey[];

  get size(): number {
    return this.allKeys().length;
  }

  get(key: unknown): CelValue | undefined {
    const known = mapKey(key);
    const value = known === undefined ? undefined : this.at(known);
    this.budget.charge(1 + readingSteps(value));
    return value;
  }

  has(key: unknown): boolean {
    return this.get(key) !== undefined;
  }

  *keys(): Generator<MapKey> {
    for (const key of this.allKeys()) {
      this.budget.charge(1);
      yield key;
    }
  }

  *entries(): Generator<[MapKey, CelValue]> {
    for (const key of this.keys()) yield [key, this.get(key) ?? null];
  }

  *values(): Generator<CelValue> {
    for (const [, value] of this.entries()) yield value;
  }

  forEach(visit: (value: CelValue, key: MapKey) => void): void {
    for (const [key, value] of this.entries()) visit(value, key);
  }

  [Symbol.iterator](): Generator<[MapKey, CelValue]> {
    return this.entries();
  }
}

class JsonMap extends ChargedMap {
  private readonly json: JsonObject;
  private sortedKeys: readonly string[] | undefined;

  constructor(json: JsonObject, budget: Budget) {
    super(budget, json);
    this.json = json;
  }

  protected at(key: MapKey): CelValue | undefined {
    if (typeof key !== 'string') return undefined;
    // The value and no more: neither what is inherited nor what would run code.
    const value = Object.getOwnPropertyDescriptor(this.json, key)?.value as Json | undefined;
    return value === undefined ? undefined : celOfJson(value, this.budget);
  }

  /** Sorted: an object means the same in whichever order its keys were stored or sent. */
  protected allKeys(): readonly string[] {
    if (this.sortedKeys === undefined) {
      const keys = Object.keys(this.json);
      this.budget.charge(keys.length);
      this.sortedKeys = keys.sort();
    }
    return this.sortedKeys;
  }
}

class MadeMap extends ChargedMap {
  private readonly items: ReadonlyMap<MapKey, CelValue>;

  constructor(items: ReadonlyMap<MapKey, CelValue>, budget: Budget) {
    super(budget, undefined);
    this.items = items;
  }

  protected at(key: MapKey): CelValue | undefined {
    return this.items.get(key);
  }

  protected allKeys(): readonly MapKey[] {
    return [...this.items.keys()];
  }
}

// The library forbids others to implement its types, by symbols that it does not export.

function asCelList(list: ChargedList): CelList {
  return list as unknown as CelList;
}

function asCelMap(map: ChargedMap): CelMap {
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
