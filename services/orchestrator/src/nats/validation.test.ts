// What an executor is told of a message that breaks a rule: the field, its value, and what to do.

import { create, toBinary } from '@bufbuild/protobuf';
import { createValidator } from '@bufbuild/protovalidate';
import { AdditionRequestSchema } from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import { TaskSpecSchema } from '@tutti/proto/tutti/v1/task_pb.ts';
import { expect, it } from 'vitest';
import { decodeValid } from './validation.ts';

it('names the field, the value and the remedy, as every other door does', () => {
  const message = create(AdditionRequestSchema, {
    leaseToken: 'x',
    tasks: [create(TaskSpecSchema, { key: 'a#0', capability: 'echo' })],
  });
  const decoded = decodeValid(
    AdditionRequestSchema,
    toBinary(AdditionRequestSchema, message),
    createValidator(),
  );

  expect(decoded.ok || decoded.rejection.message).toContain(
    'tasks[0].key is "a#0": use letters, digits and _ . : / - only, beginning with a letter, a digit or _',
  );
});
