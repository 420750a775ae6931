// Is what arrived a message that keeps the rules of the proto?

import { type DescMessage, fromBinary, type MessageShape } from '@bufbuild/protobuf';
import { pathToString } from '@bufbuild/protobuf/reflect';
import type { Validator } from '@bufbuild/protovalidate';
import { accept, type Result, reject } from '../domain/rejection.ts';

const MAX_VIOLATIONS_NAMED = 5;

/** The decoded message, or what is wrong with it, by field. */
export function decodeValid<Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array,
  validator: Validator,
): Result<MessageShape<Desc>> {
  let message: MessageShape<Desc>;
  try {
    message = fromBinary(schema, bytes);
  } catch (error) {
    const text = `The ${bytes.byteLength} bytes are no ${schema.typeName}: ${String(error)}. Send its binary form.`;
    return reject('MALFORMED_MESSAGE', text, { type: schema.typeName });
  }
  const validation = validator.validate(schema, message);
  switch (validation.kind) {
    case 'valid':
      return accept(message);
    case 'invalid': {
      const fields = validation.violations.map(({ field }) => pathToString(field));
      const texts = validation.violations.map((violation, index) => `${fields[index]}: ${violation.message}`);
      const named = texts.slice(0, MAX_VIOLATIONS_NAMED).join('; ');
      const more =
        texts.length > MAX_VIOLATIONS_NAMED ? `; and ${texts.length - MAX_VIOLATIONS_NAMED} more` : '';
      const field = fields[0] ?? '';
      return reject('INVALID_FIELD', `${named}${more}.`, { field }, field);
    }
    case 'error':
      // The rules themselves do not work: a defect of ours, not of the message.
      throw validation.error;
  }
}
