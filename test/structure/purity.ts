// Does the core read a clock, draw a random number, wait or open anything?
//
// STYLE habit 4 and DESIGN section 3: the engine and all below it are functions of what goes in, so that
// they run the same under simulation with a virtual clock.

import type { ESTree } from 'vite';
import { isTest, lineAt, memberName, type SourceFile, type Violation, visit } from './source-file.ts';

const pureFolders = ['domain', 'expressions', 'scheduling', 'engine', 'wire'].map(
  (layer) => `services/orchestrator/src/${layer}/`,
);

const impureMembers = new Set(['Date.now', 'Math.random', 'performance.now', 'performance.timeOrigin']);

const impureNames = new Set([
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'fetch',
  'process',
  'crypto',
  'console',
]);

export function findImpurities(file: SourceFile): readonly Violation[] {
  if (!pureFolders.some((folder) => file.path.startsWith(folder)) || isTest(file)) return [];
  const found: Violation[] = [];
  const report = (node: { start: number }, what: string): void => {
    const message = `${what} does not belong into the pure core: let it come in as an argument`;
    found.push({ path: file.path, line: lineAt(file.text, node.start), message });
  };
  const reportName = (node: ESTree.Expression | ESTree.Super): void => {
    if (node.type === 'Identifier' && impureNames.has(node.name)) report(node, node.name);
  };
  visit(file, {
    MemberExpression(node) {
      const name = memberName(node);
      if (name !== undefined && impureMembers.has(name)) report(node, name);
      reportName(node.object);
    },
    NewExpression(node) {
      if (node.callee.type === 'Identifier' && node.callee.name === 'Date' && node.arguments.length === 0) {
        report(node, 'new Date()');
      }
    },
    CallExpression(node) {
      reportName(node.callee);
      if (node.callee.type === 'Identifier' && node.callee.name === 'Date') report(node, 'Date()');
    },
    AwaitExpression(node) {
      report(node, 'await');
    },
  });
  return found;
}
