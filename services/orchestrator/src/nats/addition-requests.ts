// How do executors add tasks to the run of an attempt that they hold?

import { create, toBinary } from '@bufbuild/protobuf';
import { AdditionRequestSchema, AdditionResponseSchema } from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import { protocolError } from '../wire/executor-answers.ts';
import { additionFromWire } from '../wire/executor-requests.ts';
import type { RequestContext, RequestHandler } from './requests.ts';
import { toldOf } from './told.ts';
import { decodeValid } from './validation.ts';

export function createAdditionHandler(context: RequestContext): RequestHandler {
  const { orchestrator, validator, sharedIds } = context;
  const refuse = toldOf(context, 'addition', (error) =>
    toBinary(
      AdditionResponseSchema,
      create(AdditionResponseSchema, { result: { case: 'error', value: error } }),
    ),
  );
  return {
    refuse,
    async answer(namespace, bytes) {
      const message = decodeValid(AdditionRequestSchema, bytes, validator);
      if (!message.ok) return refuse(protocolError(message.rejection));
      const input = additionFromWire(message.value);
      if (!input.ok) return refuse(protocolError(input.rejection));
      const reply = await orchestrator.call(namespace, 'AddTasks', input.value);
      if (!reply.ok) {
        sharedIds.refused(namespace, message.value.executorId, reply.rejection);
        return refuse(protocolError(reply.rejection));
      }
      const { addedCount } = reply.value;
      return toBinary(
        AdditionResponseSchema,
        create(AdditionResponseSchema, { result: { case: 'ack', value: { addedCount } } }),
      );
    },
  };
}
