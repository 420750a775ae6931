// How thousands of small records cross to a worker thread at the price of three values.
//
// A structured clone of a batch costs more than writing it to disk. So every record is taken apart
// into one column of numbers, one of bytes and one of text; the first two change threads without
// being copied, the last is copied as a whole. Both sides walk the columns in the same order: there are no tags.

export interface Packed {
  /** The spare room goes along: moving it costs nothing, cutting it off would copy. */
  readonly numbers: Float64Array<ArrayBuffer>;
  readonly numberCount: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly byteCount: number;
  /** All strings, one after the other; how long each is stands among the numbers. */
  readonly text: string;
}

export interface Packer {
  /** Whole numbers up to 2^53 come back exactly. */
  number(value: number): void;
  optionalNumber(value: number | undefined): void;
  string(value: string): void;
  bytes(value: Uint8Array): void;
  optionalBytes(value: Uint8Array | undefined): void;
  /** Leaves room for a number that is known only later; returns what puts it there. */
  reserve(): (value: number) => void;
  /** How many bytes are in it so far, numbers and strings not counted. */
  byteLength(): number;
  finish(): Packed;
}

export interface Unpacker {
  number(): number;
  optionalNumber(): number | undefined;
  string(): string;
  /** A view of the packed bytes, not a copy. */
  bytes(): Uint8Array;
  optionalBytes(): Uint8Array | undefined;
}

/** Stands for the length of bytes that are not there. */
const ABSENT = -1;

/** What a small request needs; columns double from here on. */
const FIRST_NUMBERS = 64;
const FIRST_BYTES = 1_024;

export function createPacker(): Packer {
  let numbers = new Float64Array(FIRST_NUMBERS);
  let numberCount = 0;
  let joined = new Uint8Array(FIRST_BYTES);
  let byteCount = 0;
  const strings: string[] = [];

  const number = (value: number): void => {
    if (numberCount === numbers.length) {
      const larger = new Float64Array(2 * numberCount);
      larger.set(numbers);
      numbers = larger;
    }
    numbers[numberCount++] = value;
  };
  const bytes = (value: Uint8Array): void => {
    number(value.length);
    const end = byteCount + value.length;
    if (end > joined.length) {
      const larger = new Uint8Array(Math.max(end, 2 * joined.length));
      larger.set(joined.subarray(0, byteCount));
      joined = larger;
    }
    joined.set(value, byteCount);
    byteCount = end;
  };

  return {
    number,
    optionalNumber: (value) => number(value ?? Number.NaN),
    string: (value) => {
      number(value.length);
      if (value !== '') strings.push(value);
    },
    bytes,
    optionalBytes: (value) => {
      if (value === undefined) number(ABSENT);
      else bytes(value);
    },
    reserve: () => {
      const at = numberCount;
      number(0);
      return (value) => {
        numbers[at] = value;
      };
    },
    byteLength: () => byteCount,
    finish: () => ({ numbers, numberCount, bytes: joined, byteCount, text: strings.join('') }),
  };
}

export function createUnpacker(packed: Packed): Unpacker {
  let nextNumber = 0;
  let textOffset = 0;
  let offset = 0;

  const number = (): number => {
    const value = packed.numbers[nextNumber++];
    if (value === undefined || nextNumber > packed.numberCount)
      throw new RangeError('the packed numbers end too early');
    return value;
  };
  const view = (length: number): Uint8Array => {
    const from = offset;
    offset += length;
    if (offset > packed.byteCount) throw new RangeError('the packed bytes end too early');
    return packed.bytes.subarray(from, offset);
  };

  return {
    number,
    optionalNumber: () => {
      const value = number();
      return Number.isNaN(value) ? undefined : value;
    },
    string: () => {
      const from = textOffset;
      textOffset += number();
      if (textOffset > packed.text.length) throw new RangeError('the packed text ends too early');
      return packed.text.slice(from, textOffset);
    },
    bytes: () => view(number()),
    optionalBytes: () => {
      const length = number();
      return length === ABSENT ? undefined : view(length);
    },
  };
}

/** What postMessage may move instead of copying. */
export function transferables(packed: Packed): ArrayBuffer[] {
  return [packed.numbers.buffer, packed.bytes.buffer];
}
