import { expect, test } from 'vitest';
import { drawBarChart } from './bar-chart.ts';

test('the longest bar is as wide as there is room, the others in proportion', () => {
  const svg = drawBarChart('Lines', [
    { label: 'a', value: 200 },
    { label: 'b', value: 50 },
    { label: 'c', value: 0 },
  ]);
  const widths = [...svg.matchAll(/<rect x="260"[^>]* width="([\d.]+)"/g)].map((match) => Number(match[1]));
  expect(widths).toEqual([490, 122.5, 0]);
  expect(svg).toMatch(/^<svg xmlns=/);
  expect(svg).toMatch(/<\/svg>\n$/);
});

test('labels cannot become markup, and no control character spoils the document', () => {
  const svg = drawBarChart('<script>&"', [{ label: `a'\u0000</text><b>`, value: 1234567.891 }]);
  expect(svg).toContain('<title>&lt;script&gt;&amp;&quot;</title>');
  expect(svg).toContain('a&#39; &lt;/text&gt;&lt;b&gt;');
  expect(svg).not.toContain('\u0000');
  expect(svg).toContain('1,234,567.89');
});

test('no bars and only zeros are charts as well', () => {
  expect(drawBarChart('empty', [])).toContain('empty');
  expect(drawBarChart('zero', [{ label: 'a', value: 0 }])).toContain('width="0"');
});
