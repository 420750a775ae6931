// What does the repository hold, and what does a source file import and say?
//
// Files are parsed with the parser inside vite (which vitest brings anyway), not searched with patterns:
// the rules are about imports and expressions, and must not trip over comments and strings.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { type ESTree, parseSync, Visitor, type VisitorObject } from 'vite';

export interface SourceFile {
  /** Relative to the repository, with `/`. */
  readonly path: string;
  readonly text: string;
}

export interface Violation {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

export interface Import {
  /** As written. */
  readonly specifier: string;
  /** The file meant, relative to the repository; undefined for packages and built-in modules. */
  readonly path: string | undefined;
  readonly line: number;
}

const root = join(import.meta.dirname, '..', '..');

/** What is committed, or would be with `git add`: nothing that is ignored. */
export function listFiles(): readonly string[] {
  const output = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return output.split('\0').filter((path) => path !== '' && existsSync(join(root, path)));
}

export function readFile(path: string): SourceFile {
  return { path, text: readFileSync(join(root, path), 'utf8') };
}

export function isHandWritten(path: string): boolean {
  return !path.startsWith('proto/gen/') && /\.(ts|mts|mjs|js)$/.test(path);
}

/** Tests, and what only tests import: recognised by their names, or by importing the test runner. */
export function isTest(file: SourceFile): boolean {
  if (
    file.path.startsWith('test/') ||
    /[.-](test|fixture)\.ts$|\/testing\/|\/test-support\.ts$/.test(file.path)
  )
    return true;
  return importsOf(file).some((entry) => entry.specifier === 'vitest');
}

export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}

/** Every rule asks for the same trees. */
const parsed = new WeakMap<SourceFile, ReturnType<typeof parseSync>>();

function parse(file: SourceFile): ReturnType<typeof parseSync> {
  const known = parsed.get(file);
  if (known !== undefined) return known;
  const result = parseSync(file.path, file.text);
  const error = result.errors[0];
  if (error !== undefined) throw new Error(`${file.path}: ${error.message}`);
  parsed.set(file, result);
  return result;
}

/** Every import, re-export and `import()` with a literal name; type imports count as well. */
export function importsOf(file: SourceFile): readonly Import[] {
  const { module } = parse(file);
  const requests: { readonly value: string; readonly start: number }[] = [];
  for (const entry of module.staticImports) requests.push(entry.moduleRequest);
  for (const statement of module.staticExports) {
    const request = statement.entries[0]?.moduleRequest;
    if (request) requests.push(request);
  }
  for (const entry of module.dynamicImports) {
    const { start, end } = entry.moduleRequest;
    requests.push({ value: file.text.slice(start + 1, end - 1), start });
  }
  return requests.map(({ value, start }) => ({
    specifier: value,
    path: value.startsWith('.') ? posix.join(posix.dirname(file.path), value) : undefined,
    line: lineAt(file.text, start),
  }));
}

export function visit(file: SourceFile, visitor: VisitorObject): void {
  new Visitor(visitor).visit(parse(file).program);
}

/** `a.b` for a member of a plain name; undefined for anything else. */
export function memberName(node: ESTree.MemberExpression): string | undefined {
  if (node.computed || node.object.type !== 'Identifier' || node.property.type !== 'Identifier') {
    return undefined;
  }
  return `${node.object.name}.${node.property.name}`;
}

export function show(violations: readonly Violation[]): readonly string[] {
  return violations.map(({ path, line, message }) => `${path}:${line} ${message}`);
}
