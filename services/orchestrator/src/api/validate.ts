// Does a request keep the rules that stand beside its fields in the proto?
//
// What keeps them for certain is seen at once (wire/quick-rules.ts); of all else the library is the judge.

import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { createValidator } from '@bufbuild/protovalidate';
import type { ConnectError } from '@connectrpc/connect';
import { type FieldViolation, reject } from '../domain/rejection.ts';
import { compile, keepsRules } from '../wire/quick-rules.ts';
import { describeViolation } from '../wire/violations.ts';
import { toConnectError } from './errors.ts';

/** Of one answer; the error has to fit into trailers. */
const MAX_REPORTED = 8;

const regexMatch = (pattern: string, text: string): boolean => compile(pattern).test(text);

const firstOnly = createValidator({ regexMatch, failFast: true });
const all = createValidator({ regexMatch });

/**
 * The error to answer with; undefined where every rule holds.
 * @param mayReportAll false for a request so large that counting all of its errors would take long
 */
export function validate<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
  mayReportAll: boolean,
): ConnectError | undefined {
  if (keepsRules(schema, message)) return undefined;
  const first = firstOnly.validate(schema, message);
  if (first.kind === 'valid') return undefined;
  // A rule that cannot be evaluated is a defect of the contract.
  if (first.kind === 'error') throw first.error;
  const result = mayReportAll ? all.validate(schema, message) : first;
  const found = result.violations ?? first.violations;
  const violations = found.slice(0, MAX_REPORTED).map((violation) => describeViolation(violation, message));
  const [{ field, description }] = violations as [FieldViolation];
  const more = found.length > 1 ? ` (and ${found.length - 1} more)` : '';
  const { rejection } = reject('INVALID_FIELD', `${description}${more}`, { field }, field);
  return toConnectError(rejection, violations);
}
