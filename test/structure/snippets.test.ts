// Is what the documentation shows accepted as it stands? Every YAML block that holds tasks.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { parseRunSpec } from '../../clients/cli/src/spec/spec-file.ts';
import { createInputSchemas } from '../../services/orchestrator/src/api/input-schema.ts';
import { createSchemaChecker } from '../../services/orchestrator/src/api/schema-checker.ts';
import { toGraph } from '../../services/orchestrator/src/api/services/graph-of-spec.ts';
import { createExpressionCompiler } from '../../services/orchestrator/src/expressions/compiler.ts';
import { listFiles } from './source-file.ts';

const languages = {
  expressions: createExpressionCompiler(),
  schemas: createSchemaChecker(createInputSchemas()),
};

interface Snippet {
  readonly place: string;
  readonly text: string;
  /** False: tasks alone, of a run that the page does not show whole. */
  readonly whole: boolean;
}

const snippets = listFiles()
  .filter((path) => /^(docs\/.*|README)\.md$/.test(path))
  .flatMap((path) => snippetsIn(path, readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')));

function snippetsIn(path: string, text: string): readonly Snippet[] {
  const found: Snippet[] = [];
  for (const block of text.matchAll(/^```yaml\n([\s\S]*?)^```/gm)) {
    if (block[1]?.includes('…')) continue; // It leaves something out.
    const place = `${path}:${text.slice(0, block.index).split('\n').length}`;
    const content: unknown = parseDocument(block[1] ?? '').toJS();
    if (isObject(content) && Array.isArray(content.tasks)) {
      found.push({ place, text: JSON.stringify(content), whole: true });
    } else if (Array.isArray(content) && content.every((one) => isObject(one) && 'key' in one)) {
      found.push({ place, text: JSON.stringify({ tasks: content }), whole: false });
    }
  }
  return found;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

describe('what the documentation shows', () => {
  test('is found', () => {
    expect(snippets.length).toBeGreaterThan(10);
  });

  test.each(snippets)('$place', ({ place, text, whole }) => {
    const spec = parseRunSpec(text, place);
    const graph = whole ? toGraph(spec, languages, 'run.spec') : undefined;

    if (graph !== undefined && !graph.ok) throw new Error(graph.rejection.message);
    expect(spec.tasks.length).toBeGreaterThan(0);
  });
});
