// How long does a run take on so many slots where nothing costs any time but its tasks, and they are started in the
// order that docs/order.md promises? What is measured beyond that is overhead; what is below is not to be had in order.

import type { RunSpec } from '@tutti/proto/tutti/v1/run_pb.ts';
import { secondsOf } from '../support/real-inputs.ts';

interface Node {
  readonly index: number;
  readonly seconds: number;
  readonly dependants: Node[];
  /** The longest way from its start to the end of the run. */
  wayAhead: number;
  waitsFor: number;
}

/** @param hinted whether the tasks say how long they take */
export function inOrderSeconds(spec: RunSpec, slots: number, hinted: boolean): number {
  const nodes = nodesOf(spec);
  // Each event's tasks behind those of the events before it.
  const ready: Node[] = [];
  const admit = (some: Node[]) => {
    const turn = (a: Node, b: Node) => (hinted ? b.wayAhead - a.wayAhead : 0) || a.index - b.index;
    ready.push(...some.sort(turn));
  };
  const running: { readonly node: Node; readonly end: number }[] = [];
  let now = 0;
  admit(nodes.filter(({ waitsFor }) => waitsFor === 0));
  for (let done = 0; done < nodes.length; done += 1) {
    while (running.length < slots) {
      const node = ready.shift();
      if (node === undefined) break;
      running.push({ node, end: now + node.seconds });
    }
    const first = running.reduce((earliest, each) => (each.end < earliest.end ? each : earliest));
    running.splice(running.indexOf(first), 1);
    now = first.end;
    admit(first.node.dependants.filter((next) => --next.waitsFor === 0));
  }
  return now;
}

function nodesOf({ tasks }: RunSpec): readonly Node[] {
  const nodes = tasks.map((task, index) => {
    const { length } = task.dependencies;
    return { index, seconds: secondsOf(task), dependants: [], wayAhead: -1, waitsFor: length } as Node;
  });
  const byKey = new Map(tasks.map(({ key }, index) => [key, nodes[index] as Node]));
  tasks.forEach(({ dependencies }, index) => {
    for (const { key } of dependencies) byKey.get(key)?.dependants.push(nodes[index] as Node);
  });
  const wayAhead = (node: Node): number => {
    if (node.wayAhead < 0) node.wayAhead = node.seconds + Math.max(0, ...node.dependants.map(wayAhead));
    return node.wayAhead;
  };
  nodes.forEach(wayAhead);
  return nodes;
}
