// Which functions may an expression call, and what is each call charged?
//
// The library's own, but for those written anew in text.ts and time.ts, and lists and maps by values.ts.
// No function reads the time, randomness or anything of the host.
//
// Numbers. A number of JSON is a CEL double, whole or not, as the CEL specification maps
// google.protobuf.Value: so `price / 2` means the same for 5 and for 5.5. Literals such as 1 are int.
// CEL compares across types (`x == 1`, `x > 0`), and takes whole doubles as positions (`items[x]`), but
// has no `1.0 + 1`. Here a call that fits no overload is tried again:
// - `+ - * /` with all numbers as doubles: `x + 1`, `size(items) * 1.5`;
// - any other with whole doubles as int: `x % 2`, `s.substring(x)`, `timestamp(x)`.
// What CEL has itself keeps its meaning: `7 / 2` and `size(items) / 2` are int, 3 for 7.

import {
  type CelFunc,
  CelScalar,
  type CelValue,
  celEnv,
  celError,
  celFunc,
  isCelError,
  isCelList,
  isCelMap,
  isCelUint,
  listType,
} from '@bufbuild/cel';
import type { Budget } from './budget.ts';
import { createMatcher, type Matcher } from './regex.ts';
import { textFunctions } from './text.ts';
import { timeFunctions } from './time.ts';
import { concatenate, isOwn, ownList, ownMap, readingSteps } from './values.ts';

/** Private: no source can spell a name with an @. */
export const OWN = '@own';
export const ITERATE = '@iterate';

type CelResult = ReturnType<CelFunc['call']>;

export interface Functions {
  has(name: string): boolean;
  /** For the library's planner, which asks by name, once for each call in the source. */
  find(name: string):
    | {
        readonly name: string;
        call(id: number, target: CelValue | undefined, args: CelValue[]): CelResult;
      }
    | undefined;
  begin(): void;
}

const widened = new Set(['_+_', '_-_', '_*_', '_/_']);
/** The part looked for is compared at each place of the text, at worst. */
const searches = new Set(['contains', 'indexOf', 'lastIndexOf', 'replace', 'split']);
/** Their texts are short, and reading long ones as numbers is not linear. */
const conversions = new Set(['int', 'uint', 'double', 'bool', 'timestamp', 'duration']);
const MAX_CONVERTED_CHARACTERS = 128;

export function createFunctions(budget: Budget): Functions {
  const matcher = createMatcher(budget);
  const groups = new Map<string, readonly CelFunc[]>();
  for (const overload of overloads(matcher, budget)) {
    // The first of an id counts: our own come before the library's.
    const group = groups.get(overload.name) ?? [];
    if (!group.some((known) => known.id === overload.id)) {
      groups.set(overload.name, [...group, overload]);
    }
  }
  return {
    has: (name) => groups.has(name) && !name.startsWith('@'),
    find(name) {
      const group = groups.get(name);
      return group === undefined ? undefined : { name, call: charged(name, group, budget) };
    },
    begin: () => matcher.begin(),
  };
}

function overloads(matcher: Matcher, budget: Budget): CelFunc[] {
  const { DYN, DOUBLE } = CelScalar;
  const LIST = listType(DYN);
  return [
    celFunc('_+_', [LIST, LIST], LIST, (left, right) => concatenate(left, right, budget)),
    celFunc(OWN, [DYN], DYN, (value) => own(value, budget)),
    celFunc(ITERATE, [DOUBLE, DYN], DYN, (nodes, condition) => {
      budget.charge(nodes);
      return condition;
    }),
    ...textFunctions(matcher, budget),
    ...timeFunctions(),
    ...celEnv().funcs,
  ];
}

function charged(name: string, group: readonly CelFunc[], budget: Budget) {
  return (id: number, target: CelValue | undefined, args: CelValue[]): CelResult => {
    budget.charge(callSteps(name, target, args));
    const long = conversions.has(name) && args.find((arg) => isLong(arg));
    if (typeof long === 'string') {
      return celError(`${name} takes at most ${MAX_CONVERTED_CHARACTERS} characters`, id);
    }
    let result = firstFitting(group, id, target, args);
    if (result === undefined && typeof target !== 'number') {
      const again = widened.has(name) ? args.map(asDouble) : args.map(asInteger);
      result = firstFitting(group, id, target, again);
    }
    // The library has made an error of what was thrown within; the evaluation ends all the same.
    budget.ensure();
    if (result === undefined || isCelError(result)) return result;
    if (typeof result === 'string' || result instanceof Uint8Array) budget.produce(result.length);
    return name.startsWith('@') ? result : own(result, budget);
  };
}

function firstFitting(
  group: readonly CelFunc[],
  id: number,
  target: CelValue | undefined,
  args: CelValue[],
): CelResult {
  for (const overload of group) {
    const result = overload.call(id, target, args);
    if (result !== undefined) return result;
  }
  return undefined;
}

function callSteps(name: string, target: CelValue | undefined, args: readonly CelValue[]): number {
  let steps = 1 + readingSteps(target);
  for (const arg of args) steps += readingSteps(arg);
  const [part] = args;
  return searches.has(name) && typeof target === 'string' && typeof part === 'string'
    ? steps + (target.length * part.length) / 1024
    : steps;
}

/** Lists and maps of the library would be walked uncharged. */
function own(value: CelValue, budget: Budget): CelValue {
  if (isOwn(value)) return value;
  if (isCelList(value)) return ownList(value, budget);
  return isCelMap(value) ? ownMap(value, budget) : value;
}

function isLong(value: CelValue): boolean {
  return typeof value === 'string' && value.length > MAX_CONVERTED_CHARACTERS;
}

function asDouble(value: CelValue): CelValue {
  if (typeof value === 'bigint') return Number(value);
  return isCelUint(value) ? Number(value.value) : value;
}

function asInteger(value: CelValue): CelValue {
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
}
