// Does a message keep the rules of its proto for certain?
//
// The library that knows all rules takes a third of the time of a small call, most of it for paths of violations that
// there are none of. What is said here is one-sided: `true` is certain, `false` means that the library is to judge.
// So only what is plain is known here, and whatever breaks a rule, or is not known, is the library's.

import { type DescField, type DescMessage, getOption, hasOption, type Message } from '@bufbuild/protobuf';
import {
  field as fieldRules,
  Ignore,
  message as messageRules,
  oneof as oneofRules,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';

/** True for a value that keeps the rules for certain. Undefined in place of one: every value does. */
type Check = (value: unknown) => boolean;
type Checks = Check | undefined;

/** A rule, as it stands in the proto: the message of its kind, or the value of one of its fields. */
type Rules = Readonly<Record<string, unknown>>;

const NEVER: Check = () => false;
const checks = new WeakMap<DescMessage, Check>();

export function keepsRules(schema: DescMessage, message: Message): boolean {
  return checkOf(schema)(message);
}

/** Messages may contain themselves: a check that is being made is found by those that it needs. */
function checkOf(schema: DescMessage): Check {
  const known = checks.get(schema);
  if (known !== undefined) return known;
  let made: Check = NEVER;
  checks.set(schema, (value) => made(value));
  made = makeCheck(schema);
  checks.set(schema, made);
  return made;
}

function makeCheck(schema: DescMessage): Check {
  if (hasOption(schema, messageRules)) return NEVER;
  const parts = [
    ...schema.oneofs.flatMap((oneof) => (hasOption(oneof, oneofRules) ? isChosen(oneof.localName) : [])),
    ...schema.fields.flatMap((field) => checkField(field) ?? []),
  ];
  return (value) => {
    const message = value as Rules;
    for (const part of parts) if (!part(message)) return false;
    return true;
  };
}

/** The one rule that there is for a oneof: required. */
function isChosen(localName: string): (message: Rules) => boolean {
  return (message) => (message[localName] as { readonly case: unknown }).case !== undefined;
}

/** Of the message that has the field. */
function checkField(field: DescField): ((message: Rules) => boolean) | undefined {
  const rules = hasOption(field, fieldRules) ? getOption(field, fieldRules) : undefined;
  if (rules?.ignore === Ignore.ALWAYS) return undefined;
  const check = checkValue(field, rules as unknown as Rules | undefined);
  const required = rules?.required === true;
  if (check === undefined && !required) return undefined;
  const { localName, oneof } = field;
  const read =
    oneof === undefined
      ? (message: Rules) => message[localName]
      : (message: Rules) => {
          const chosen = message[oneof.localName] as { readonly case: unknown; readonly value?: unknown };
          return chosen.case === localName ? chosen.value : undefined;
        };
  // Of a value that is there by default only the library tells whether it counts as absent.
  const canBeAbsent = field.fieldKind === 'message' || oneof !== undefined;
  const present = required && !canBeAbsent ? NEVER : check;
  return (message) => {
    const value = read(message);
    if (value === undefined) return !required;
    return present === undefined || present(value);
  };
}

function checkValue(field: DescField, rules: Rules | undefined): Checks {
  switch (field.fieldKind) {
    case 'message':
      return both(rulesFor(rules, 'duration'), nested(field.message));
    case 'list':
      return checkList(field, rules);
    case 'map':
      return checkMap(field, rules);
    case 'enum':
    case 'scalar':
      return rulesFor(rules, undefined, field);
  }
}

/** Undefined where there is nothing to check in it, however deep. */
function nested(schema: DescMessage): Checks {
  return hasRules(schema, new Set()) ? (value) => checkOf(schema)(value) : undefined;
}

function hasRules(schema: DescMessage, seen: Set<DescMessage>): boolean {
  if (seen.has(schema)) return false;
  seen.add(schema);
  if (hasOption(schema, messageRules)) return true;
  if (schema.oneofs.some((oneof) => hasOption(oneof, oneofRules))) return true;
  return schema.fields.some(
    (field) => hasOption(field, fieldRules) || (field.message !== undefined && hasRules(field.message, seen)),
  );
}

function checkList(field: DescField & { readonly fieldKind: 'list' }, rules: Rules | undefined): Checks {
  const own = kindOf(rules, 'repeated');
  if (own === 'UNKNOWN') return NEVER;
  const { minItems, maxItems, items, ...rest } = own;
  if (hasMore(rest)) return NEVER;
  const itemRules = items as Rules | undefined;
  const item = itemRules?.['ignore'] === Ignore.ALWAYS ? undefined : checkItem(field, itemRules);
  return (value) => {
    const list = value as readonly unknown[];
    if (!within(BigInt(list.length), minItems, maxItems)) return false;
    if (item !== undefined) for (const each of list) if (!item(each)) return false;
    return true;
  };
}

function checkItem(field: DescField & { readonly fieldKind: 'list' }, rules: Rules | undefined): Checks {
  return field.listKind === 'message'
    ? both(rulesFor(rules, 'duration'), nested(field.message))
    : rulesFor(rules, undefined, field);
}

function checkMap(field: DescField & { readonly fieldKind: 'map' }, rules: Rules | undefined): Checks {
  const own = kindOf(rules, 'map');
  if (own === 'UNKNOWN') return NEVER;
  const { minPairs, maxPairs, keys, values, ...rest } = own;
  if (hasMore(rest)) return NEVER;
  const key = rulesFor(keys as Rules | undefined, 'string');
  const value =
    field.mapKind === 'message'
      ? both(values === undefined ? undefined : NEVER, nested(field.message))
      : rulesFor(values as Rules | undefined, 'string');
  return (map) => {
    const entries = Object.entries(map as object);
    if (!within(BigInt(entries.length), minPairs, maxPairs)) return false;
    return entries.every(
      ([name, each]) => (key === undefined || key(name)) && (value === undefined || value(each)),
    );
  };
}

function both(one: Checks, other: Checks): Checks {
  if (one === undefined || other === undefined) return one ?? other;
  return (value) => one(value) && other(value);
}

/** The rules of a value that is no list and no map. */
function rulesFor(rules: Rules | undefined, kind: string | undefined, field?: DescField): Checks {
  if (rules === undefined) return undefined;
  const type = rules['type'] as { readonly case?: string; readonly value?: Rules };
  if (type.case === undefined) return hasMore(withoutKnown(rules)) ? NEVER : undefined;
  if (kind !== undefined && type.case !== kind) return NEVER;
  const own = kindOf(rules, type.case);
  if (own === 'UNKNOWN') return NEVER;
  const make = KINDS[type.case];
  return make === undefined ? NEVER : make(own, field);
}

const KINDS: Readonly<Record<string, (rules: Rules, field: DescField | undefined) => Check>> = {
  string: checkString,
  bytes: checkBytes,
  enum: checkEnum,
  duration: checkDuration,
  int32: checkNumber,
  uint32: checkNumber,
  uint64: checkNumber,
  double: checkNumber,
};

const patterns = new Map<string, RegExp>();

function checkString({ minLen, maxLen, pattern, ...rest }: Rules): Check {
  // One character is a letter or half of one: more of them than letters, never less.
  if (hasMore(rest) || (minLen !== undefined && minLen !== 1n)) return NEVER;
  const least = minLen === undefined ? 0 : 1;
  const most = maxLen === undefined ? Number.POSITIVE_INFINITY : Number(maxLen);
  const expression = pattern === undefined ? undefined : compile(String(pattern));
  return (value) => {
    const { length } = value as string;
    return length >= least && length <= most && (expression?.test(value as string) ?? true);
  };
}

/** Those of the contract are plain and without backtracking, so the platform's engine decides them alike. */
export function compile(pattern: string): RegExp {
  const known = patterns.get(pattern);
  if (known !== undefined) return known;
  const compiled = new RegExp(pattern);
  patterns.set(pattern, compiled);
  return compiled;
}

function checkBytes({ minLen, maxLen, len, ...rest }: Rules): Check {
  if (hasMore(rest) || (len !== undefined && (minLen !== undefined || maxLen !== undefined))) return NEVER;
  return (value) => {
    const length = BigInt((value as Uint8Array).length);
    return within(length, minLen ?? len, maxLen ?? len);
  };
}

function checkEnum({ definedOnly, notIn, ...rest }: Rules, field: DescField | undefined): Check {
  if (hasMore(rest) || field?.enum === undefined) return NEVER;
  const refused = (notIn ?? []) as readonly number[];
  const { value: defined } = field.enum;
  return (value) =>
    (definedOnly !== true || (value as number) in defined) && !refused.includes(value as number);
}

interface Bounds extends Rules {
  readonly greaterThan?: { readonly case?: string; readonly value?: unknown };
  readonly lessThan?: { readonly case?: string; readonly value?: unknown };
}

/** Also where a value is no number: nothing is more or less than that. */
function checkNumber({ greaterThan, lessThan, finite, ...rest }: Bounds): Check {
  const least = boundOf(greaterThan, 'gte');
  const most = boundOf(lessThan, 'lte');
  if (hasMore(rest) || least === 'UNKNOWN' || most === 'UNKNOWN') return NEVER;
  return (value) => {
    if (finite === true && !Number.isFinite(value)) return false;
    const number = value as number;
    return (
      (least === undefined || number >= (least as number)) &&
      (most === undefined || number <= (most as number))
    );
  };
}

interface Duration {
  readonly seconds: bigint;
  readonly nanos: number;
}

function checkDuration({ greaterThan, lessThan, ...rest }: Bounds): Check {
  const least = boundOf(greaterThan, 'gte') as Duration | 'UNKNOWN' | undefined;
  const most = boundOf(lessThan, 'lte') as Duration | 'UNKNOWN' | undefined;
  if (hasMore(rest) || least === 'UNKNOWN' || most === 'UNKNOWN') return NEVER;
  return (value) => {
    const duration = value as Duration;
    if (duration.nanos < 0 || duration.nanos > 999_999_999) return false;
    return (
      (least === undefined || !isLess(duration, least)) && (most === undefined || !isLess(most, duration))
    );
  };
}

function isLess(one: Duration, other: Duration): boolean {
  return one.seconds === other.seconds ? one.nanos < other.nanos : one.seconds < other.seconds;
}

function boundOf(bound: Bounds['greaterThan'], known: 'gte' | 'lte'): unknown | 'UNKNOWN' {
  if (bound?.case === undefined) return undefined;
  return bound.case === known ? bound.value : 'UNKNOWN';
}

/** What the rules of this kind say; nothing where there are none. */
function kindOf(rules: Rules | undefined, kind: string): Rules | 'UNKNOWN' {
  if (rules === undefined) return {};
  if (hasMore(withoutKnown(rules))) return 'UNKNOWN';
  const type = rules['type'] as { readonly case?: string; readonly value?: Rules };
  if (type.case === undefined) return {};
  return type.case === kind && type.value !== undefined ? said(type.value) : 'UNKNOWN';
}

function withoutKnown({ $typeName: _, type: __, required: ___, ignore: ____, ...rest }: Rules): Rules {
  return said(rest);
}

/** The fields that are set. */
function said(rules: Rules): Rules {
  return Object.fromEntries(
    Object.entries(rules).filter(([name, value]) => name !== '$typeName' && !isAbsent(value)),
  );
}

function isAbsent(value: unknown): boolean {
  if (value === undefined || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && value !== null && 'case' in value && value.case === undefined;
}

function hasMore(rules: Rules): boolean {
  return Object.keys(said(rules)).length > 0;
}

function within(count: bigint, least: unknown, most: unknown): boolean {
  return (
    (least === undefined || count >= (least as bigint)) && (most === undefined || count <= (most as bigint))
  );
}
