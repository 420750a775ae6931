// Whatever a handler throws or gives back becomes a report that can be sent: plain JavaScript obeys no
// types, and an attempt without a report would hold its slot for ever.

import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { ReportSchema } from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesPayload } from '../payloads.ts';
import { FinalError, RetryableError } from './errors.ts';
import { type Circumstances, type HandlerEnd, judge } from './judge.ts';

const usual: Circumstances = {
  leaseToken: 't',
  abortReason: undefined,
  partialResult: undefined,
  usage: {},
  maxPayloadBytes: 1_000,
};

const anything = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withNullPrototype: true,
  withTypedArray: true,
  withObjectString: true,
});
const hostile = fc.constantFrom<() => unknown>(
  () => Symbol('s'),
  () => () => {},
  () => new Proxy(() => {}, { get: boom, getPrototypeOf: boom }),
  () => Object.defineProperty(new Error('x'), 'message', { get: boom }),
  () => Object.defineProperty(new RetryableError('A', 'x'), 'code', { get: boom }),
  () => ({ toJSON: boom }),
  () => ({ toString: boom }),
  () => bytesPayload('no bytes' as never),
  () => bytesPayload(new Uint8Array(), '\ud800'),
);
const ours = fc
  .tuple(anything, anything, anything, anything, fc.constantFrom(RetryableError, FinalError))
  .map(([code, message, retryAfterMs, details, Class]) => {
    const error = new Class('C', 'm', { details, retryAfterMs } as never);
    return Object.assign(error, { code, message });
  });
// Behind functions, since a failure could not print them.
const value = fc.oneof(
  anything.map((given) => () => given),
  hostile,
  ours.map((error) => () => error),
);

function boom(): never {
  throw new Error('boom');
}

test('any value, thrown or returned, under any circumstances: a report with an outcome that can be sent', () => {
  fc.assert(
    fc.property(
      value,
      value,
      fc.boolean(),
      fc.constantFrom(undefined, 'TIMED_OUT' as const, 'CANCEL_REQUESTED' as const),
      (got, partialResult, isThrown, abortReason) => {
        const end: HandlerEnd = isThrown ? { thrown: got() } : { value: got() };
        const report = judge(end, { ...usual, abortReason, partialResult: partialResult() });
        const sent = fromBinary(ReportSchema, toBinary(ReportSchema, report));
        expect(sent.leaseToken).toBe('t');
        const expected = abortReason === 'CANCEL_REQUESTED' ? ['cancelled'] : ['completed', 'failed'];
        expect(expected).toContain(sent.outcome.case);
        if (sent.outcome.case === 'failed') expect(sent.outcome.value.error?.code).not.toBe('');
      },
    ),
    { numRuns: 500 },
  );
});

test('a code that is a number is its digits', () => {
  const { outcome } = judge({ thrown: new RetryableError(503 as never, 'busy') }, usual);
  expect(outcome).toMatchObject({ case: 'failed', value: { error: { code: '503', message: 'busy' } } });
});

test('a result over the limit is final: the work was done, and done again it would be as large', () => {
  const { outcome } = judge({ value: 'x'.repeat(1_001) }, usual);
  expect(outcome).toMatchObject({ value: { error: { code: 'PAYLOAD_TOO_LARGE' }, final: true } });
});
