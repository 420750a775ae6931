import {
  clone,
  create,
  type DescField,
  type DescMessage,
  type Message,
  type MessageInitShape,
  ScalarType,
} from '@bufbuild/protobuf';
import { DurationSchema } from '@bufbuild/protobuf/wkt';
import { createValidator } from '@bufbuild/protovalidate';
import {
  HeartbeatRequestSchema,
  RegisterRequestSchema,
  ReportRequestSchema,
} from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import { ExecutorService } from '@tutti/proto/tutti/v1/executor_service_pb.ts';
import { OrchestratorService } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { PayloadService } from '@tutti/proto/tutti/v1/payload_service_pb.ts';
import { RunLifeService } from '@tutti/proto/tutti/v1/run_life_service_pb.ts';
import { WorkflowService } from '@tutti/proto/tutti/v1/workflow_service_pb.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile, keepsRules } from './quick-rules.ts';

const validator = createValidator({ regexMatch: (pattern, text) => compile(pattern).test(text) });

const SERVICES = [OrchestratorService, RunLifeService, WorkflowService, PayloadService, ExecutorService];
const SCHEMAS: readonly DescMessage[] = [
  ...SERVICES.flatMap(({ methods }) => methods.map(({ input }) => input)),
  RegisterRequestSchema,
  ReportRequestSchema,
  HeartbeatRequestSchema,
];

/** Around what the rules of the contract allow, on both sides. */
const TEXTS = [
  '',
  'a',
  'task-1',
  'image.resize',
  'x~1',
  'UPPER',
  'has space',
  '-',
  'é',
  '😀',
  'a'.repeat(63),
  'a'.repeat(64),
  'a'.repeat(129),
  'a'.repeat(256),
];
const NUMBERS = [0, 1, 2, 10, 11, -1, 1_000, 10_001, 100_001];
const DOUBLES = [0, 1, 2.5, 100, 100.5, -1, Number.NaN, Number.POSITIVE_INFINITY];
const SECONDS = [0n, 1n, 60n, 3_600n, 3_601n, 86_401n, 2_592_001n, 31_536_001n, 315_360_001n, -1n];
const NANOS = [0, 1, 1_000_000, 999_999_999, -1];

function arbitraryMessage(schema: DescMessage, depth: number): fc.Arbitrary<Message> {
  if (schema.typeName === 'google.protobuf.Duration') {
    const parts = { seconds: fc.constantFrom(...SECONDS), nanos: fc.constantFrom(...NANOS) };
    return fc.record(parts).map((init) => create(schema, init as MessageInitShape<typeof schema>));
  }
  const fields: Record<string, fc.Arbitrary<unknown>> = {};
  for (const field of schema.fields) {
    if (field.oneof !== undefined || (depth <= 0 && field.message !== undefined)) continue;
    fields[field.localName] = arbitraryValue(field, depth);
  }
  for (const oneof of schema.oneofs) {
    const cases = oneof.fields
      .filter((field) => depth > 0 || field.message === undefined)
      .map((field) => arbitraryValue(field, depth).map((value) => ({ case: field.localName, value })));
    if (cases.length > 0) fields[oneof.localName] = fc.oneof(...cases);
  }
  return fc
    .record(fields, { requiredKeys: [] })
    .map((init) => create(schema, init as MessageInitShape<typeof schema>));
}

function arbitraryValue(field: DescField, depth: number): fc.Arbitrary<unknown> {
  switch (field.fieldKind) {
    case 'list': {
      const item =
        field.listKind === 'message'
          ? arbitraryMessage(field.message, depth - 1)
          : field.listKind === 'enum'
            ? fc.constantFrom(0, 1, 2, 99)
            : arbitraryScalar(field.scalar);
      return fc.array(item, { maxLength: 3 });
    }
    case 'map': {
      if (field.mapKind === 'message') return fc.constant({});
      const value = field.mapKind === 'enum' ? fc.constantFrom(0, 99) : arbitraryScalar(field.scalar);
      return fc.dictionary(fc.constantFrom(...TEXTS), value, { maxKeys: 3 });
    }
    case 'message':
      return field.message.typeName.startsWith('google.protobuf.') &&
        field.message.typeName !== 'google.protobuf.Duration'
        ? fc.constant(undefined)
        : arbitraryMessage(field.message, depth - 1);
    case 'enum':
      return fc.constantFrom(0, 1, 2, 3, 99);
    case 'scalar':
      return arbitraryScalar(field.scalar);
  }
}

