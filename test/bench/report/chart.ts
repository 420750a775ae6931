// What does it look like? One group of bars for each part, a bar for each contestant, the spread over the rounds
// as a line across its end. Plain SVG, readable in the text and in both colour schemes.

import type { Headline } from '../round/part.ts';
import { type PartSummary, partNames, type Row, type Spread } from './summary.ts';
import { durabilityOf } from './table.ts';

const WIDTH = 900;
const LABEL_WIDTH = 300;
const VALUE_WIDTH = 110;
const BAR_HEIGHT = 16;
const LINE_HEIGHT = 24;
const HEAD_HEIGHT = 40;
const MARGIN = 16;

const UNITS: Readonly<Record<Headline, string>> = {
  tasksPerSecond: 'tasks a second; longer is better',
  runsPerSecond: 'runs a second; longer is better',
  completedMs: 'ms from submission to the known end, p50 (dark) and p99 (light); shorter is better',
};

const STYLE =
  'text{font:13px system-ui,sans-serif;fill:#24292f}.head{font-weight:600}.bar{fill:#5b7db1}.own{fill:#b8472f}' +
  '.light{opacity:.35}.spread{stroke:#24292f;stroke-width:1.5}' +
  '@media(prefers-color-scheme:dark){text{fill:#e6edf3}.spread{stroke:#e6edf3}}';

export function chart(title: string, rows: readonly Row[]): string {
  let y = MARGIN + 20;
  const body = [`<text class="head" x="${MARGIN}" y="${y}">${escapeXml(title)}</text>`];
  for (const name of partNames(rows)) {
    const bars = rows.flatMap((row) => {
      const part = row.parts.find((each) => each.name === name);
      return part === undefined ? [] : [barOf(row, part)];
    });
    const headline = rows.flatMap((row) => row.parts.filter((part) => part.name === name))[0]?.headline;
    y += HEAD_HEIGHT;
    const unit = headline === undefined ? '' : UNITS[headline];
    body.push(`<text class="head" x="${MARGIN}" y="${y}">${escapeXml(`${name}: ${unit}`)}</text>`);
    const most = Math.max(...bars.map((bar) => Math.max(bar.spread.max, bar.light ?? 0)));
    const scale = (value: number) => (value / most) * (WIDTH - LABEL_WIDTH - VALUE_WIDTH);
    for (const bar of bars) {
      y += LINE_HEIGHT;
      body.push(...drawBar(bar, y, scale));
    }
  }
  const height = y + MARGIN * 2;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}">`,
    `<style>${STYLE}</style>`,
    ...body,
    '</svg>',
    '',
  ].join('\n');
}

interface Bar {
  readonly label: string;
  readonly isOwn: boolean;
  readonly spread: Spread;
  /** A second, lighter bar behind it. */
  readonly light: number | undefined;
  readonly value: string;
}

function barOf(row: Row, part: PartSummary): Bar {
  const base = { label: `${row.contestant} (${durabilityOf(row)})`, isOwn: row.contestant === 'tutti' };
  if (part.headline !== 'completedMs' || part.completedMs === undefined) {
    const spread = part.headline === 'runsPerSecond' ? part.runsPerSecond : part.tasksPerSecond;
    return { ...base, spread, light: undefined, value: String(spread.median) };
  }
  const { p50, p99, spread } = part.completedMs;
  return { ...base, spread, light: p99, value: `${p50} / ${p99}` };
}

function drawBar(bar: Bar, y: number, scale: (value: number) => number): string[] {
  const top = y - BAR_HEIGHT + 3;
  const middle = top + BAR_HEIGHT / 2;
  const at = (value: number) => (LABEL_WIDTH + scale(value)).toFixed(1);
  const rectangle = (value: number, kind: string) =>
    `<rect class="${bar.isOwn ? 'own' : 'bar'}${kind}" x="${LABEL_WIDTH}" y="${top}" ` +
    `width="${scale(value).toFixed(1)}" height="${BAR_HEIGHT}"/>`;
  const end = at(Math.max(bar.spread.max, bar.light ?? 0));
  return [
    `<text x="${LABEL_WIDTH - 8}" y="${y}" text-anchor="end">${escapeXml(bar.label)}</text>`,
    ...(bar.light === undefined ? [] : [rectangle(bar.light, ' light')]),
    rectangle(bar.spread.median, ''),
    `<line class="spread" x1="${at(bar.spread.min)}" x2="${at(bar.spread.max)}" y1="${middle}" y2="${middle}"/>`,
    `<text x="${Number(end) + 8}" y="${y}">${escapeXml(bar.value)}</text>`,
  ];
}

function escapeXml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}
