// How many steps did the code make? V8 counts how often each function, and each block of it that is entered another
// number of times (a branch, a body of a loop), was entered: exactly, as long as nothing is optimized.
//
// What built-in functions do inside (`includes`, `sort`, `slice`) is one step, whatever it costs.

export interface Covered {
  readonly url: string;
  readonly functions: readonly {
    readonly functionName: string;
    readonly ranges: readonly { readonly startOffset: number; readonly count: number }[];
  }[];
}

/** The orchestrator, and the libraries that it calls; not who counts. */
const COUNTED = /\/services\/orchestrator\/src\/(.*)|\/node_modules\/(.*)|\/(proto\/gen\/.*)/;

export function stepsOf(coverage: readonly Covered[]): number {
  return coverage
    .filter(({ url }) => COUNTED.test(url))
    .flatMap(({ functions }) => functions)
    .reduce((sum, { ranges }) => sum + total(ranges), 0);
}

/** By file and function, those that count most first; what is less than a hundredth of a step a task is left out. */
export function entered(coverage: readonly Covered[], tasks: number): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { url, functions } of coverage) {
    const [, own, library, generated] = COUNTED.exec(url) ?? [];
    const file = own ?? library ?? generated;
    if (file === undefined) continue;
    for (const { functionName, ranges } of functions) {
      const name = `${file} ${functionName === '' ? '(no name)' : functionName}`;
      counts.set(name, (counts.get(name) ?? 0) + total(ranges));
    }
  }
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  return Object.fromEntries(
    sorted
      .map(([name, count]) => [name, Number((count / tasks).toFixed(2))] as const)
      .filter(([, count]) => count >= 0.01),
  );
}

function total(ranges: readonly { readonly count: number }[]): number {
  return ranges.reduce((sum, { count }) => sum + count, 0);
}
