// Is what arrived a message that keeps the rules of the proto?

import { type DescMessage, fromBinary, type MessageShape } from '@bufbuild/protobuf';
import type { Validator } from '@bufbuild/protovalidate';
import { accept, type Result, reject } from '../domain/rejection.ts';
import { isTooHeavy, tooHeavy } from '../wire/message-weight.ts';
import { keepsRules } from '../wire/quick-rules.ts';
import { describeViolation } from '../wire/violations.ts';

const MAX_VIOLATIONS_NAMED = 5;

/** The decoded message, or what is wrong with it, by field. */
export function decodeValid<Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array,
  validator: Validator,
): Result<MessageShape<Desc>> {
  if (isTooHeavy(schema, bytes)) return { ok: false, rejection: tooHeavy() };
  let message: MessageShape<Desc>;
  try {
    message = fromBinary(schema, bytes);
  } catch (error) {
    const text = `The ${bytes.byteLength} bytes are no ${schema.typeName}: ${String(error)}. Send its binary form.`;
    return reject('MALFORMED_MESSAGE', text, { type: schema.typeName });
  }
  if (keepsRules(schema, message)) return accept(message);
  const validation = validator.validate(schema, message);
  switch (validation.kind) {
    case 'valid':
      return accept(message);
    case 'invalid': {
      const { violations } = validation;
      const told = violations.slice(0, MAX_VIOLATIONS_NAMED).map((each) => describeViolation(each, message));
      const named = told.map(({ description }) => description).join('; ');
      const left = violations.length - told.length;
      const field = told[0]?.field ?? '';
      return reject('INVALID_FIELD', `${named}${left > 0 ? `; and ${left} more` : ''}`, { field }, field);
    }
    case 'error':
      // The rules themselves do not work: a defect of ours, not of the message.
      throw validation.error;
  }
}
