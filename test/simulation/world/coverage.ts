// What did a simulation really come by? A fault that never happens proves nothing.

export type Coverage = ReturnType<typeof createCoverage>;

/** Every kind of fault that can be injected; FaultKinds are planned in scenario/faults.ts or happen by chance. */
export const FAULTS = [
  'MESSAGE_LOST',
  'MESSAGE_DOUBLED',
  'MESSAGE_DELAYED',
  'MESSAGE_REORDERED',
  'PARTITION_TO_EXECUTOR',
  'PARTITION_FROM_EXECUTOR',
  'CLIENT_REQUEST_LOST',
  'CLIENT_ANSWER_LOST',
  'EXECUTOR_CRASH',
  'EXECUTOR_STALL',
  'EXECUTOR_COMES_BACK',
  'EXECUTOR_ANSWERS_TWICE',
  'EXECUTOR_ANSWERS_FOR_OTHERS',
  'EXECUTOR_NEVER_ANSWERS',
  'EXECUTOR_FORGES_TOKEN',
  'EXECUTOR_LEAVES',
  'EXECUTOR_DRAINS',
  'ORCHESTRATOR_CRASH',
  'CRASH_BEFORE_COMMIT',
  'CRASH_AFTER_COMMIT',
  'CRASH_AFTER_PUBLISH',
  'ORCHESTRATOR_STOP',
  'ORCHESTRATOR_REPLACED',
  'EVENT_LOOP_STALL',
  'POWER_LOSS',
  'UNKNOWN_OUTCOME',
  'DISK_FULL',
  'DISK_ERROR',
  'DISK_READ_ERROR',
  'DISK_SLOW',
  'CLOCK_FORWARD',
  'CLOCK_BACK',
  'NATS_RESTART',
  'NATS_LAME_DUCK',
  'SLOW_WATCHER',
  'WATCHER_BROKEN_OFF',
] as const;

export type Fault = (typeof FAULTS)[number];

export function createCoverage() {
  const faults = new Map<Fault, number>();
  const events = new Map<string, number>();
  const answers = new Map<string, number>();
  const count = <K>(counts: Map<K, number>, key: K) => void counts.set(key, (counts.get(key) ?? 0) + 1);
  return {
    faults,
    /** By the type of what they tell, as proto/tutti/v1/event.proto names it. */
    events,
    /** By call and answer, such as `CancelRun ok` or `Report STALE`. */
    answers,
    fault: (kind: Fault) => count(faults, kind),
    event: (type: string) => count(events, type),
    answer: (name: string) => count(answers, name),
  };
}
