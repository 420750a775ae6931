// Any graph, any name: the text can be read back, and says what the graph says. DOT and the front matter
// of Mermaid are read by parsers of others; a flowchart by a grammar of what may stand on a line, as
// Mermaid's own parser comes only with all of its renderers.

import {
  type AttributeASTNode,
  type AttributeListASTNode,
  type ClusterStatementASTNode,
  type EdgeASTNode,
  type GraphASTNode,
  type NodeASTNode,
  parse,
  type SubgraphASTNode,
} from '@ts-graphviz/ast';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { toDot } from './dot.ts';
import { createRunGraph, type RunGraph } from './graph.ts';
import { anyGraph, nameText, RUN, standing } from './graph-fixture.ts';
import { toGraphJson } from './json.ts';
import { linesOf, titleOf } from './look.ts';
import { toMermaid } from './mermaid.ts';

test('A.8: the order holds every task once, each after all that it depends on', () => {
  fc.assert(
    fc.property(anyGraph, ({ nodes, edges, order }) => {
      expect(order.toSorted((a, b) => a - b)).toEqual([...nodes.keys()]);
      const places = new Map(order.map((node, place) => [node, place]));
      for (const { from, to } of edges) expect(places.get(from)).toBeLessThan(places.get(to) ?? -1);
    }),
  );
});

test('JSON says all of it, by keys', () => {
  fc.assert(
    fc.property(anyGraph, (graph) => {
      const told = JSON.parse(toGraphJson(graph));
      const keyOf = (index: number) => graph.nodes[index]?.key;
      expect(told.run.name).toBe(graph.run.name);
      expect(told.nodes.map((node: { key: string }) => node.key)).toEqual(graph.nodes.map(({ key }) => key));
      expect(told.nodes.map((node: { state: string }) => node.state)).toEqual(
        graph.nodes.map(({ state }) => state),
      );
      expect(told.edges).toEqual(
        graph.edges.map(({ from, to, condition }) => ({ from: keyOf(from), to: keyOf(to), condition })),
      );
      expect(told.order).toEqual(graph.order.map(keyOf));
    }),
  );
});

test('DOT parses, and has the tasks in their boxes, the edges and the texts', () => {
  fc.assert(
    fc.property(anyGraph, (graph) => {
      const read = readDot(toDot(graph));
      expect(read.title).toBe(printable(titleOf(graph.run)));
      const nodes = graph.nodes.map((node, index) => ({
        id: `n${index}`,
        // A parent stands in its own box.
        box: boxOf(graph, index),
        label: linesOf(node).join('\n'),
      }));
      expect(read.nodes.toSorted(byId)).toEqual(nodes.toSorted(byId));
      expect(read.edges).toEqual(graph.edges.map(({ from, to }) => `n${from} n${to}`));
    }),
  );
});

test('Mermaid: every line is one of those that a flowchart may have; tasks, boxes and edges are all there', () => {
  fc.assert(
    fc.property(anyGraph, (graph) => {
      const read = readMermaid(toMermaid(graph));
      expect(read.title).toBe(titleOf(graph.run).toWellFormed());
      expect(read.nodes).toEqual(
        new Map(graph.nodes.map((node, index) => [`n${index}`, linesOf(node).join('\n')])),
      );
      expect(read.boxes).toEqual(
        new Map(graph.nodes.map((_, index) => [`n${index}`, boxOf(graph, index) ?? ''])),
      );
      expect(read.edges).toEqual(graph.edges.map(({ from, to }) => `n${from} n${to}`));
    }),
  );
});

