// What run does a YAML or JSON file describe?
//
// The file holds the JSON mapping of tutti.v1.RunSpec. YAML is read as the same data in other clothes.
// Unknown fields are refused with their place: a misspelt `retry` that is silently ignored would be
// found only when a task fails.

import {
  type DescMessage,
  fromJson,
  fromJsonString,
  type JsonValue,
  type MessageShape,
} from '@bufbuild/protobuf';
import { type RunSpec, RunSpecSchema } from '@tutti/proto/tutti/v1/run_pb.ts';
import { type WorkflowTemplate, WorkflowTemplateSchema } from '@tutti/proto/tutti/v1/workflow_pb.ts';
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { usageFailure } from '../failure.ts';
import { findProblems, formatPath, type JsonPath } from './problems.ts';

interface Parsed {
  readonly json: JsonValue;
  /** The line of the text where a path begins, counted from 1, where that is known. */
  lineOf(path: JsonPath): number | undefined;
}

/**
 * Reads a specification. `name` is what messages call the file; a name that ends in `.json` is read as
 * strict JSON, any other as JSON if it is that and as YAML if not.
 *
 * @throws Failure (usage) naming every wrong field with its path and line.
 */
export function parseRunSpec(text: string, name: string): RunSpec {
  return parseMessage(RunSpecSchema, text, name, 'run specification');
}

/** As parseRunSpec, for a file that holds a workflow: the JSON mapping of tutti.v1.WorkflowTemplate. */
export function parseWorkflowTemplate(text: string, name: string): WorkflowTemplate {
  return parseMessage(WorkflowTemplateSchema, text, name, 'workflow');
}

/** Whether an argument is JSON itself, an object, a list or a string, and no path. */
export function isJsonText(argument: string): boolean {
  return /^\s*[[{"]/.test(argument);
}

/** JSON or YAML, as the JSON text that is handed on. Throws Failure (usage). */
export function parseJsonText(text: string, name: string): string {
  const isJson = name.endsWith('.json') || looksLikeJson(text);
  return JSON.stringify((isJson ? parseJson(text, name) : parseYaml(text, name)).json ?? null);
}

function parseMessage<Desc extends DescMessage>(
  schema: Desc,
  text: string,
  name: string,
  what: string,
): MessageShape<Desc> {
  const isJson = name.endsWith('.json') || looksLikeJson(text);
  const parsed = isJson ? parseJson(text, name) : parseYaml(text, name);
  try {
    // From the string where possible: only then are duplicate keys seen.
    return isJson ? fromJsonString(schema, text) : fromJson(schema, parsed.json);
  } catch (error) {
    const problems = findProblems(schema, parsed.json);
    if (problems.length === 0)
      throw usageFailure(`${name}: ${error instanceof Error ? error.message : error}`);
    const fields = problems.map((problem) => {
      const line = parsed.lineOf(problem.path);
      return {
        field: formatPath(problem.path),
        description: line === undefined ? problem.description : `${problem.description} (line ${line})`,
      };
    });
    throw usageFailure(`${name}: not a valid ${what}`, fields);
  }
}

function looksLikeJson(text: string): boolean {
  if (!/^\s*\{/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    // A YAML flow mapping, or broken JSON: the YAML parser reads both and says where it breaks.
    return false;
  }
}

function parseJson(text: string, name: string): Parsed {
  try {
    return { json: JSON.parse(text) as JsonValue, lineOf: () => undefined };
  } catch (error) {
    throw usageFailure(`${name}: not JSON: ${error instanceof Error ? error.message : error}`);
  }
}

function parseYaml(text: string, name: string): Parsed {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: true });
  const [problem] = document.errors;
  if (problem !== undefined) throw usageFailure(`${name}: not YAML: ${problem.message}`);
  let json: JsonValue;
  try {
    // Aliases are expanded within the library's bound, so that a small file cannot become a huge one.
    json = document.toJS() as JsonValue;
  } catch (error) {
    throw usageFailure(`${name}: not usable YAML: ${error instanceof Error ? error.message : error}`);
  }
  return { json, lineOf: (path) => lineOfPath(document, lines, path) };
}

function lineOfPath(document: Document, lines: LineCounter, path: JsonPath): number | undefined {
  let node: unknown = document.contents;
  let offset: number | undefined;
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === step);
      if (isScalar(pair?.key)) offset = pair.key.range?.[0] ?? offset;
      node = pair?.value;
    } else if (isSeq(node) && typeof step === 'number') {
      node = node.items[step];
      const range = (node as { range?: readonly number[] | null } | undefined)?.range;
      offset = range?.[0] ?? offset;
    }
  }
  return offset === undefined ? undefined : lines.linePos(offset).line;
}
