// How much memory will a message take once it is decoded? Its bytes do not tell: an empty task is 2 bytes
// on the wire and some hundreds in memory, so that 16 MiB of them would fill the heap and stop everything
// for seconds. So what large messages consist of is counted before they are decoded.

import type { DescMessage } from '@bufbuild/protobuf';
import { type Rejection, reject } from '../domain/rejection.ts';
import { MESSAGE_WEIGHT } from './retry-hint.ts';

/** Of a message within the message, and of any other field, of which there may be so many in all. */
const WEIGHT_OF_MESSAGE = 4;
const WEIGHT_OF_FIELD = 1;
/**
 * A run of 100,000 tasks with 500,000 dependencies weighs 4 million. At the limit, a message takes up to
 * some 400 MB and half a second.
 */
export const MAX_MESSAGE_WEIGHT = 5_000_000;
/** Nothing shorter can weigh too much: a message takes two bytes at least, and one of JSON one. */
const ALWAYS_LIGHT_BYTES = MAX_MESSAGE_WEIGHT / WEIGHT_OF_MESSAGE;
/** As the decoder has it. What nests deeper is for it to refuse. */
const MAX_DEPTH = 100;

/** Of the binary form. What is malformed is not judged: the decoder says better what is wrong. */
export function isTooHeavy(schema: DescMessage, bytes: Uint8Array): boolean {
  return bytes.byteLength > ALWAYS_LIGHT_BYTES && weighBinary(schema, bytes) > MAX_MESSAGE_WEIGHT;
}

/** Of the JSON form. What stands in texts weighs nothing. */
export function isJsonTooHeavy(bytes: Uint8Array): boolean {
  return bytes.byteLength > ALWAYS_LIGHT_BYTES && weighJson(bytes) > MAX_MESSAGE_WEIGHT;
}

export function tooHeavy(): Rejection {
  const message =
    `The message consists of too many parts, as fields count 1 and messages ${WEIGHT_OF_MESSAGE}, in all at most ` +
    `${MAX_MESSAGE_WEIGHT}: split it into several, or send structured payloads as bytes.`;
  const metadata = { resource: MESSAGE_WEIGHT, limit: String(MAX_MESSAGE_WEIGHT) };
  return reject('LIMIT_REACHED', message, metadata).rejection;
}

interface Level {
  readonly schema: DescMessage | undefined;
  readonly end: number;
}

type FieldKind = 'SCALAR' | 'PACKABLE' | DescMessage;

const kindsOf = new WeakMap<DescMessage, ReadonlyMap<number, FieldKind>>();

/** Stops soon after the limit. */
function weighBinary(schema: DescMessage, bytes: Uint8Array): number {
  const levels: Level[] = [{ schema, end: bytes.byteLength }];
  let weight = 0;
  let at = 0;

  /** NaN where it does not end, or is longer than any number that counts here. */
  function varint(): number {
    let value = 0;
    for (let factor = 1; at < bytes.byteLength && factor < 2 ** 49; factor *= 128) {
      const byte = bytes[at] ?? 0;
      at += 1;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    return Number.NaN;
  }

  while (levels.length > 0 && weight <= MAX_MESSAGE_WEIGHT) {
    const level = levels.at(-1) as Level;
    if (at >= level.end) {
      levels.pop();
      continue;
    }
    const tag = varint();
    const wireType = tag % 8;
    weight += WEIGHT_OF_FIELD;
    if (wireType === 0) skipVarint();
    else if (wireType === 1) at += 8;
    else if (wireType === 5) at += 4;
    else if (wireType === 2) {
      const length = varint();
      const end = at + length;
      if (!(end <= level.end)) return weight;
      weight += enter(level, Math.floor(tag / 8), end);
    } else if (wireType !== 3 && wireType !== 4) return weight;
  }
  return weight;

  /** What a field with a length weighs besides; steps into it, or over it. */
  function enter(level: Level, number: number, end: number): number {
    const kind = level.schema === undefined ? undefined : kinds(level.schema).get(number);
    const length = end - at;
    if (kind === undefined || kind === 'SCALAR' || kind === 'PACKABLE' || levels.length > MAX_DEPTH) {
      at = end;
      return kind === 'PACKABLE' ? length * WEIGHT_OF_FIELD : 0;
    }
    levels.push({ schema: kind, end });
    return WEIGHT_OF_MESSAGE - WEIGHT_OF_FIELD;
  }

  function skipVarint(): void {
    while (at < bytes.byteLength && (bytes[at] ?? 0) >= 128) at += 1;
    at += 1;
  }
}

function kinds(schema: DescMessage): ReadonlyMap<number, FieldKind> {
  let found = kindsOf.get(schema);
  if (found === undefined) {
    found = new Map(schema.fields.map((field) => [field.number, kindOf(field)]));
    kindsOf.set(schema, found);
  }
  return found;
}

function kindOf(field: DescMessage['fields'][number]): FieldKind {
  switch (field.fieldKind) {
    case 'message':
      return field.message;
    case 'map':
      // Its entries are no messages of the schema; what they hold is counted by their bytes alone.
      return field.mapKind === 'message' ? entryOf(field.message) : 'SCALAR';
    case 'list':
      if (field.listKind === 'message') return field.message;
      return field.listKind === 'enum' || field.packed ? 'PACKABLE' : 'SCALAR';
    case 'scalar':
    case 'enum':
      return 'SCALAR';
  }
}

const entries = new WeakMap<DescMessage, DescMessage>();

/** A stand-in for the message that an entry of a map is on the wire: its second field is the value. */
function entryOf(value: DescMessage): DescMessage {
  let entry = entries.get(value);
  if (entry === undefined) {
    entry = { fields: [{ number: 2, fieldKind: 'message', message: value }] } as unknown as DescMessage;
    entries.set(value, entry);
  }
  return entry;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
/** Each may be a message, or only a field. */
const ELEMENT_WEIGHT = 1.5;

function weighJson(bytes: Uint8Array): number {
  let weight = 0;
  for (let at = 0; at < bytes.byteLength && weight <= MAX_MESSAGE_WEIGHT; at += 1) {
    const byte = bytes[at];
    if (byte === QUOTE) at = endOfText(bytes, at);
    else if (byte === COMMA) weight += ELEMENT_WEIGHT;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) weight += WEIGHT_OF_MESSAGE;
  }
  return weight;
}

/** Where the text that begins at `from` has its closing quote, or the end of all. */
function endOfText(bytes: Uint8Array, from: number): number {
  for (let at = from + 1; at < bytes.byteLength; at += 1) {
    if (bytes[at] === BACKSLASH) at += 1;
    else if (bytes[at] === QUOTE) return at;
  }
  return bytes.byteLength;
}
