// How do labelled numbers look as a bar chart?

export interface Bar {
  readonly label: string;
  readonly value: number;
}

const WIDTH = 860;
const LABEL_WIDTH = 260;
const VALUE_WIDTH = 90;
const ROW_HEIGHT = 26;
const BAR_HEIGHT = 18;
const TOP = 56;
const MARGIN = 20;
const MAX_LABEL_CHARACTERS = 38;

/** An SVG document: a row a bar, in the order given, the longest bar as wide as there is room. */
export function drawBarChart(title: string, bars: readonly Bar[]): string {
  const largest = Math.max(0, ...bars.map((bar) => bar.value));
  const room = WIDTH - LABEL_WIDTH - VALUE_WIDTH - MARGIN;
  const height = TOP + bars.length * ROW_HEIGHT + MARGIN;
  const rows = bars.map((bar, index) => {
    const y = TOP + index * ROW_HEIGHT;
    const width = largest === 0 ? 0 : Math.round((bar.value / largest) * room * 10) / 10;
    const middle = y + BAR_HEIGHT / 2;
    return [
      `  <text x="${LABEL_WIDTH - 8}" y="${middle}" text-anchor="end">${escapeXml(shorten(bar.label))}</text>`,
      `  <rect x="${LABEL_WIDTH}" y="${y}" width="${width}" height="${BAR_HEIGHT}" rx="2" fill="#3b82f6"/>`,
      `  <text x="${LABEL_WIDTH + width + 8}" y="${middle}">${format(bar.value)}</text>`,
    ].join('\n');
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img">`,
    `  <title>${escapeXml(title)}</title>`,
    `  <style>text { font: 13px sans-serif; fill: #1f2937; dominant-baseline: central; }</style>`,
    `  <rect width="100%" height="100%" fill="#ffffff"/>`,
    `  <text x="${MARGIN}" y="${MARGIN + 8}" style="font-size: 18px; font-weight: bold">${escapeXml(title)}</text>`,
    ...rows,
    '</svg>',
    '',
  ].join('\n');
}

/** The end of a path says more than its beginning. */
function shorten(label: string): string {
  const characters = [...label];
  if (characters.length <= MAX_LABEL_CHARACTERS) return label;
  return `…${characters.slice(1 - MAX_LABEL_CHARACTERS).join('')}`;
}

function format(value: number): string {
  return new Intl.NumberFormat('en', { maximumFractionDigits: 2 }).format(value);
}

/** XML forbids most control characters even when they are escaped: they become spaces. */
function escapeXml(text: string): string {
  const named: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text
    .replaceAll(/\p{Cc}/gu, ' ')
    .replaceAll(/[&<>"']/g, (character) => named[character] ?? character);
}
