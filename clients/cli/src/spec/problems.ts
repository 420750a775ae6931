// Where in a JSON value does it break the JSON mapping of a message, and how?
//
// The decoder of protobuf-es stops at the first error and names a type, not a place. People need the
// place. So when a whole value was refused, this walks it beside the descriptor and asks the decoder
// about each part alone.

import {
  type DescField,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
} from '@bufbuild/protobuf';

/** The way from the root to a value: keys of objects and indexes of lists. */
export type JsonPath = readonly (string | number)[];

export interface Problem {
  readonly path: JsonPath;
  readonly description: string;
}

/** Of messages that are written as a text in JSON, where the decoder says only what it did not get. */
const expectations: Readonly<Record<string, string>> = {
  'google.protobuf.Duration': 'expected a duration in seconds such as "5s" or "0.25s", got %',
  'google.protobuf.Timestamp': 'expected a time such as "2026-01-31T12:00:00Z", got %',
};

/** More than these help nobody. */
const maxProblems = 10;

/** What is wrong with `json` as a `desc`, in the order of the text; at most ten. Empty: nothing. */
export function findProblems(desc: DescMessage, json: JsonValue): Problem[] {
  const problems: Problem[] = [];
  walkMessage(desc, json, [], problems);
  return problems;
}

/** `tasks[2].retry.factor`; `(root)` for the value itself. */
export function formatPath(path: JsonPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text === '' ? '(root)' : text;
}

function walkMessage(desc: DescMessage, json: JsonValue, path: JsonPath, problems: Problem[]): void {
  if (problems.length >= maxProblems) return;
  const before = problems.length;
  if (!desc.typeName.startsWith('google.protobuf.')) {
    if (!isObject(json)) {
      problems.push({
        path,
        description: `expected a mapping of the fields of ${desc.name}, got ${kindOf(json)}`,
      });
      return;
    }
    for (const [key, value] of Object.entries(json)) walkField(desc, key, value, path, problems);
  }
  // The parts are well; the whole may still not be: two fields of one `oneof`, say.
  if (problems.length === before) tryDecode(desc, json, path, problems);
}

function walkField(
  desc: DescMessage,
  key: string,
  value: JsonValue,
  parentPath: JsonPath,
  problems: Problem[],
): void {
  if (problems.length >= maxProblems) return;
  const path = [...parentPath, key];
  const field = desc.fields.find((candidate) => candidate.jsonName === key || candidate.name === key);
  if (field === undefined) {
    const known = desc.fields.map((candidate) => candidate.jsonName).join(', ');
    problems.push({ path, description: `unknown field; ${desc.name} has: ${known}` });
    return;
  }
  if (value === null) return;
  const message = messageOf(field);
  if (message === undefined) {
    tryDecode(desc, { [key]: value }, path, problems);
  } else if (field.fieldKind === 'list' && Array.isArray(value)) {
    for (const [index, item] of value.entries()) walkMessage(message, item, [...path, index], problems);
  } else if (field.fieldKind === 'map' && isObject(value)) {
    for (const [entry, item] of Object.entries(value)) walkMessage(message, item, [...path, entry], problems);
  } else if (field.fieldKind === 'message') {
    walkMessage(message, value, path, problems);
  } else {
    const wanted = field.fieldKind === 'list' ? 'a list' : 'a mapping';
    problems.push({ path, description: `expected ${wanted}, got ${kindOf(value)}` });
  }
}

function messageOf(field: DescField): DescMessage | undefined {
  switch (field.fieldKind) {
    case 'message':
      return field.message;
    case 'list':
      return field.listKind === 'message' ? field.message : undefined;
    case 'map':
      return field.mapKind === 'message' ? field.message : undefined;
    case 'scalar':
    case 'enum':
      return undefined;
  }
}

function tryDecode(desc: DescMessage, json: JsonValue, path: JsonPath, problems: Problem[]): void {
  try {
    fromJson(desc, json);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const description = expectations[desc.typeName] ?? text.replace(/^cannot decode .*? from JSON: /, '');
    problems.push({ path, description: description.replace('%', kindOf(json)) });
  }
}

function isObject(json: JsonValue): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function kindOf(json: JsonValue): string {
  if (json === null) return 'null';
  if (Array.isArray(json)) return 'a list';
  if (typeof json === 'object') return 'a mapping';
  return JSON.stringify(json).slice(0, 80);
}
