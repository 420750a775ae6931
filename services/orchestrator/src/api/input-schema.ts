// Does an input match the schema of a workflow, and is that a schema at all? JSON Schema, draft 2020-12.
//
// ajv, because it is the validator that passes the official test suite of that draft in full, and
// reports every violation with its place. Its schemas come from strangers here, so:
//
// I1  A schema and an input are each checked within a time of the processor; what takes longer is refused.
//     Some schemas double the work with each reference. A machine that does something else meanwhile is no
//     fault of theirs.
// I2  Every schema is compiled apart: what one declares, no other can refer to or shadow, and nothing is
//     fetched.
// I3  Patterns are RE2's, in time linear in the text.

import { createRequire } from 'node:module';
import { type Context, createContext, Script } from 'node:vm';
import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { RE2JS } from '@bufbuild/re2';
import type { Ajv2020, ErrorObject, Options, ValidateFunction } from 'ajv/dist/2020.js';
import type { FieldViolation } from '../domain/rejection.ts';

export interface InputSchemas {
  /** What keeps it from being an input schema; its place is below `field`. Undefined: nothing. */
  problemOf(schema: JsonObject, field: string): FieldViolation | undefined;
  /** Contract: problemOf finds nothing. Empty: the input matches. At most MAX_VIOLATIONS. */
  violationsOf(schema: JsonObject, input: JsonValue, field: string): readonly FieldViolation[];
}

export const MAX_SCHEMA_BYTES = 65_536;
/** As of payloads that are given as values: what is told to clients has to be readable for them. */
export const MAX_SCHEMA_DEPTH = 30;
export const MAX_VIOLATIONS = 8;
const COMPILE_LIMIT_MS = 500;
const CHECK_LIMIT_MS = 100;
/** Of something that was held up: at most 15 times its limit in all. */
const MAX_TRIES = 4;
/** The most recently used are kept compiled. */
const MAX_COMPILED = 64;
const DRAFT = /^https?:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/;

const COMMON = {
  strict: true,
  // Remarks on style, which would go to the console.
  strictTypes: false,
  strictTuples: false,
  strictRequired: false,
  logger: false as const,
  validateFormats: false,
  // Known to the draft, and to ajv only where it resolves references.
  keywords: ['$anchor'],
};

interface Compiled {
  readonly first: ValidateFunction;
  readonly all: ValidateFunction;
}

export function createInputSchemas(): InputSchemas {
  const compiled = new Map<string, Compiled>();
  let drafts: Ajv2020 | undefined;

  /** What the first schema costs anybody is not charged to it: the library, and the schema of schemas. */
  function draftOfSchemas(): Ajv2020 {
    if (drafts === undefined) {
      drafts = createAjv(COMMON);
      void drafts.validateSchema({});
      compileApart({ type: 'object' }, false);
    }
    return drafts;
  }

  function compile(schema: JsonObject): Compiled {
    const text = JSON.stringify(schema);
    const known = compiled.get(text) ?? {
      first: compileApart(schema, false),
      all: compileApart(schema, true),
    };
    compiled.delete(text);
    compiled.set(text, known);
    for (const oldest of compiled.keys()) {
      if (compiled.size <= MAX_COMPILED) break;
      compiled.delete(oldest);
    }
    return known;
  }

  return {
    problemOf(schema, field) {
      const unfit = unfitness(schema);
      if (unfit !== undefined) return { field, description: `${field}: ${unfit}` };
      const draft = draftOfSchemas();
      try {
        if (within(COMPILE_LIMIT_MS, () => draft.validateSchema(schema)) !== true) {
          const [error] = draft.errors ?? [];
          if (error !== undefined && error !== null) return violation(error, schema, field);
        }
        within(COMPILE_LIMIT_MS, () => compile(schema));
        return undefined;
      } catch (error) {
        const why = isTimeout(error) ? `takes more than ${COMPILE_LIMIT_MS} ms to compile` : textOf(error);
        return { field, description: `${field}: ${why}` };
      }
    },

    violationsOf(schema, input, field) {
      draftOfSchemas();
      try {
        const { first, all } = within(COMPILE_LIMIT_MS, () => compile(schema));
        if (within(CHECK_LIMIT_MS, () => first(input)) === true) return [];
        const [error] = first.errors ?? [];
        const found = allErrors(all, input) ?? (error === undefined ? [] : [error]);
        const told = found.map((one) => violation(one, input, field));
        return [...new Map(told.map((one) => [`${one.field} ${one.description}`, one])).values()].slice(
          0,
          MAX_VIOLATIONS,
        );
      } catch (error) {
        const why = isTimeout(error)
          ? `cannot be checked within ${CHECK_LIMIT_MS} ms`
          : `cannot be checked: ${textOf(error)}`;
        return [{ field, description: `${field} ${why}; simplify the schema or the input` }];
      }
    },
  };
}

