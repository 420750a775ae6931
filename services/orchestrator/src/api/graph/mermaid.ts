// How is a graph written as a flowchart of Mermaid?
//
// M1  Names of nodes, boxes and classes are made here; what a client chose stands only inside quotes.
// M2  Inside quotes, everything but letters, digits and a few harmless signs is an escape: nothing can
//     end the quotes, open a tag, or be taken for a directive or a front matter.

import type { DependencyCondition } from '../../domain/spec.ts';
import type { TaskState } from '../../domain/states.ts';
import type { GraphNode, RunGraph } from './graph.ts';
import { walkGroups } from './groups.ts';
import { indented, legendOf, linesOf, STATE_LOOKS, TEXT_COLOUR, titleOf } from './look.ts';

export function toMermaid(graph: RunGraph): string {
  const { states, conditions } = legendOf(graph);
  const lines = ['---', `title: ${yamlText(titleOf(graph.run))}`, '---', 'flowchart TD'];
  for (const { step, node, depth } of walkGroups(graph.nodes)) {
    const task = nodeAt(graph, node);
    if (step === 'open') lines.push(indented(depth + 1, `subgraph g${node}[${text([task.key])}]`));
    if (step === 'node') lines.push(indented(depth + 1, box(`n${node}`, linesOf(task), task.state)));
    if (step === 'close') lines.push(indented(depth + 1, 'end'));
  }
  for (const { from, to, condition } of graph.edges) {
    lines.push(`  n${from} ${arrow(condition)} n${to}`);
  }
  for (const { from, to } of graph.sendBacks) lines.push(`  n${from} -.->|"sends back"| n${to}`);
  lines.push('  subgraph legend["Legend"]');
  for (const state of states) lines.push(`    ${box(`s${state}`, [state], state)}`);
  if (conditions.length > 0) lines.push('    upstream["upstream"]', '    dependant["dependant"]');
  for (const condition of conditions) lines.push(`    upstream ${legendArrow(condition)} dependant`);
  lines.push('  end');
  for (const state of states) lines.push(`  classDef ${classOf(state)} ${styleOf(state)}`);
  return `${lines.join('\n')}\n`;
}

function nodeAt({ nodes }: RunGraph, index: number): GraphNode {
  const node = nodes[index];
  if (node === undefined) throw new Error(`the graph has no node ${index}`);
  return node;
}

function box(id: string, lines: readonly string[], state: TaskState): string {
  return `${id}[${text(lines)}]:::${classOf(state)}`;
}

/** Not the bare name: some words have a meaning in Mermaid. */
function classOf(state: TaskState): string {
  return `is${state}`;
}

function arrow(condition: DependencyCondition): string {
  switch (condition) {
    case 'SUCCESS':
      return '-->';
    case 'FINISHED':
      return '-.->|"finished"|';
    case 'FAILURE':
      return '==>|"failure"|';
  }
}

function legendArrow(condition: DependencyCondition): string {
  return condition === 'SUCCESS' ? '-->|"success"|' : arrow(condition);
}

function styleOf(state: TaskState): string {
  const { fill, line, isDashed } = STATE_LOOKS[state];
  return `fill:${fill},stroke:${line},color:${TEXT_COLOUR}${isDashed ? ',stroke-dasharray:4 3' : ''}`;
}

/** M2, with Mermaid's own escapes: `#34;`. */
function text(lines: readonly string[]): string {
  const escaped = lines.map((line) =>
    line.replaceAll(/[^A-Za-z0-9 _.,:()/-]/gu, (sign) => `#${sign.codePointAt(0)};`),
  );
  return `"${escaped.join('<br/>')}"`;
}

/** M2, with those of YAML: `\x22`. */
function yamlText(line: string): string {
  const escaped = line.replaceAll(/[^\p{L}\p{N} _.,:()/-]/gu, (sign) => {
    const digits = (sign.codePointAt(0) ?? 0).toString(16);
    return `\\U${digits.padStart(8, '0')}`;
  });
  return `"${escaped}"`;
}
