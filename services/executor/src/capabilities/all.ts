// Which capabilities does this configuration make possible, and which of them are wanted?

import type { Handler } from '@tutti/client/executor';
import type { Configuration } from '../configuration.ts';
import { createConfinedFolder } from '../files/confined-folder.ts';
import { createAddressGuard } from '../network/address-guard.ts';
import { createChartSvg } from './chart-svg.ts';
import { createCommandRun } from './command-run.ts';
import { echo } from './echo.ts';
import { createHttpRequest } from './http-request.ts';
import { merge } from './merge.ts';
import { sleep } from './sleep.ts';
import { textMerge } from './text-merge.ts';
import { createTextStats } from './text-stats.ts';

export type CapabilitiesResult =
  | { readonly type: 'Chosen'; readonly capabilities: Readonly<Record<string, Handler>> }
  | { readonly type: 'Refused'; readonly message: string };

/** `command.run` exists only with an allow-list. A wanted capability that is not possible is refused. */
export function chooseCapabilities(configuration: Configuration): CapabilitiesResult {
  const possible = new Map<string, Handler>([
    ['echo', echo],
    ['merge', merge],
    ['sleep', sleep],
    ['http.request', createHttpRequest({ guard: createAddressGuard(configuration.allowedAddresses) })],
    ['text.stats', createTextStats(confined(configuration.readFolder))],
    ['text.merge', textMerge],
    ['chart.svg', createChartSvg(confined(configuration.writeFolder))],
  ]);
  if (configuration.commands.size > 0) possible.set('command.run', createCommandRun(configuration.commands));
  const wanted = configuration.capabilities ?? [...possible.keys()];
  const missing = wanted.filter((name) => !possible.has(name));
  if (missing.length > 0) return { type: 'Refused', message: explain(missing, [...possible.keys()]) };
  return {
    type: 'Chosen',
    capabilities: Object.fromEntries([...possible].filter(([name]) => wanted.includes(name))),
  };
}

function confined(folder: string | undefined) {
  return folder === undefined ? undefined : createConfinedFolder(folder);
}

function explain(missing: readonly string[], possible: readonly string[]): string {
  const hint = missing.includes('command.run') ? ' (command.run needs --allow-command NAME=PATH)' : '';
  return `--capabilities ${missing.join(',')}: not possible here${hint}; possible: ${possible.join(', ')}`;
}
