// BEHAVIOURS A.8: the order and the graph itself, as Mermaid, DOT and JSON, with states. The golden of
// Mermaid is also what docs/graph.md shows.

import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { PLAIN_EDGE, PLAIN_FLOW } from '../../domain/spec.ts';
import { toDot } from './dot.ts';
import { createRunGraph } from './graph.ts';
import { RUN, sampleTasks, standing } from './graph-fixture.ts';
import { toGraphJson } from './json.ts';
import { toMermaid } from './mermaid.ts';
import { topologicalOrder } from './order.ts';

const sample = createRunGraph(RUN, sampleTasks());

describe('goldens: each kind of box, edge, join and reason', () => {
  test('Mermaid', async () => {
    await expect(toMermaid(sample)).toMatchFileSnapshot('./goldens/sample.mmd');
  });

  test('DOT', async () => {
    await expect(toDot(sample)).toMatchFileSnapshot('./goldens/sample.dot');
  });

  test('JSON', async () => {
    const golden = await readFile(new URL('./goldens/sample.json', import.meta.url), 'utf8');
    expect(JSON.parse(toGraphJson(sample))).toEqual(JSON.parse(golden));
  });
});

test('docs/graph.md shows the golden', async () => {
  const page = await readFile(new URL('../../../../../docs/graph.md', import.meta.url), 'utf8');
  expect(page).toContain(`\`\`\`mermaid\n${toMermaid(sample)}\`\`\`\n`);
});

test('A.8: what is no work of an executor, loops and items are told; parts of a task are no nodes', () => {
  const foreach = {
    items: [],
    itemsExpression: 'input',
    maxParallel: 0,
    toleratedFailures: 0,
    toleratedShare: 0,
    siblings: 'CONTINUE',
  } as const;
  const sendBack = [{ to: 'each', when: 'true', reason: '', maxIterations: 3 }];
  const graph = createRunGraph(RUN, [
    standing('each', { flow: { ...PLAIN_FLOW, foreach } }, { state: 'RUNNING' }),
    standing('each#0', { parent: 'each' }, { state: 'COMPLETED' }),
    standing('each#1', { parent: 'each' }, { state: 'FAILED' }),
    standing('each@2#1', { parent: 'each' }, { state: 'READY' }),
    standing('judge', {
      capability: '',
      work: { type: 'SIGNAL', name: 'ok' },
      flow: { ...PLAIN_FLOW, sendBack },
      dependencies: [{ key: 'each', condition: 'SUCCESS', ...PLAIN_EDGE }],
    }),
    standing('judge#check1.0', { parent: 'judge' }),
    standing('each#0#undo', { capability: 'undo' }),
  ]);

  expect(graph.nodes.map(({ key, work }) => `${key}: ${work}`)).toEqual([
    'each: echo',
    'judge: signal ok',
    'each#0#undo: undo',
  ]);
  expect(JSON.parse(toGraphJson(graph))).toMatchObject({
    nodes: [{ items: { COMPLETED: 1, READY: 1 } }, {}, {}],
    sendBacks: [{ from: 'judge', to: 'each' }],
  });
  expect(toMermaid(graph)).toContain('n1 -.->|"sends back"| n0');
  expect(toMermaid(graph)).toContain('for each: 1 COMPLETED, 1 READY');
  expect(toDot(graph)).toContain('n1 -> n0 [style=dotted, constraint=false, label="sends back"]');
});

test('two equal dependencies are one edge, and count once', () => {
  expect(sample.edges.filter(({ to }) => to === 4)).toHaveLength(2);
  expect(sample.nodes[4]?.join).toEqual({ mode: 'ANY', count: 1, edgeCount: 2 });
});

test('a parent orders nothing (A.1): a child may stand before it', () => {
  const { order } = createRunGraph(RUN, [standing('child', { parent: 'box' }), standing('box')]);
  expect(order).toEqual([0, 1]);
});

test('order: of tasks that become free together, the one submitted first', () => {
  const edges = [
    { from: 3, to: 0 },
    { from: 3, to: 1 },
  ];
  expect(topologicalOrder(4, edges)).toEqual([2, 3, 0, 1]);
});

test('a circle has no order', () => {
  const circle = [
    { from: 0, to: 1 },
    { from: 1, to: 0 },
  ];
  expect(topologicalOrder(3, circle)).toEqual([2]);
  const tasks = [
    standing('a', { dependencies: [{ key: 'b', condition: 'SUCCESS', ...PLAIN_EDGE }] }),
    standing('b', { dependencies: [{ key: 'a', condition: 'SUCCESS', ...PLAIN_EDGE }] }),
  ];
  expect(() => createRunGraph(RUN, tasks)).toThrow('goes in a circle');
});

test('what cannot have been stored is a defect, and says so', () => {
  expect(() => createRunGraph(RUN, [standing('a', { parent: 'gone' })])).toThrow('no task "gone"');
});

test('the longest chain, in the deepest nest, is drawn without a deep stack and without a flood of spaces', () => {
  const keyOf = (index: number) => `t${index}`;
  const tasks = Array.from({ length: 5_000 }, (_, index) =>
    standing(keyOf(index), {
      parent: index === 0 ? '' : keyOf(index - 1),
      dependencies: index === 0 ? [] : [{ key: keyOf(index - 1), condition: 'SUCCESS', ...PLAIN_EDGE }],
    }),
  );
  const graph = createRunGraph(RUN, tasks);
  for (const text of [toMermaid(graph), toDot(graph), toGraphJson(graph)]) {
    expect(text.length).toBeLessThan(1_500_000);
  }
});
