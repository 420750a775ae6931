// Does what a run is given match what its workflow asks for?

import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { isJson, MAX_PAYLOAD_BYTES, type Payload } from '../../domain/payload.ts';
import { type FieldViolation, type Refusal, reject } from '../../domain/rejection.ts';
import { type InputSchemas, MAX_VIOLATIONS } from '../input-schema.ts';

const decoder = new TextDecoder('utf-8', { fatal: true });

/** @param path of the input in the request */
export function refuseInput(
  schemas: InputSchemas,
  schema: JsonObject | undefined,
  input: Payload,
  path: string,
): Refusal | undefined {
  if (schema === undefined) return undefined;
  if (input.ref !== undefined) {
    const message = `${path} is stored apart (${input.ref.sizeBytes} bytes), and the workflow's input schema can check what is sent inline only: send at most ${MAX_PAYLOAD_BYTES} bytes, or start from a workflow without a schema`;
    return reject('INVALID_FIELD', message, { field: path }, path);
  }
  const json = jsonOf(input);
  if (json === undefined) {
    const message = `${path} is not JSON, and the workflow's input schema asks for JSON: send it as such, or as a value`;
    return reject('INVALID_FIELD', message, { field: path }, path);
  }
  return refuse(schemas.violationsOf(schema, json.value, path));
}

/** Tells of all of them. Undefined where there are none. */
export function refuse(violations: readonly FieldViolation[]): Refusal | undefined {
  const [first] = violations;
  if (first === undefined) return undefined;
  const others = violations.length - 1;
  const more =
    others === 0 ? '' : ` (and ${others}${violations.length === MAX_VIOLATIONS ? ' or more' : ''} more)`;
  const { field, description } = first;
  const { rejection } = reject('INVALID_FIELD', `${description}${more}`, { field }, field);
  return { ok: false, rejection: { ...rejection, violations } };
}

/** An input that is left out counts as `null`. Undefined: no JSON. */
function jsonOf({ bytes, contentType }: Payload): { readonly value: JsonValue } | undefined {
  if (!isJson(contentType)) return undefined;
  if (bytes.byteLength === 0) return { value: null };
  try {
    return { value: JSON.parse(decoder.decode(bytes)) as JsonValue };
  } catch {
    return undefined;
  }
}
