// What is wrong with a message that breaks a rule of the proto, in words?

import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { type Path, pathToString } from '@bufbuild/protobuf/reflect';
import type { FieldViolation } from '../domain/rejection.ts';

const MAX_SHOWN_CHARACTERS = 60;

/** As protovalidate tells of it. */
interface Violation {
  readonly field: Path;
  readonly message: string;
  /** It is about the last key of the path, not about what stands there. */
  readonly forKey: boolean;
}

/** In words, what each pattern of the contract asks for. A test holds that none is missing. */
export const PATTERN_RULES: Readonly<Record<string, string>> = {
  '^[A-Za-z0-9_][A-Za-z0-9_.:/-]*$':
    'use letters, digits and _ . : / - only, beginning with a letter, a digit or _',
  '^[a-z0-9][a-z0-9_-]*(\\.[a-z0-9][a-z0-9_-]*)*$':
    'use lower-case letters, digits, _ and -, in parts joined by single dots, such as image.resize',
  '^[A-Za-z0-9_-]*$': 'use letters, digits, _ and - only',
  '^[A-Za-z0-9_-]+$': 'use letters, digits, _ and - only, at least one',
  '^[A-Za-z0-9_~-]*$': 'use letters, digits, _ and - only, and ~ for a child run',
  '^[A-Za-z0-9_~-]+$':
    'use at least one of letters, digits, _ and -, and ~ for a child run, and nothing else',
  '^([a-z0-9][a-z0-9_-]*(\\.[a-z0-9][a-z0-9_-]*)*)?$':
    'use lower-case letters, digits, _ and -, in parts joined by single dots, such as image.resize, or leave it empty',
  '^([A-Za-z0-9_][A-Za-z0-9_.:/-]*)?$':
    'must be empty, or begin with a letter, a digit or _ and hold only letters, digits, _ . : / -',
  '^([a-z0-9]([a-z0-9-]*[a-z0-9])?)?$':
    'use lower-case letters, digits and - only, beginning and ending with a letter or digit',
  '^[A-Za-z0-9][A-Za-z0-9_./-]*$': 'use letters, digits and _ . / - only, beginning with a letter or digit',
  '^[ -~]*$': 'use printable ASCII characters only',
};

/** With the value and what is asked for in its place. */
export function describeViolation(violation: Violation, message: MessageShape<DescMessage>): FieldViolation {
  const field = pathToString(violation.field);
  const key = violation.forKey ? mapKey(violation.field) : undefined;
  const value = shown(key ?? valueAt(message, violation.field));
  const subject = key === undefined ? field : `the key of ${field}`;
  return { field, description: `${subject}${value}: ${ruleOf(violation)}` };
}

function ruleOf(violation: Violation): string {
  const pattern = /regex pattern `(.*)`$/s.exec(violation.message)?.[1];
  const words = pattern === undefined ? undefined : PATTERN_RULES[pattern];
  if (violation.message === 'must not be in list [0]') return 'say which one; 0 stands for none';
  return words ?? violation.message;
}

function mapKey(path: Path): unknown {
  const last = path.at(-1);
  return last?.kind === 'map_sub' ? last.key : undefined;
}

/** Follows the path as far as it leads; undefined where it does not. */
function valueAt(message: unknown, path: Path): unknown {
  let value = message;
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    switch (step.kind) {
      case 'field':
        value = (value as Record<string, unknown>)[step.localName];
        break;
      case 'list_sub':
        value = (value as unknown[])[step.index];
        break;
      case 'map_sub':
        value = (value as Record<string, unknown>)[String(step.key)];
        break;
      case 'oneof':
      case 'extension':
        return undefined;
    }
  }
  return value;
}

function shown(value: unknown): string {
  switch (typeof value) {
    case 'string': {
      const cut = value.length > MAX_SHOWN_CHARACTERS ? `${value.slice(0, MAX_SHOWN_CHARACTERS)}…` : value;
      return ` is ${JSON.stringify(cut)}`;
    }
    case 'number':
    case 'bigint':
    case 'boolean':
      return ` is ${value}`;
    case 'object':
      return shownObject(value);
    default:
      return '';
  }
}

function shownObject(value: object | null): string {
  if (Array.isArray(value)) return ` has ${value.length} entries`;
  if (value === null || !('$typeName' in value)) return '';
  if (value.$typeName !== 'google.protobuf.Duration') return '';
  const { seconds, nanos } = value as unknown as { seconds: bigint; nanos: number };
  return ` is ${Number(seconds) + nanos / 1_000_000_000} s`;
}
