// `chart.svg`: draws a bar chart, from numbers in the input or from the results of the dependencies.
//
// Input: {"title": "Lines", "bars": [{"label": "a", "value": 1}]}, or {"title": "Lines", "field": "lines",
// "labels": {"key": "docs/"}}: then there is a bar for each dependency that completed, named by its label
// or key, with that field of its result; `top` keeps the largest. With "path" the chart is written below
// the folder that the configuration allows to be written. Result: {"bars": […], "path": "…"} or, without
// a path, {"bars": […], "svg": "…"}.

import { type AttemptContext, FinalError, type Handler } from '@tutti/client/executor';
import { z } from 'zod';
import type { ConfinedFolder } from '../files/confined-folder.ts';
import { type Bar, drawBarChart } from '../text/bar-chart.ts';
import { readInput } from './input.ts';
import { readDependencies } from './text-merge.ts';

const MAX_BARS = 1000;

const common = {
  title: z.string().min(1).max(200),
  path: z
    .string()
    .max(4096)
    .regex(/[^/]\.svg$/, 'ends in .svg')
    .optional(),
  top: z.number().int().min(1).max(MAX_BARS).default(MAX_BARS),
};
const bar = z.strictObject({ label: z.string().max(1000), value: z.number().min(0) });

const inputSchema = z.union(
  [
    z.strictObject({ ...common, bars: z.array(bar).max(MAX_BARS) }),
    z.strictObject({
      ...common,
      field: z.string().min(1).max(200),
      labels: z.record(z.string(), z.string().max(1000)).default({}),
    }),
  ],
  { error: 'give "title", and either "bars" or "field"; "path" ends in .svg' },
);

/** Without a folder, charts with a path are refused and others are drawn all the same. */
export function createChartSvg(writable: ConfinedFolder | undefined): Handler {
  return async (input, context) => {
    const wanted = readInput(inputSchema, input);
    const all = 'bars' in wanted ? wanted.bars : barsOf(context, wanted.field, wanted.labels);
    const bars = largest(all, wanted.top);
    const svg = drawBarChart(wanted.title, bars);
    if (wanted.path === undefined) return { bars, svg };
    if (writable === undefined) {
      throw new FinalError('PATH_NOT_ALLOWED', 'this executor writes no files: start it with --write-folder');
    }
    return { bars, path: await writable.writeFile(wanted.path, svg) };
  };
}

function barsOf(context: AttemptContext, field: string, labels: Readonly<Record<string, string>>): Bar[] {
  const results = readDependencies(context, z.object({ [field]: z.number().min(0) }));
  return [...results].map(([key, result]) => ({ label: labels[key] ?? key, value: result[field] ?? 0 }));
}

/** The order stays as it was if all of them fit. */
function largest(bars: readonly Bar[], top: number): readonly Bar[] {
  if (bars.length <= top) return bars;
  return bars.toSorted((left, right) => right.value - left.value).slice(0, top);
}
