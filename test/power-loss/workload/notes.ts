// What a process of the workload says, each line before or after what it is about.

/** READ: somebody was shown all steps up to this one. */
const WHAT = ['BEGUN', 'ACKNOWLEDGED', 'READ', 'EPOCH', 'REFUSED'] as const;

/** `value`: the number of the step; of EPOCH the epoch that was acknowledged. */
export interface Note {
  readonly lane: string;
  readonly what: (typeof WHAT)[number];
  readonly value: number;
}

export function writeNote(note: Note): string {
  return `${note.lane} ${note.what} ${note.value}\n`;
}

export function readNote(text: string): Note {
  const [lane = '', word, value] = text.split(' ');
  const what = WHAT.find((one) => one === word);
  if (what === undefined) throw new Error(`the workload noted "${text}"`);
  return { lane, what, value: Number(value) };
}

/** What is known of a lane from the notes so far. */
export interface Known {
  /** Steps from the first on that were acknowledged, or shown, without a gap. */
  readonly acknowledged: number;
  /** Steps that may be there. */
  readonly begun: number;
  /** The latest that was acknowledged. */
  readonly epoch: number;
}

export const NOTHING_KNOWN: Known = { acknowledged: 0, begun: 0, epoch: 0 };

export function know(known: Known, note: Note): Known {
  switch (note.what) {
    case 'BEGUN':
      return { ...known, begun: Math.max(known.begun, note.value + 1) };
    case 'ACKNOWLEDGED':
    case 'READ':
      return { ...known, acknowledged: Math.max(known.acknowledged, note.value + 1) };
    case 'EPOCH':
      return { ...known, epoch: Math.max(known.epoch, note.value) };
    case 'REFUSED':
      return known;
  }
}
