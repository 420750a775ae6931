// Tasks as the domain knows them, with every default filled in.

import { EMPTY_PAYLOAD } from '../../../services/orchestrator/src/domain/payload.ts';
import {
  DEFAULT_CANCEL_GRACE_MS,
  DEFAULT_JOIN,
  DEFAULT_PRIORITY,
  DEFAULT_RETRY,
  type Dependency,
  type DependencyCondition,
  NO_TIMEOUTS,
  PLAIN_EDGE,
  PLAIN_RUN,
  PLAIN_TASK,
  type RunSpec,
  type TaskSpec,
} from '../../../services/orchestrator/src/domain/spec.ts';

export function plainTask(key: string, capability: string, rest: Partial<TaskSpec> = {}): TaskSpec {
  return {
    key,
    capability,
    input: EMPTY_PAYLOAD,
    dependencies: [],
    join: DEFAULT_JOIN,
    onUnmet: 'SKIP',
    parent: '',
    priority: DEFAULT_PRIORITY,
    retry: DEFAULT_RETRY,
    timeouts: NO_TIMEOUTS,
    allowFailure: false,
    cancelGraceMs: DEFAULT_CANCEL_GRACE_MS,
    ...PLAIN_TASK,
    ...rest,
  };
}

export function edge(key: string, condition: DependencyCondition, when = ''): Dependency {
  return { key, condition, ...PLAIN_EDGE, when };
}

export function plainRun(tasks: readonly TaskSpec[], rest: Partial<RunSpec> = {}): RunSpec {
  return {
    name: 'simulated',
    labels: {},
    failurePolicy: 'CONTINUE',
    timeoutMs: undefined,
    ...PLAIN_RUN,
    ...rest,
    tasks,
  };
}