/** Undefined where gathering all of them takes too long: the first one is known already. */
function allErrors(all: ValidateFunction, input: JsonValue): readonly ErrorObject[] | undefined {
  try {
    within(CHECK_LIMIT_MS, () => all(input));
    return all.errors ?? undefined;
  } catch (error) {
    if (isTimeout(error)) return undefined;
    throw error;
  }
}

/** What ajv does not look at, or is not to be asked. */
function unfitness(schema: JsonObject): string | undefined {
  const bytes = Buffer.byteLength(JSON.stringify(schema));
  if (bytes > MAX_SCHEMA_BYTES) return `a schema of ${bytes} bytes, at most ${MAX_SCHEMA_BYTES} are allowed`;
  if (isDeeper(schema, MAX_SCHEMA_DEPTH)) return `nested more than ${MAX_SCHEMA_DEPTH} deep`;
  const { $schema } = schema;
  if ($schema !== undefined && !(typeof $schema === 'string' && DRAFT.test($schema))) {
    return `$schema is ${JSON.stringify($schema)?.slice(0, 100)}; write schemas of draft 2020-12`;
  }
  // ajv would answer with promises.
  if (Object.hasOwn(schema, '$async')) return '$async is no keyword of JSON Schema';
  return undefined;
}

function isDeeper(value: JsonValue, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((inner) => isDeeper(inner, depth - 1));
}

const requireFromHere = createRequire(import.meta.url);

/** Loaded with the first schema: 13 MB that an orchestrator without workflows can do without. */
function createAjv(options: Options): Ajv2020 {
  const library = requireFromHere('ajv/dist/2020.js') as typeof import('ajv/dist/2020.js');
  return new library.Ajv2020(options);
}

/** I2, I3. */
function compileApart(schema: JsonObject, allErrors: boolean): ValidateFunction {
  const ajv = createAjv({
    ...COMMON,
    allErrors,
    meta: false,
    validateSchema: false,
    // Copies of what is referred to could double with each reference.
    inlineRefs: false,
    // `required: [toString]` is not met by what every object inherits.
    ownProperties: true,
    code: { regExp: Object.assign(linearPattern, { code: 'linearPattern' }) },
  });
  return ajv.compile(schema);
}

function linearPattern(pattern: string) {
  const regex = RE2JS.compile(pattern);
  return { test: (text: string) => regex.test(text), toString: () => `re2/${pattern}/` };
}

const context: { work: () => unknown } = { work: () => undefined };
const callWork = new Script('work()');
let sandbox: Context | undefined;

/** I1. The limit is one of the clock, each twice as long as the one before while the processor was elsewhere. */
function within<T>(limitMs: number, work: () => T): T {
  for (let tries = 1; ; tries += 1) {
    const before = process.threadCpuUsage();
    try {
      return interrupted(limitMs * 2 ** (tries - 1), work);
    } catch (error) {
      const { user, system } = process.threadCpuUsage(before);
      const workedMs = (user + system) / 1_000;
      // What worked nearly as long as it may would not have made it either.
      if (!isTimeout(error) || workedMs >= 0.9 * limitMs || tries >= MAX_TRIES) throw error;
    }
  }
}

/** The only way to interrupt work that does not let go of the thread. */
function interrupted<T>(timeoutMs: number, work: () => T): T {
  context.work = work;
  sandbox ??= createContext(context);
  return callWork.runInContext(sandbox, { timeout: timeoutMs }) as T;
}

function isTimeout(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function violation(error: ErrorObject, root: JsonValue, field: string): FieldViolation {
  const { instancePath, params } = error;
  const missing = error.keyword === 'required' ? String(params.missingProperty) : undefined;
  const unknown = params.additionalProperty ?? params.unevaluatedProperty;
  const extra = typeof unknown === 'string' ? unknown : undefined;
  const tokens = instancePath
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  const place = missing ?? extra;
  const path = pathOf(field, root, place === undefined ? tokens : [...tokens, place]);
  return { field: path, description: `${path} ${wordsOf(error, missing, extra)}` };
}

function wordsOf(error: ErrorObject, missing: string | undefined, extra: string | undefined): string {
  if (missing !== undefined) return 'is missing: the schema asks for it';
  if (extra !== undefined) return 'is unknown: the schema has no such property';
  const { params } = error;
  if (error.keyword === 'enum') return `must be one of ${JSON.stringify(params.allowedValues)}`;
  if (error.keyword === 'const') return `must be ${JSON.stringify(params.allowedValue)}`;
  return error.message ?? `breaks ${error.schemaPath}`;
}

function pathOf(field: string, root: JsonValue, tokens: readonly string[]): string {
  let path = field;
  let at: JsonValue | undefined = root;
  for (const token of tokens) {
    const inList: boolean = Array.isArray(at);
    if (inList) path += `[${token}]`;
    else path += /^[A-Za-z_][A-Za-z0-9_]*$/.test(token) ? `.${token}` : `[${JSON.stringify(token)}]`;
    at = typeof at === 'object' && at !== null ? (at as JsonObject)[token] : undefined;
  }
  return path;
}
