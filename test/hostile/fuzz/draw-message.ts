// What would a message of this type look like? Drawn from the descriptors of the contract, so that new fields
// are fuzzed from the day on which they are there.

import {
  create,
  type DescEnum,
  type DescField,
  type DescMessage,
  type DescOneof,
  type Message,
  type MessageInitShape,
  ScalarType,
  toBinary,
} from '@bufbuild/protobuf';
import type { Random } from '../../simulation/world/random.ts';
import type { Values } from './wicked.ts';

const MAX_DEPTH = 6;
/** How often a field is set, the deeper the rarer; lists and messages end for that alone. */
const SHARE_SET = 0.55;

export function drawMessage(schema: DescMessage, random: Random, values: Values): Message {
  return create(schema, drawFields(schema, random, values, 0) as MessageInitShape<DescMessage>);
}

/** Undefined where the library does not write it: a number beyond its type, for instance. */
export function drawBytes(schema: DescMessage, random: Random, values: Values): Uint8Array | undefined {
  try {
    return toBinary(schema, drawMessage(schema, random, values));
  } catch {
    return undefined;
  }
}

function drawFields(
  schema: DescMessage,
  random: Random,
  values: Values,
  depth: number,
): Record<string, unknown> {
  const drawn: Record<string, unknown> = {};
  const share = SHARE_SET / (1 + depth * 0.35);
  for (const member of schema.members) {
    const always = depth < 2 && isIdentity(member.localName);
    if (!always && !random.chance(share)) continue;
    const value =
      member.kind === 'oneof'
        ? drawOneof(member, random, values, depth)
        : drawField(member, random, values, depth);
    if (value !== undefined) drawn[member.localName] = value;
  }
  return drawn;
}

/** Without these, nearly every request would end at its first check. */
function isIdentity(localName: string): boolean {
  return [
    'run',
    'spec',
    'tasks',
    'runId',
    'executorId',
    'session',
    'capabilities',
    'slots',
    'leaseToken',
    'key',
    'capability',
    'reports',
  ].includes(localName);
}

function drawOneof(oneof: DescOneof, random: Random, values: Values, depth: number): unknown {
  const field = random.pick(oneof.fields);
  const value = drawField(field, random, values, depth);
  return value === undefined ? undefined : { case: field.localName, value };
}

function drawField(field: DescField, random: Random, values: Values, depth: number): unknown {
  const one = (): unknown => {
    switch (field.fieldKind) {
      case 'scalar':
        return drawScalar(field.scalar, field.localName, values);
      case 'enum':
        return drawEnum(field.enum, random);
      case 'message':
        return drawNested(field.message, random, values, depth);
      case 'list':
        if (field.listKind === 'scalar') return drawScalar(field.scalar, field.localName, values);
        if (field.listKind === 'enum') return drawEnum(field.enum, random);
        return drawNested(field.message, random, values, depth);
      case 'map':
        if (field.mapKind === 'scalar') return drawScalar(field.scalar, field.localName, values);
        if (field.mapKind === 'enum') return drawEnum(field.enum, random);
        return drawNested(field.message, random, values, depth);
    }
  };
  if (field.fieldKind === 'list') return several(random, one);
  if (field.fieldKind !== 'map') return one();
  return Object.fromEntries(several(random, one).map((value) => [values.text('key'), value]));
}

/** Few, and now and then many. */
function several(random: Random, one: () => unknown): unknown[] {
  const count = random.chance(0.03) ? random.between(20, 80) : random.between(1, 3);
  return Array.from({ length: count }, one).filter((value) => value !== undefined);
}

function drawNested(schema: DescMessage, random: Random, values: Values, depth: number): unknown {
  if (depth >= MAX_DEPTH) return undefined;
  return create(schema, drawFields(schema, random, values, depth + 1) as MessageInitShape<DescMessage>);
}

function drawEnum(schema: DescEnum, random: Random): number {
  return random.chance(0.05) ? random.pick([-1, 99, 2 ** 31 - 1]) : random.pick(schema.values).number;
}

function drawScalar(type: ScalarType, fieldName: string, values: Values): unknown {
  switch (type) {
    case ScalarType.STRING:
      return values.text(fieldName);
    case ScalarType.BYTES:
      return values.bytes(fieldName);
    case ScalarType.BOOL:
      return values.integer() % 2 === 1;
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return values.double();
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return values.long(true);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return values.long(false);
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return values.integer();
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return Math.abs(values.integer());
  }
}
