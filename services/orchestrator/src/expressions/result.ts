// How does the value of an expression become JSON?
//
// | CEL                 | JSON                                                            |
// |---------------------|-----------------------------------------------------------------|
// | int, uint           | a number, if a double holds it exactly (up to 2^53 - 1)         |
// | double              | a number; NaN and the infinities have no JSON form; -0 is 0     |
// | bytes               | a string, in base64, as protobuf does                           |
// | timestamp, duration | a string, "2026-01-31T10:00:00Z" and "1.500s", as protobuf does |
// | map                 | an object, if all keys are strings                              |
// | type                | none                                                            |

import { type CelValue, isCelList, isCelMap, isCelUint } from '@bufbuild/cel';
import { isMessage, toJson } from '@bufbuild/protobuf';
import { isReflectMessage } from '@bufbuild/protobuf/reflect';
import { base64Encode } from '@bufbuild/protobuf/wire';
import { DurationSchema, TimestampSchema } from '@bufbuild/protobuf/wkt';
import type { Json } from '../domain/expression.ts';
import type { Budget } from './budget.ts';
import type { ExpressionLimits } from './limits.ts';
import { ITEM_CHARACTERS, jsonSource } from './values.ts';

/** Expected: the value has no JSON form. The message says which and why. */
export class NoJsonForm extends Error {}

/** Throws NoJsonForm, or BudgetExceeded: a value can name one large part many times over. */
export function jsonOfCel(value: CelValue, limits: ExpressionLimits, budget: Budget): Json {
  // The variable itself, or a part of it, unchanged: nothing is produced.
  return jsonSource(value) ?? convert(value, limits.maxResultDepth, budget);
}

function convert(value: CelValue, depthLeft: number, budget: Budget): Json {
  if (depthLeft < 0) throw new NoJsonForm('the result is nested too deep to be sent');
  budget.produce(ITEM_CHARACTERS);
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'string') return text(value, budget);
  if (typeof value === 'number') return double(value);
  if (typeof value === 'bigint') return integer(value);
  if (isCelUint(value)) return integer(value.value);
  if (value instanceof Uint8Array) {
    budget.produce(value.length * 2);
    return base64Encode(value);
  }
  if (isCelList(value)) return Array.from(value, (item) => convert(item, depthLeft - 1, budget));
  if (isCelMap(value)) {
    const entries: [string, Json][] = [];
    for (const [key, item] of value.entries()) {
      if (typeof key !== 'string') {
        throw new NoJsonForm('the result is a map with a key that is no string; use string(key)');
      }
      entries.push([text(key, budget), convert(item, depthLeft - 1, budget)]);
    }
    // Defines each key as its own property, `__proto__` too.
    return Object.fromEntries(entries);
  }
  if (isReflectMessage(value)) {
    const { message } = value;
    if (isMessage(message, TimestampSchema)) return toJson(TimestampSchema, message);
    if (isMessage(message, DurationSchema)) return toJson(DurationSchema, message);
  }
  throw new NoJsonForm('the result is a type, which has no JSON form');
}

function text(value: string, budget: Budget): string {
  budget.produce(value.length);
  if (!value.isWellFormed()) throw new NoJsonForm('the result holds half of a character');
  return value;
}

function double(value: number): number {
  if (!Number.isFinite(value)) throw new NoJsonForm(`the result ${value} is no number of JSON`);
  return value === 0 ? 0 : value;
}

function integer(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) {
    throw new NoJsonForm(`the integer ${value} is beyond what a JSON number holds; use string(...)`);
  }
  return number;
}