test('a name is text, never syntax: all but the title is the same whatever the name', () => {
  const tasks = [standing('a')];
  const rest = (text: string) => text.split('\n').toSpliced(1, 1);
  const plain = createRunGraph(RUN, tasks);
  fc.assert(
    fc.property(nameText, (name) => {
      const graph = createRunGraph({ ...RUN, name }, tasks);
      expect(rest(toMermaid(graph))).toEqual(rest(toMermaid(plain)));
      expect(rest(toDot(graph))).toEqual(rest(toDot(plain)));
      // No directive, no tag, and nothing that a terminal obeys.
      expect(toMermaid(graph).split('\n')[1]).not.toMatch(/[%<>{}`\p{C}]/u);
      expect(toDot(graph).split('\n')[1]).not.toMatch(/\p{C}/u);
    }),
  );
});

interface ReadNode {
  readonly id: string;
  readonly box: string | undefined;
  readonly label: string;
}

const byId = (a: ReadNode, b: ReadNode): number => Number(a.id.slice(1)) - Number(b.id.slice(1));

/** Named by the task whose box it is. */
function boxOf({ nodes }: RunGraph, index: number): string | undefined {
  const isParent = nodes.some(({ parent }) => parent === index);
  const around = isParent ? index : nodes[index]?.parent;
  return around === undefined ? undefined : String(around);
}

function printable(line: string): string {
  return line.replaceAll(/\p{C}|\p{Zl}|\p{Zp}/gu, ' ');
}

function readDot(text: string) {
  const graph = parse(text).children.find((part): part is GraphASTNode => part.type === 'Graph');
  if (graph === undefined) throw new Error('no graph');
  const nodes: ReadNode[] = [];
  const edges: string[] = [];
  let title = '';
  const walk = (parts: readonly ClusterStatementASTNode[], box: string | undefined): void => {
    for (const part of parts) {
      if (part.type === 'Subgraph' && !isLegend(part)) walk(part.children, boxIdOf(part));
      if (part.type === 'Node') nodes.push({ id: part.id.value, box, label: labelOf(part) });
      if (part.type === 'Edge')
        edges.push(part.targets.map((end) => ('id' in end ? end.id.value : '')).join(' '));
      if (part.type === 'AttributeList' && part.kind === 'Graph' && box === undefined) title = labelOf(part);
    }
  };
  walk(graph.children as readonly ClusterStatementASTNode[], undefined);
  return { nodes, edges, title };
}

function isLegend({ id }: SubgraphASTNode): boolean {
  return id?.value === 'cluster_legend';
}

function boxIdOf({ id }: SubgraphASTNode): string | undefined {
  return id?.value.replace('cluster_', '');
}

/** As Graphviz shows it: the parser leaves every escape but that of quotes. */
function labelOf(part: NodeASTNode | EdgeASTNode | AttributeListASTNode): string {
  const label = part.children.find(
    (child): child is AttributeASTNode => child.type === 'Attribute' && child.key.value === 'label',
  );
  return (label?.value.value ?? '')
    .replaceAll(/\\(.)/g, (_, sign: string) => (sign === 'n' ? '\n' : sign))
    .replaceAll('&amp;', '&');
}

const quoted = String.raw`"((?:[A-Za-z0-9 _.,:()/-]|#\d+;|<br/>)*)"`;
const flowchartLines = {
  open: new RegExp(String.raw`^ +subgraph (g\d+|legend)\[${quoted}\]$`),
  close: /^ +end$/,
  node: new RegExp(String.raw`^ +(n\d+|s[A-Z]+|upstream|dependant)\[${quoted}\](:::is[A-Z]+)?$`),
  edge: /^ +(n\d+|upstream) (?:-->|-\.->|==>)(?:\|"[a-z]+"\|)? (n\d+|dependant)$/,
  style:
    /^ +classDef is[A-Z]+ fill:#[0-9a-f]{6},stroke:#[0-9a-f]{6},color:#[0-9a-f]{6}(,stroke-dasharray:4 3)?$/,
};

function readMermaid(text: string) {
  const [start, title = '', end, head, ...lines] = text.trimEnd().split('\n');
  expect([start, end, head]).toEqual(['---', '---', 'flowchart TD']);
  const nodes = new Map<string, string>();
  const boxes = new Map<string, string>();
  const edges: string[] = [];
  const open: string[] = [];
  for (const line of lines) {
    const opened = flowchartLines.open.exec(line);
    const node = flowchartLines.node.exec(line);
    const edge = flowchartLines.edge.exec(line);
    if (opened) open.push(opened[1] ?? '');
    else if (flowchartLines.close.test(line)) expect(open.pop()).toBeDefined();
    else if (edge) edges.push(`${edge[1]} ${edge[2]}`);
    else if (node?.[1]?.startsWith('n')) {
      nodes.set(node[1], shown(node[2] ?? ''));
      boxes.set(node[1], open.at(-1)?.slice(1) ?? '');
    } else if (!node) expect(line).toMatch(flowchartLines.style);
  }
  expect(open).toEqual([]);
  const tasks = edges.filter((edge) => edge !== 'upstream dependant');
  return { title: parseYaml(title).title as string, nodes, boxes, edges: tasks };
}

/** As Mermaid shows it. */
function shown(label: string): string {
  return label
    .replaceAll('<br/>', '\n')
    .replaceAll(/#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
}
