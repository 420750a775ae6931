// How is a graph written in DOT, the language of Graphviz?
//
// D1  Names of nodes and boxes are made here; what a client chose stands only inside quotes.
// D2  Inside quotes, `"`, `\` and `&` are escaped, and control characters are spaces: nothing can end the
//     quotes, and neither DOT's escapes (`\N`) nor HTML's (`&lt;`) can be smuggled in.

import type { DependencyCondition } from '../../domain/spec.ts';
import type { TaskState } from '../../domain/states.ts';
import type { RunGraph } from './graph.ts';
import { walkGroups } from './groups.ts';
import { indented, legendOf, linesOf, STATE_LOOKS, TEXT_COLOUR, titleOf } from './look.ts';

export function toDot(graph: RunGraph): string {
  const lines = [
    'digraph run {',
    `  graph [label=${text([titleOf(graph.run)])}, labelloc=t, fontname="sans-serif"]`,
    `  node [shape=box, fontname="sans-serif", fontcolor="${TEXT_COLOUR}"]`,
    '  edge [fontname="sans-serif", fontsize=10]',
  ];
  for (const { step, node, depth } of walkGroups(graph.nodes)) {
    const task = graph.nodes[node];
    if (task === undefined) throw new Error(`the graph has no node ${node}`);
    if (step === 'open') {
      lines.push(
        indented(depth + 1, `subgraph cluster_${node} {`),
        indented(depth + 2, `graph [label=${text([task.key])}]`),
      );
    }
    if (step === 'node') lines.push(indented(depth + 1, box(`n${node}`, linesOf(task), task.state)));
    if (step === 'close') lines.push(indented(depth + 1, '}'));
  }
  for (const { from, to, condition } of graph.edges) {
    lines.push(`  n${from} -> n${to} [${edgeLook(condition)}]`);
  }
  for (const { from, to } of graph.sendBacks) {
    lines.push(`  n${from} -> n${to} [style=dotted, constraint=false, label="sends back"]`);
  }
  lines.push(...legend(graph), '}');
  return `${lines.join('\n')}\n`;
}

function legend(graph: RunGraph): readonly string[] {
  const { states, conditions } = legendOf(graph);
  const lines = ['  subgraph cluster_legend {', '    graph [label="Legend"]'];
  for (const state of states) lines.push(`    ${box(`legend_${state}`, [state], state)}`);
  for (const condition of conditions) {
    const label = condition === 'SUCCESS' ? ', label="success"' : '';
    lines.push(`    upstream -> dependant [${edgeLook(condition)}${label}]`);
  }
  lines.push('  }');
  return lines;
}

function box(id: string, lines: readonly string[], state: TaskState): string {
  const { fill, line, isDashed } = STATE_LOOKS[state];
  const style = isDashed ? 'filled,dashed' : 'filled';
  return `${id} [label=${text(lines)}, class="${state}", style="${style}", fillcolor="${fill}", color="${line}"]`;
}

function edgeLook(condition: DependencyCondition): string {
  switch (condition) {
    case 'SUCCESS':
      return 'style=solid';
    case 'FINISHED':
      return 'style=dashed, label="finished"';
    case 'FAILURE':
      return `style=bold, label="failure", color="${STATE_LOOKS.FAILED.line}"`;
  }
}

/** D2. Lines are centred. */
function text(lines: readonly string[]): string {
  const escaped = lines.map((line) =>
    line
      .replaceAll(/\p{C}|\p{Zl}|\p{Zp}/gu, ' ')
      .replaceAll('&', '&amp;')
      .replaceAll(/["\\]/g, (sign) => `\\${sign}`),
  );
  return `"${escaped.join('\\n')}"`;
}
