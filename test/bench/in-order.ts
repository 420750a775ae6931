// How long does a run take on so many slots where nothing costs any time but its tasks, and they are started in the
// order that docs/order.md promises? What is measured beyond that is overhead; what is below is not to be had in order.

import type { RunSpec } from '@tutti/proto/tutti/v1/run_pb.ts';
import { placesOf } from './packing-bound.ts';

interface Task {
  readonly index: number;
  readonly seconds: number;
  /** The longest way from its start to the end of the run. */
  readonly wayAhead: number;
  readonly dependants: Task[];
  waitsFor: number;
}

/** @param hinted whether the tasks say how long they take */
export function inOrderSeconds(spec: RunSpec, slots: number, hinted: boolean): number {
  const tasks = tasksOf(spec);
  // Each event's tasks behind those of the events before it.
  const ready: Task[] = [];
  const admit = (some: Task[]) => {
    const turn = (a: Task, b: Task) => (hinted ? b.wayAhead - a.wayAhead : 0) || a.index - b.index;
    ready.push(...some.sort(turn));
  };
  const running: { readonly task: Task; readonly end: number }[] = [];
  let now = 0;
  admit(tasks.filter(({ waitsFor }) => waitsFor === 0));
  for (let done = 0; done < tasks.length; done += 1) {
    while (running.length < slots) {
      const task = ready.shift();
      if (task === undefined) break;
      running.push({ task, end: now + task.seconds });
    }
    const first = running.reduce((earliest, each) => (each.end < earliest.end ? each : earliest));
    running.splice(running.indexOf(first), 1);
    now = first.end;
    admit(first.task.dependants.filter((next) => --next.waitsFor === 0));
  }
  return now;
}

function tasksOf(spec: RunSpec): readonly Task[] {
  const tasks = placesOf(spec).map(
    ({ seconds, tail }, index): Task => ({
      index,
      seconds,
      wayAhead: seconds + tail,
      dependants: [],
      waitsFor: spec.tasks[index]?.dependencies.length ?? 0,
    }),
  );
  const byKey = new Map(tasks.map((task) => [spec.tasks[task.index]?.key, task]));
  for (const task of tasks)
    for (const { key } of spec.tasks[task.index]?.dependencies ?? []) byKey.get(key)?.dependants.push(task);
  return tasks;
}
