// How many distinct values may a label take? A metric lives as long as the process, and names of
// capabilities and namespaces come from outside: without a bound they would fill the memory.

/** What stands in place of a value that came after the bound was reached. No name has brackets. */
export const OTHER = '(other)';

/** Children by up to two label values; every combination beyond `limit` shares one, labelled OTHER. */
export function createChildren<Child>(limit: number, create: (first: string, second: string) => Child) {
  const byFirst = new Map<string, Map<string, Child>>();
  let count = 0;
  let other: Child | undefined;

  function add(first: string, second: string): Child {
    if (count >= limit) {
      other ??= create(OTHER, OTHER);
      return other;
    }
    count += 1;
    const child = create(first, second);
    const bySecond = byFirst.get(first);
    if (bySecond === undefined) byFirst.set(first, new Map([[second, child]]));
    else bySecond.set(second, child);
    return child;
  }

  /** `second` is left out where there is one label only. */
  return (first: string, second = ''): Child => byFirst.get(first)?.get(second) ?? add(first, second);
}
