import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { ErrorReason } from '@tutti/proto/tutti/v1/error_reason_pb.ts';
import {
  AdditionRequestSchema,
  type AdditionResponse,
  AdditionResponseSchema,
} from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import { expect, test } from 'vitest';
import { createAsk, RequestRefusedError } from './asking.ts';
import { readOptions } from './options.ts';
import type { Transport } from './transport.ts';

type Result = AdditionResponse['result'];

/** Asks an orchestrator that gives these answers, one after the other, the last for ever. */
function askAgainst(...answers: readonly object[]) {
  let asked = 0;
  const transport = {
    request: async (_subject: string, data: Uint8Array) => {
      fromBinary(AdditionRequestSchema, data);
      const result = answers[Math.min(asked, answers.length - 1)] as Result;
      asked += 1;
      return toBinary(AdditionResponseSchema, create(AdditionResponseSchema, { result }));
    },
  } as unknown as Transport;
  const ask = createAsk(readOptions({ capabilities: { c: () => 1 } }), transport);
  const signal = new AbortController().signal;
  return {
    asked: () => asked,
    ask: () => ask('additions', AdditionRequestSchema, () => ({}), AdditionResponseSchema, signal),
  };
}

const limit = (retryAfterMs?: number) => ({
  case: 'error',
  value: {
    reason: ErrorReason.LIMIT_REACHED,
    message: 'full',
    ...(retryAfterMs !== undefined && { retryAfter: { nanos: retryAfterMs * 1_000_000 } }),
  },
});

test('a limit that passes is asked again, when the orchestrator says', async () => {
  const beganAtMs = performance.now();
  const { ask, asked } = askAgainst(limit(200), { case: 'ack', value: { addedCount: 3 } });
  expect(await ask()).toMatchObject({ result: { value: { addedCount: 3 } } });
  expect(asked()).toBe(2);
  expect(performance.now() - beganAtMs).toBeGreaterThan(190);
});

test('a limit that waiting does not change is told at once, and the slot is not held for it', async () => {
  const { ask, asked } = askAgainst(limit());
  await expect(ask()).rejects.toBeInstanceOf(RequestRefusedError);
  expect(asked()).toBe(1);
});
