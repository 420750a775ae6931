import {
  create,
  type DescField,
  type DescMessage,
  type Message,
  type MessageInitShape,
  ScalarType,
} from '@bufbuild/protobuf';
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