function arbitraryScalar(type: ScalarType): fc.Arbitrary<unknown> {
  switch (type) {
    case ScalarType.STRING:
      return fc.constantFrom(...TEXTS);
    case ScalarType.BYTES:
      return fc.constantFrom(0, 31, 32, 33).map((length) => new Uint8Array(length));
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return fc.constantFrom(...DOUBLES);
    case ScalarType.INT64:
    case ScalarType.UINT64:
      return fc.constantFrom(0n, 1n, 1_000_000n);
    case ScalarType.UINT32:
      return fc.constantFrom(...NUMBERS.filter((number) => number >= 0));
    default:
      return fc.constantFrom(...NUMBERS);
  }
}

describe.each(SCHEMAS.map((schema) => [schema.name, schema] as const))('%s', (_name, schema) => {
  test('what is said to keep the rules is valid for the library', () => {
    fc.assert(
      fc.property(arbitraryMessage(schema, 4), (message) => {
        if (keepsRules(schema, message)) expect(validator.validate(schema, message).kind).toBe('valid');
      }),
      { numRuns: 300 },
    );
  });
});

function withField(schema: DescMessage, message: Message, field: DescField, value: unknown): Message {
  const copy = clone(schema, message) as Message & Record<string, unknown>;
  if (field.oneof === undefined) copy[field.localName] = value;
  else copy[field.oneof.localName] = { case: field.localName, value };
  return copy;
}

/** The message, each time with one thing in it changed, however deep. */
function* variants(schema: DescMessage, message: Message): Generator<Message> {
  const set = (field: DescField, value: unknown) => withField(schema, message, field, value);
  for (const field of schema.fields) {
    for (const value of valuesOf(field)) yield set(field, value);
    const chosen =
      field.oneof && ((message as never)[field.oneof.localName] as { case?: string; value?: unknown });
    const present =
      field.oneof === undefined
        ? (message as never)[field.localName]
        : chosen?.case === field.localName
          ? chosen.value
          : undefined;
    if (present === undefined || field.message === undefined || isForeign(field.message)) continue;
    if (field.fieldKind === 'message') {
      for (const changed of variants(field.message, present as Message)) yield set(field, changed);
    } else if (field.fieldKind === 'list') {
      for (const [index, item] of (present as Message[]).slice(0, 2).entries()) {
        for (const changed of variants(field.message, item))
          yield set(field, (present as Message[]).with(index, changed));
      }
    } else if (field.fieldKind === 'map') {
      for (const [key, item] of Object.entries(present as Record<string, Message>).slice(0, 1)) {
        for (const changed of variants(field.message, item))
          yield set(field, { ...(present as object), [key]: changed });
      }
    }
  }
}

function valuesOf(field: DescField): readonly unknown[] {
  switch (field.fieldKind) {
    case 'list':
      return [[], ...(field.listKind === 'scalar' ? scalars(field.scalar).map((value) => [value]) : [])];
    case 'map': {
      if (field.mapKind === 'message') return [{}];
      const values = field.mapKind === 'scalar' ? scalars(field.scalar) : [0];
      return [...TEXTS.map((text) => ({ [text]: values[0] })), ...values.map((value) => ({ k: value }))];
    }
    case 'message':
      if (field.message.typeName === 'google.protobuf.Duration') {
        return SECONDS.flatMap((seconds) => NANOS.map((nanos) => create(DurationSchema, { seconds, nanos })));
      }
      return isForeign(field.message) ? [] : [create(field.message)];
    case 'enum':
      return [0, 1, 2, 3, 99];
    case 'scalar':
      return scalars(field.scalar);
  }
}

function isForeign({ typeName }: DescMessage): boolean {
  return typeName.startsWith('google.protobuf.');
}

