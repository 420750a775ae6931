// How does google.protobuf.Value become JSON and back?
//
// Not toJson and fromJson of the library: values are bounded in depth so that what is sent can be
// read again, and numbers without a JSON form are found before they throw.

import { create } from '@bufbuild/protobuf';
import { ListValueSchema, NullValue, StructSchema, type Value, ValueSchema } from '@bufbuild/protobuf/wkt';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/**
 * An object takes three nested messages for each level, a message may nest 100 deep in the common
 * implementations, and the payload itself lies within others.
 */
const MAX_DEPTH = 30;

/** Throws where valueProblem finds something. */
export function jsonOfValue(value: Value): Json {
  const { kind } = value;
  switch (kind.case) {
    case 'nullValue':
      return null;
    case 'boolValue':
    case 'numberValue':
    case 'stringValue':
      return kind.value;
    case 'listValue':
      return kind.value.values.map(jsonOfValue);
    case 'structValue':
      return jsonObject(Object.entries(kind.value.fields).map(([key, field]) => [key, jsonOfValue(field)]));
    case undefined:
      throw new Error('a google.protobuf.Value without a kind has no JSON form');
  }
}

/** Why the value has no JSON form; undefined if it has one. */
export function valueProblem(value: Value): string | undefined {
  const { kind } = value;
  switch (kind.case) {
    case 'nullValue':
    case 'boolValue':
    case 'stringValue':
      return undefined;
    case 'numberValue':
      return Number.isFinite(kind.value) ? undefined : `the number ${kind.value} has no JSON form`;
    case 'listValue':
      return firstProblem(kind.value.values);
    case 'structValue':
      return firstProblem(Object.values(kind.value.fields));
    case undefined:
      return 'a value without a kind has no JSON form';
  }
}

/** Undefined where it nests too deep, or holds a number beyond a double. */
export function valueOfJson(json: Json, depth = 0): Value | undefined {
  if (depth > MAX_DEPTH) return undefined;
  if (json === null) return create(ValueSchema, { kind: { case: 'nullValue', value: NullValue.NULL_VALUE } });
  if (typeof json === 'boolean') return create(ValueSchema, { kind: { case: 'boolValue', value: json } });
  if (typeof json === 'string') return create(ValueSchema, { kind: { case: 'stringValue', value: json } });
  if (typeof json === 'number') {
    return Number.isFinite(json)
      ? create(ValueSchema, { kind: { case: 'numberValue', value: json } })
      : undefined;
  }
  if (Array.isArray(json)) {
    const values: Value[] = [];
    for (const item of json) {
      const value = valueOfJson(item, depth + 1);
      if (value === undefined) return undefined;
      values.push(value);
    }
    return create(ValueSchema, { kind: { case: 'listValue', value: create(ListValueSchema, { values }) } });
  }
  const struct = create(StructSchema);
  for (const [key, item] of Object.entries(json)) {
    const value = valueOfJson(item, depth + 1);
    // A plain assignment to `__proto__` would set the prototype; a field of that name stays bytes.
    if (value === undefined || key === '__proto__') return undefined;
    struct.fields[key] = value;
  }
  return create(ValueSchema, { kind: { case: 'structValue', value: struct } });
}

function firstProblem(values: readonly Value[]): string | undefined {
  for (const value of values) {
    const problem = valueProblem(value);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Defines each key as its own property, `__proto__` too. */
function jsonObject(entries: [string, Json][]): { [key: string]: Json } {
  return Object.fromEntries(entries);
}
