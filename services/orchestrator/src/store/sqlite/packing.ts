// How thousands of small records cross to a worker thread at the price of three values.
//
// A structured clone of a batch costs more than writing it to disk. So every record is taken apart
// into one column of numbers, one of bytes and one of strings; the first two change threads without
// being copied. Both sides walk the columns in the same order: there are no tags.

export interface Packed {
  readonly numbers: Float64Array<ArrayBuffer>;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly strings: readonly string[];
}

export interface Packer {
  /** Whole numbers up to 2^53 come back exactly. */
  number(value: number): void;
  optionalNumber(value: number | undefined): void;
  string(value: string): void;
  bytes(value: Uint8Array): void;
  optionalBytes(value: Uint8Array | undefined): void;
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

export function createPacker(): Packer {
  const numbers: number[] = [];
  const strings: string[] = [];
  const chunks: Uint8Array[] = [];
  let total = 0;

  const bytes = (value: Uint8Array): void => {
    numbers.push(value.length);
    if (value.length > 0) chunks.push(value);
    total += value.length;
  };

  return {
    number: (value) => {
      numbers.push(value);
    },
    optionalNumber: (value) => {
      numbers.push(value ?? Number.NaN);
    },
    string: (value) => {
      strings.push(value);
    },
    bytes,
    optionalBytes: (value) => {
      if (value === undefined) numbers.push(ABSENT);
      else bytes(value);
    },
    byteLength: () => total,
    finish: () => {
      const joined = new Uint8Array(total);
      let offset = 0;
      for (const chunk of chunks) {
        joined.set(chunk, offset);
        offset += chunk.length;
      }
      return { numbers: new Float64Array(numbers), bytes: joined, strings };
    },
  };
}

export function createUnpacker(packed: Packed): Unpacker {
  let nextNumber = 0;
  let nextString = 0;
  let offset = 0;

  const number = (): number => {
    const value = packed.numbers[nextNumber++];
    if (value === undefined) throw new RangeError('the packed numbers end too early');
    return value;
  };
  const view = (length: number): Uint8Array => {
    const from = offset;
    offset += length;
    return packed.bytes.subarray(from, offset);
  };

  return {
    number,
    optionalNumber: () => {
      const value = number();
      return Number.isNaN(value) ? undefined : value;
    },
    string: () => {
      const value = packed.strings[nextString++];
      if (value === undefined) throw new RangeError('the packed strings end too early');
      return value;
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
