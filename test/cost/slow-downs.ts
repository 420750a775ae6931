// Which mistakes must the guard notice? One for each way in which code becomes slow without being wrong.

import type { Mutation } from '../simulation/planted/mutation.ts';

export interface SlowDown extends Pick<Mutation, 'name' | 'file' | 'source' | 'replacement'> {
  /** What the guard says of it, at least. */
  readonly noticedBy: RegExp;
}

export const SLOW_DOWNS: readonly SlowDown[] = [
  {
    name: 'every-event-looks-at-every-task',
    file: 'engine/core.ts',
    source: '      core.output.record(run.state, event);\n',
    replacement: '      core.output.record(run.state, event);\n      run.state.tasks.forEach(() => {});\n',
    noticedBy: /large against small: steps/,
  },
  {
    name: 'every-event-copies-every-task',
    file: 'engine/core.ts',
    source: '      core.output.record(run.state, event);\n',
    replacement: '      core.output.record(run.state, event);\n      run.state.tasks.slice();\n',
    noticedBy: /large against small: allocatedBytes/,
  },
  {
    name: 'every-event-is-encoded-twice',
    file: 'runtime/commit-batch.ts',
    source: 'const payload = encodeEvent(run, event);',
    replacement: 'encodeEvent(run, event);\n    const payload = encodeEvent(run, event);',
    noticedBy: /large: steps/,
  },
  {
    name: 'every-start-is-a-commit',
    file: 'engine/dispatch.ts',
    source: 'const MAX_STARTS = 5_000;',
    replacement: 'const MAX_STARTS = 1;',
    noticedBy: /large: commits/,
  },
  {
    name: 'every-assignment-is-a-message',
    file: 'nats/deliveries.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text
    source: 'const key = `${delivery.executorId} ${capability}`;',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text
    replacement: 'const key = `${delivery.executorId} ${capability} ${groups.size}`;',
    noticedBy: /large: messages/,
  },
];