function scalars(type: ScalarType): readonly unknown[] {
  return fc.sample(arbitraryScalar(type), { numRuns: 40, seed: 1 });
}

/** With something in every field, as far as the rules allow. */
function richest(schema: DescMessage, depth: number): Message {
  let message = create(schema);
  for (const field of schema.fields) {
    if (field.message === schema || (depth === 0 && field.message !== undefined)) continue;
    const nested =
      field.message === undefined || isForeign(field.message) ? [] : [richest(field.message, depth - 1)];
    const candidates =
      field.fieldKind === 'list' && nested.length > 0 ? [nested] : field.fieldKind === 'map' ? [] : nested;
    const inMap = field.fieldKind === 'map' && nested.length > 0 ? [{ k: nested[0] }] : [];
    for (const value of [...candidates, ...inMap, ...valuesOf(field).toReversed()]) {
      const fuller = withField(schema, message, field, value);
      if (problems(schema, fuller) > problems(schema, message)) continue;
      message = fuller;
      break;
    }
  }
  return message;
}

function problems(schema: DescMessage, message: Message): number {
  return validator.validate(schema, message).violations?.length ?? 0;
}

test('what is valid and changed in one place is said to keep the rules only if it does', () => {
  const messages = SCHEMAS.map((schema) => [schema, richest(schema, 5)] as const);
  const counts = { kept: 0, refused: 0 };
  for (const [schema, message] of messages) {
    for (const variant of variants(schema, message)) {
      const isKept = keepsRules(schema, variant);
      counts[isKept ? 'kept' : 'refused'] += 1;
      if (isKept) expect(validator.validate(schema, variant).kind).toBe('valid');
    }
  }
  // Neither is nearly everything: else this would show nothing.
  expect(counts.kept).toBeGreaterThan(1_000);
  expect(counts.refused).toBeGreaterThan(1_000);
});

describe('what is valid and plain', () => {
  const { submitRun, submitRuns, waitRun } = OrchestratorService.method;
  const task = {
    key: 't',
    capability: 'image.resize',
    dependencies: [{ key: 'u' }],
    input: { data: { case: 'bytes', value: new Uint8Array(3) } },
  };
  const wait = { seconds: 60n };
  test.each<readonly [DescMessage, object]>([
    [
      submitRun.input,
      {
        requestId: 'r',
        run: { runId: 'r', spec: { name: 'n', labels: { a: 'b' }, tasks: [task], timeout: wait } },
        wait,
      },
    ],
    [submitRuns.input, { runs: [{ spec: { tasks: [task] } }] }],
    [waitRun.input, { runId: 'r', timeout: wait }],
    [
      ReportRequestSchema,
      {
        executorId: 'e',
        session: 's',
        reports: [{ leaseToken: 't', outcome: { case: 'completed', value: {} } }],
      },
    ],
    [HeartbeatRequestSchema, { executorId: 'e', session: 's' }],
  ])('needs no library: $typeName', (schema, init) => {
    const message = create(schema, init as MessageInitShape<typeof schema>);
    expect(validator.validate(schema, message).kind).toBe('valid');
    expect(keepsRules(schema, message)).toBe(true);
  });

  test.each<readonly [string, object]>([
    ['a key that breaks its pattern', { run: { spec: { tasks: [{ key: 'a b', capability: 'c' }] } } }],
    ['no task', { run: { spec: { tasks: [] } } }],
    ['a required message that is missing', {}],
    ['a duration beyond its bound', { run: { spec: { tasks: [task] } }, wait: { seconds: 3_601n } }],
    ['a negative duration', { run: { spec: { tasks: [task] } }, wait: { seconds: -1n } }],
    ['an unknown member of an enum', { run: { spec: { tasks: [task] } }, payloadForm: 99 }],
    ['a label that is too long', { run: { spec: { labels: { a: 'b'.repeat(256) }, tasks: [task] } } }],
  ])('is not said of %s', (_what, init) => {
    expect(
      keepsRules(submitRun.input, create(submitRun.input, init as MessageInitShape<typeof submitRun.input>)),
    ).toBe(false);
  });
});
