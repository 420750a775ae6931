// Is what docs/limits.md says of each limit so? The constant with that value in that file, and a test of that name.

export interface Limit {
  readonly line: number;
  readonly file: string;
  readonly name: string;
  readonly value: number;
  readonly testFile: string;
  /** Words that stand in the test file. */
  readonly words: string;
}

const SECTION = /^## .*\(`([^`]+)`\)$/;
const ROW = /^\| [^|]+ \| `([^`]+)` \| `(\w+)` ([\d,]+) \| [^|]+ \| `([^`]+)` "([^"]+)" \|$/;
const HEAD = /^\|( what \| where |---)/;

/** Lines of tables that are not of this form are told as themselves. */
export function readLimits(page: string): {
  readonly limits: readonly Limit[];
  readonly odd: readonly string[];
} {
  const limits: Limit[] = [];
  const odd: string[] = [];
  let folder = '';
  page.split('\n').forEach((text, index) => {
    folder = SECTION.exec(text)?.[1] ?? folder;
    if (!text.startsWith('|') || HEAD.test(text)) return;
    const [, file = '', name = '', value = '', testFile = '', words = ''] = ROW.exec(text) ?? [];
    if (file === '') odd.push(text);
    else {
      limits.push({
        line: index + 1,
        file: `${folder}/${file}`,
        name,
        value: Number(value.replaceAll(',', '')),
        testFile: `${folder}/${testFile}`,
        words,
      });
    }
  });
  return { limits, odd };
}

/** Undefined where it is as the page says. @param read undefined for a file that does not exist */
export function problemOf(limit: Limit, read: (path: string) => string | undefined): string | undefined {
  const { line, file, name, value, testFile, words } = limit;
  const at = `docs/limits.md:${line}`;
  const source = read(file);
  if (source === undefined) return `${at} ${file} does not exist`;
  const values = valuesOf(source, name);
  if (!values.includes(value))
    return `${at} ${name} of ${file} is ${values.join(' or ') || 'nowhere'}, not ${value}`;
  const test = read(testFile);
  if (test === undefined) return `${at} ${testFile} does not exist`;
  return test.includes(words) ? undefined : `${at} ${testFile} says nowhere "${words}"`;
}

/** What stands behind `name =` and `name:` where it is a product of numbers. */
function valuesOf(source: string, name: string): readonly number[] {
  const found = source.matchAll(new RegExp(`\\b${name}(?:: \\w+)? ?[=:] ?([\\d_ *]+)[;,\\s}]`, 'g'));
  return [...found].map(([, product = '']) =>
    product
      .replaceAll('_', '')
      .split('*')
      .reduce((whole, factor) => whole * Number(factor), 1),
  );
}
