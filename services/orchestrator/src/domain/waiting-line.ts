// Who is next among tasks that are held: the lowest priority number first, then first come, first served.

export interface WaitingLine {
  join(task: number, priority: number): void;
  /** The first that still waits; undefined if nobody does. */
  first(isWaiting: (task: number) => boolean): number | undefined;
}

const PRIORITIES = 11;

/** Those that have gone are passed over when they come first: each costs that once. */
export function createWaitingLine(): WaitingLine {
  const lanes = Array.from({ length: PRIORITIES }, () => ({ tasks: [] as number[], begin: 0 }));
  return {
    join(task, priority) {
      lanes[priority]?.tasks.push(task);
    },
    first(isWaiting) {
      for (const lane of lanes) {
        while (lane.begin < lane.tasks.length && !isWaiting(lane.tasks[lane.begin] as number)) lane.begin++;
        if (lane.begin < lane.tasks.length) return lane.tasks[lane.begin];
        lane.tasks.length = 0;
        lane.begin = 0;
      }
      return undefined;
    },
  };
}
