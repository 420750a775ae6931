// Does the repository keep its own rules of structure? (DESIGN section 4, STYLE habits 1, 2 and 4)
//
// Each rule is first shown to find what it is for, in a planted file, and then held against the
// repository.

import { describe, expect, test } from 'vitest';
import { findDeadPaths } from './documents.ts';
import { findForeignImports, findLayerViolations, findTestImports } from './layers.ts';
import { findImpurities } from './purity.ts';
import {
  isHandWritten,
  isTest,
  listFiles,
  readFile,
  type SourceFile,
  show,
  type Violation,
} from './source-file.ts';
import {
  fileLinesLimit,
  findLongFile,
  findLongFunctions,
  findMachinePaths,
  findMissingLockEntries,
  findRegistryHosts,
  functionLinesLimit,
} from './tidy.ts';

const paths = listFiles();
const sources = paths.filter(isHandWritten).map(readFile);
const texts = paths
  .filter((path) => /\.(ts|mjs|js|json|md|yaml|yml|proto|sh)$|^\.ci\//.test(path))
  .map((path) => sources.find((source) => source.path === path) ?? readFile(path));

function check(
  files: readonly SourceFile[],
  rule: (file: SourceFile) => readonly Violation[],
): readonly string[] {
  return show(files.flatMap((file) => rule(file)));
}

function orchestrator(path: string, text: string): SourceFile {
  return { path: `services/orchestrator/src/${path}`, text };
}

test('the rules see the sources', () => {
  expect(sources.some((file) => file.path.startsWith('services/orchestrator/src/domain/'))).toBe(true);
  expect(sources.some((file) => file.path.startsWith('proto/gen/'))).toBe(false);
});

describe('imports point one way', () => {
  const refused: readonly (readonly [string, string])[] = [
    ['domain/run.ts', `import { x } from '../engine/x.ts';`],
    ['domain/run.ts', `import type { X } from '../scheduling/x.ts';`],
    ['domain/run.ts', `import { join } from 'node:path';`],
    ['domain/run.ts', `import { create } from '@bufbuild/protobuf';`],
    ['domain/run.test.ts', `import { x } from '../engine/x.ts';`],
    ['scheduling/queue.ts', `export { x } from '../engine/x.ts';`],
    ['scheduling/queue.ts', `export * from '../runtime/x.ts';`],
    ['engine/engine.ts', `const x = await import('../runtime/x.ts');`],
    ['engine/engine.ts', `import { x } from '../wire/x.ts';`],
    ['engine/engine.ts', `import { readFile } from 'node:fs/promises';`],
    ['wire/run.ts', `import { x } from '../runtime/x.ts';`],
    ['wire/run.ts', `import { connect } from '@nats-io/transport-node';`],
    ['runtime/loop.ts', `import { x } from '../store/sqlite/x.ts';`],
    ['store/port.ts', `import { x } from './sqlite/x.ts';`],
    ['store/port.ts', `import type { X } from '../wire/x.ts';`],
    ['engine/engine.ts', `import type { X } from '../store/port.ts';`],
    ['nats/gateway.ts', `import { x } from '../telemetry/x.ts';`],
    ['api/service.ts', `import { x } from '../store/sqlite/x.ts';`],
    ['api/service.ts', `import { x } from '../main.ts';`],
    ['api/service.ts', `import { x } from '../../../../clients/typescript/src/index.ts';`],
    ['expressions/tree.ts', `import { x } from '../engine/x.ts';`],
    ['expressions/tree.ts', `import { readFile } from 'node:fs/promises';`],
    ['runtime/loop.ts', `import { x } from '../expressions/x.ts';`],
    ['domain/run.ts', `import { x } from '../expressions/x.ts';`],
    ['helpers/x.ts', ''],
  ];
  test.each(refused)('%s may not say: %s', (path, text) => {
    expect(findLayerViolations(orchestrator(path, text))).toHaveLength(1);
  });

  const allowed: readonly (readonly [string, string])[] = [
    ['domain/run.ts', `import { x } from './x.ts';`],
    ['domain/run.test.ts', `import { expect } from 'vitest';`],
    ['engine/engine.ts', `import { x } from '../domain/x.ts'; import { y } from '../scheduling/y.ts';`],
    ['expressions/tree.ts', `import { parse } from '@bufbuild/cel'; import { x } from '../domain/x.ts';`],
    ['wire/run.ts', `import { create } from '@bufbuild/protobuf'; import { x } from '../engine/x.ts';`],
    ['wire/run.ts', `import type { RunRow } from '../store/port.ts';`],
    ['runtime/loop.ts', `import type { Store } from '../store/port.ts'; import { x } from 'node:timers';`],
    ['store/sqlite/writer.ts', `import { x } from '../../runtime/x.ts'; import { y } from '../port.ts';`],
    ['api/service.test.ts', `import { x } from '../store/memory/x.ts';`],
    ['main.ts', `import { x } from './store/sqlite/x.ts'; import { y } from './nats/y.ts';`],
  ];
  test.each(allowed)('%s may say: %s', (path, text) => {
    expect(findLayerViolations(orchestrator(path, text))).toEqual([]);
  });

  test('in the repository', () => {
    expect(check(sources, findLayerViolations)).toEqual([]);
  });
});

describe('executors and SDKs know the orchestrator only by its contract', () => {
  test('a planted import is found', () => {
    const text = `import { x } from '../../orchestrator/src/domain/x.ts';`;
    expect(findForeignImports({ path: 'services/executor/src/main.ts', text })).toHaveLength(1);
  });

  test('in the repository', () => {
    expect(check(sources, findForeignImports)).toEqual([]);
  });
});

describe('programs do not import test code', () => {
  const suite = orchestrator('store/contract.ts', `import { test } from 'vitest';`);

  test('a planted import is found', () => {
    const program = orchestrator('store/sqlite/store.ts', `import { x } from '../contract.ts';`);
    expect(isTest(suite)).toBe(true);
    expect(findTestImports(program, new Set([suite.path]))).toHaveLength(1);
  });

  test('in the repository', () => {
    const testPaths = new Set(sources.filter(isTest).map((file) => file.path));
    expect(check(sources, (file) => findTestImports(file, testPaths))).toEqual([]);
  });
});

describe('the core reads no clock, draws no random number, waits for nothing', () => {
  const impure = [
    'const a = Date.now();',
    'const a = new Date();',
    'const a = Date();',
    'const a = Math.random();',
    'const a = performance.now();',
    'setTimeout(() => {}, 1);',
    'const a = process.env;',
    'const a = crypto.randomUUID();',
    'await Promise.resolve();',
  ];
  test.each(impure)('refused: %s', (text) => {
    expect(findImpurities(orchestrator('engine/engine.ts', text))).toHaveLength(1);
  });

  test.each(['const a = new Date(0);', 'const a = Math.max(1, 2);', '// Date.now()'])(
    'allowed: %s',
    (text) => {
      expect(findImpurities(orchestrator('engine/engine.ts', text))).toEqual([]);
    },
  );

  test('in the repository', () => {
    expect(check(sources, findImpurities)).toEqual([]);
  });
});

describe('files and functions can be read', () => {
  test('a long file is found', () => {
    const text = 'x;\n'.repeat(fileLinesLimit + 1);
    expect(findLongFile({ path: 'clients/cli/src/long.ts', text })).toHaveLength(1);
    expect(findLongFile({ path: 'clients/cli/src/long.test.ts', text })).toEqual([]);
  });

  test('a long function is found, and a factory is not blamed for what it holds', () => {
    const long = `function f() {\n${'x;\n'.repeat(functionLinesLimit)}}\n`;
    const table = `function f(x) {\nswitch (x) {\n${'case 1:\n'.repeat(functionLinesLimit)}}}\n`;
    const factory = `function g() {\n${`function h() {\n${'x;\n'.repeat(40)}}\n`.repeat(3)}}\n`;
    expect(findLongFunctions({ path: 'clients/cli/src/a.ts', text: long })).toHaveLength(1);
    expect(findLongFunctions({ path: 'clients/cli/src/a.ts', text: factory })).toEqual([]);
    expect(findLongFunctions({ path: 'clients/cli/src/a.ts', text: table })).toEqual([]);
    expect(
      findLongFunctions({
        path: 'clients/cli/src/a.ts',
        text: table.replace('case 1:', 'case 1:\n'.repeat(80)),
      }),
    ).toHaveLength(1);
  });

  test('in the repository: files', () => {
    expect(check(sources, findLongFile)).toEqual([]);
  });

  test('in the repository: functions', () => {
    expect(check(sources, findLongFunctions)).toEqual([]);
  });
});

describe('nothing belongs to one machine', () => {
  test('a planted path and a planted registry are found', () => {
    const folder = ['', 'work', 'main', 'x'].join('/');
    expect(findMachinePaths({ path: 'README.md', text: `see ${folder}` })).toHaveLength(1);
    const lock = '"resolved": "https://registry.example/x.tgz"';
    expect(findRegistryHosts({ path: 'package-lock.json', text: lock })).toHaveLength(1);
  });

  test('in the repository', () => {
    expect(check(texts, findMachinePaths)).toEqual([]);
    expect(check(texts, findRegistryHosts)).toEqual([]);
  });
  test('a lock file that lacks the packages of other platforms is found', () => {
    const lock = {
      packages: { 'node_modules/a': { optionalDependencies: { b: '1', c: '1' } }, 'node_modules/c': {} },
    };
    const text = JSON.stringify(lock);
    expect(show(findMissingLockEntries({ path: 'package-lock.json', text }))).toEqual([
      'package-lock.json:1 node_modules/a wants b, which has no entry',
    ]);
  });

  test('the lock file serves every platform', () => {
    expect(show(findMissingLockEntries(readFile('package-lock.json')))).toEqual([]);
  });
});

describe('the guides point at what exists', () => {
  test('a moved file is found, by name and by link', () => {
    const text = 'see `engine/moved.ts` and [this](./gone.md), not `--flag` or `a.b.{c}`';
    const found = findDeadPaths({ path: 'services/orchestrator/ARCHITECTURE.md', text }, () => false);
    expect(found.map(({ message }) => message)).toEqual([
      'names engine/moved.ts, which does not exist',
      'names ./gone.md, which does not exist',
    ]);
  });

  test('in the repository', () => {
    expect(check(texts, findDeadPaths)).toEqual([]);
  });
});
