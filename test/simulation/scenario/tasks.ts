// Tasks and runs as the domain knows them, with every default filled in.

import {
  type Dependency,
  type DependencyCondition,
  PLAIN_EDGE,
  PLAIN_RUN,
  type RunSpec,
  type TaskSpec,
} from '../../../services/orchestrator/src/domain/spec.ts';

export { plainTask } from '../../../services/orchestrator/src/domain/plain-task.ts';

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
