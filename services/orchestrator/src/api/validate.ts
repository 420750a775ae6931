// Does a request keep the rules that stand beside its fields in the proto?
//
// Measured: 3 µs for each task of a large submission, so the library's rules serve and no second
// form of them is needed.

import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { type Path, pathToString } from '@bufbuild/protobuf/reflect';
import { createValidator, type Violation } from '@bufbuild/protovalidate';
import type { ConnectError } from '@connectrpc/connect';
import { type FieldViolation, reject } from '../domain/rejection.ts';
import { toConnectError } from './errors.ts';

/** Of one answer; the error has to fit into trailers. */
const MAX_REPORTED = 8;
const MAX_SHOWN_CHARACTERS = 60;

// The patterns are the contract's own, plain and without backtracking, so the platform's engine
// decides them alike and in a third of the time of the library's.
const patterns = new Map<string, RegExp>();
const regexMatch = (pattern: string, text: string): boolean => {
  let compiled = patterns.get(pattern);
  if (compiled === undefined) {
    compiled = new RegExp(pattern);
    patterns.set(pattern, compiled);
  }
  return compiled.test(text);
};

const firstOnly = createValidator({ regexMatch, failFast: true });
const all = createValidator({ regexMatch });

/** In words, what each pattern of the contract asks for. A test holds that none is missing. */
export const PATTERN_RULES: Readonly<Record<string, string>> = {
  '^[A-Za-z0-9_][A-Za-z0-9_.:/-]*$':
    'use letters, digits and _ . : / - only, beginning with a letter, a digit or _',
  '^[a-z0-9][a-z0-9_-]*(\\.[a-z0-9][a-z0-9_-]*)*$':
    'use lower-case letters, digits, _ and -, in parts joined by single dots, such as image.resize',
  '^[A-Za-z0-9_-]*$': 'use letters, digits, _ and - only',
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

/**
 * The error to answer with; undefined where every rule holds.
 * @param mayReportAll false for a request so large that counting all of its errors would take long
 */
export function validate<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
  mayReportAll: boolean,
): ConnectError | undefined {
  const first = firstOnly.validate(schema, message);
  if (first.kind === 'valid') return undefined;
  // A rule that cannot be evaluated is a defect of the contract.
  if (first.kind === 'error') throw first.error;
  const result = mayReportAll ? all.validate(schema, message) : first;
  const found = result.violations ?? first.violations;
  const violations = found.slice(0, MAX_REPORTED).map((violation) => describe(violation, message));
  const [{ field, description }] = violations as [FieldViolation];
  const more = found.length > 1 ? ` (and ${found.length - 1} more)` : '';
  const { rejection } = reject('INVALID_FIELD', `${description}${more}`, { field }, field);
  return toConnectError(rejection, violations);
}

function describe(violation: Violation, message: MessageShape<DescMessage>): FieldViolation {
  const field = pathToString(violation.field);
  const key = violation.forKey ? mapKey(violation.field) : undefined;
  const value = shown(key ?? valueAt(message, violation.field));
  const subject = key === undefined ? field : `the key of ${field}`;
  return { field, description: `${subject}${value}: ${ruleOf(violation)}` };
}

function ruleOf(violation: Violation): string {
  const pattern = /regex pattern `(.*)`$/s.exec(violation.message)?.[1];
  const words = pattern === undefined ? undefined : PATTERN_RULES[pattern];
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
