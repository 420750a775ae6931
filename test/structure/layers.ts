// Which way may imports point?
//
// domain <- scheduling <- engine <- wire <- runtime <- store | nats | api | telemetry <- main
// (DESIGN section 4). Adapters never import each other. `expressions` knows the domain alone, whose port it
// fills, and is known to main alone, which hands it in. `store/port.ts` is a layer of its own between
// engine and wire: the runtime drives it, the adapters fill it, wire translates its rows. Executors and SDKs know the orchestrator only by its contract.

import { type Import, importsOf, isTest, type SourceFile, type Violation } from './source-file.ts';

const orchestrator = 'services/orchestrator/src/';

type Layer =
  | 'domain'
  | 'expressions'
  | 'scheduling'
  | 'engine'
  | 'port'
  | 'wire'
  | 'runtime'
  | 'store'
  | 'nats'
  | 'api'
  | 'telemetry'
  | 'main';

const inward: readonly Layer[] = ['domain', 'scheduling', 'engine', 'port', 'wire', 'runtime'];
const adapters: readonly Layer[] = ['store', 'nats', 'api', 'telemetry'];
const expressions: Layer = 'expressions';

/** What layers may import besides files: the pure ones nothing, or the contract alone. */
const packagesAllowed: Partial<Record<Layer, RegExp>> = {
  domain: /^$/,
  scheduling: /^$/,
  engine: /^$/,
  expressions: /^@bufbuild\/(cel|re2|protobuf)(\/|$)/,
  port: /^$/,
  // Of protovalidate the descriptors of its rules alone: what a proto says is wire's to read.
  wire: /^@tutti\/proto\/|^@bufbuild\/protobuf(\/|$)|^@bufbuild\/protovalidate\/gen\//,
};

/** A file directly in src/ composes the others. An unknown folder is a layer nobody decided on. */
export function layerOf(path: string): Layer | undefined {
  const inside = path.slice(orchestrator.length);
  if (/^store\/port(-[a-z-]+)?\.ts$/.test(inside)) return 'port';
  const folder = inside.split('/')[0] ?? '';
  if (!inside.includes('/')) return 'main';
  return [...inward, ...adapters, expressions].find((layer) => layer === folder);
}

function mayImport(from: Layer, to: Layer): boolean {
  if (from === to || from === 'main') return true;
  if (from === expressions) return to === 'domain';
  const target = inward.indexOf(to);
  if (target === -1) return false;
  const source = inward.indexOf(from);
  return source === -1 || target < source;
}

/** Why an orchestrator file may not have this import; undefined when it may. */
function refuse(layer: Layer, entry: Import, test: boolean): string | undefined {
  if (entry.path === undefined) {
    if (test) return undefined;
    const allowed = packagesAllowed[layer];
    return allowed === undefined || allowed.test(entry.specifier)
      ? undefined
      : `${layer} may not import ${entry.specifier}`;
  }
  if (!entry.path.startsWith(orchestrator)) return `${layer} may not import ${entry.path}`;
  const target = layerOf(entry.path);
  if (target === undefined) return `${entry.path} is in no known layer`;
  return mayImport(layer, target) ? undefined : `${layer} may not import ${target} (${entry.path})`;
}

export function findLayerViolations(file: SourceFile): readonly Violation[] {
  if (!file.path.startsWith(orchestrator)) return [];
  const layer = layerOf(file.path);
  if (layer === undefined) {
    return [{ path: file.path, line: 1, message: 'is in no layer of DESIGN section 4' }];
  }
  const test = isTest(file);
  // Tests of other layers may reach for whatever they need; the domain's own need nothing else.
  if (test && layer !== 'domain') return [];
  return importsOf(file).flatMap((entry) => {
    const message = refuse(layer, entry, test);
    return message === undefined ? [] : [{ path: file.path, line: entry.line, message }];
  });
}

/** Folders that must work without the orchestrator's sources: they are installed elsewhere. */
const apart = ['services/executor/', 'clients/typescript/', 'proto/'];

export function findForeignImports(file: SourceFile): readonly Violation[] {
  const home = apart.find((folder) => file.path.startsWith(folder));
  if (home === undefined || isTest(file)) return [];
  return importsOf(file)
    .filter((entry) => entry.path !== undefined && !entry.path.startsWith(home))
    .map((entry) => ({
      path: file.path,
      line: entry.line,
      message: `reaches outside ${home}: ${entry.path}`,
    }));
}

/** Programs must not depend on what only tests have. `test` files are told by the caller. */
export function findTestImports(file: SourceFile, testPaths: ReadonlySet<string>): readonly Violation[] {
  if (testPaths.has(file.path)) return [];
  return importsOf(file)
    .filter((entry) => entry.path !== undefined && testPaths.has(entry.path))
    .map((entry) => ({ path: file.path, line: entry.line, message: `imports test code: ${entry.path}` }));
}
