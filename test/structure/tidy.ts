// Is every file of a readable size, and free of what belongs to one machine only?

import type { ESTree } from 'vite';
import { isTest, lineAt, type SourceFile, type Violation, visit } from './source-file.ts';

export const fileLinesLimit = 400;
export const testFileLinesLimit = 600;
export const functionLinesLimit = 70;
/** A function that is one switch is a table over a union, which STYLE habit 3 asks for. */
export const switchLinesLimit = 2 * functionLinesLimit;

export function findLongFile(file: SourceFile): readonly Violation[] {
  const lines = file.text.split('\n').length - 1;
  const limit = isTest(file) ? testFileLinesLimit : fileLinesLimit;
  if (lines <= limit) return [];
  return [
    { path: file.path, line: limit + 1, message: `has ${lines} lines; the limit is ${limit}: split it` },
  ];
}

type FunctionNode = ESTree.Function | ESTree.ArrowFunctionExpression;

function linesLimit(node: FunctionNode): number {
  const statements = node.body?.type === 'BlockStatement' ? node.body.body : [];
  const last = statements.at(-1);
  return last?.type === 'SwitchStatement' && statements.length <= 2 ? switchLinesLimit : functionLinesLimit;
}

interface OpenFunction {
  readonly start: number;
  nestedLines: number;
}

/** Lines of a function without those of the functions in it: a factory is as long as its own part. */
export function findLongFunctions(file: SourceFile): readonly Violation[] {
  // The functions of a test file are its chapters.
  if (isTest(file)) return [];
  const found: Violation[] = [];
  const open: OpenFunction[] = [];
  const enter = (node: FunctionNode): void => {
    open.push({ start: node.start, nestedLines: 0 });
  };
  const leave = (node: FunctionNode): void => {
    const current = open.pop();
    if (current === undefined) throw new Error('left a function that was never entered');
    const line = lineAt(file.text, node.start);
    const lines = lineAt(file.text, node.end) - line + 1;
    const own = lines - current.nestedLines;
    const outer = open.at(-1);
    if (outer !== undefined) outer.nestedLines += lines;
    const limit = linesLimit(node);
    if (own > limit) {
      const message = `function of ${own} lines of its own; the limit is ${limit}`;
      found.push({ path: file.path, line, message });
    }
  };
  visit(file, {
    FunctionDeclaration: enter,
    'FunctionDeclaration:exit': leave,
    FunctionExpression: enter,
    'FunctionExpression:exit': leave,
    ArrowFunctionExpression: enter,
    'ArrowFunctionExpression:exit': leave,
  });
  return found;
}

/** Written so that this file does not hold what it looks for. */
const machinePaths =
  /\/(?:work\/(?:main|shared|\.)|tmp\/[a-z]+bin\b|Users\/[a-z]+|home\/(?!tutti\b|nonroot\b)[a-z]+|root\/)/;

export function findMachinePaths(file: SourceFile): readonly Violation[] {
  return file.text.split('\n').flatMap((text, index) => {
    const match = machinePaths.exec(text);
    if (match === null) return [];
    return [{ path: file.path, line: index + 1, message: `names a path of one machine: ${match[0]}` }];
  });
}

/** A lock file with addresses installs only where that registry can be reached. */
export function findRegistryHosts(file: SourceFile): readonly Violation[] {
  if (!/(^|\/)(package-lock\.json|\.npmrc)$/.test(file.path)) return [];
  return file.text.split('\n').flatMap((text, index) => {
    if (!/"resolved":\s*"(?:https?|git)|registry\s*=/.test(text)) return [];
    return [
      { path: file.path, line: index + 1, message: 'names a registry; set omit-lockfile-registry-resolved' },
    ];
  });
}

interface LockEntry {
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/**
 * Optional dependencies without an entry: `npm ci` refuses such a lock file. npm leaves entries out when
 * its registry lacks the packages of other platforms.
 */
export function findMissingLockEntries(file: SourceFile): readonly Violation[] {
  const { packages } = JSON.parse(file.text) as { readonly packages: Readonly<Record<string, LockEntry>> };
  return Object.entries(packages).flatMap(([from, entry]) =>
    Object.keys(entry.optionalDependencies ?? {})
      .filter((name) => !isLocked(packages, from, name))
      .map((name) => ({ path: file.path, line: 1, message: `${from} wants ${name}, which has no entry` })),
  );
}

/** As Node looks for a package: beside the one that wants it, then ever further out. */
function isLocked(packages: Readonly<Record<string, LockEntry>>, from: string, name: string): boolean {
  const folders = from.split('/node_modules/');
  return (
    folders.some((_, index) => {
      const folder = folders.slice(0, folders.length - index).join('/node_modules/');
      return packages[`${folder}/node_modules/${name}`] !== undefined;
    }) || packages[`node_modules/${name}`] !== undefined
  );
}
