// How do messages that are already encoded become one message that holds them in a repeated field?
//
// On the wire a repeated message field is each item after its tag and length, so nothing is encoded
// twice, and the size of a message is known before it is made.

const LENGTH_DELIMITED = 2;

/** One item of a repeated message field. */
export interface Frame {
  readonly fieldNumber: number;
  /** The item's binary form. */
  readonly bytes: Uint8Array;
}

/** How many bytes the frame adds to a message. Field numbers are below 16: their tag is one byte. */
export function frameSizeBytes(frame: Frame): number {
  return 1 + varintSizeBytes(frame.bytes.byteLength) + frame.bytes.byteLength;
}

export function joinFrames(frames: readonly Frame[]): Uint8Array {
  let sizeBytes = 0;
  for (const frame of frames) sizeBytes += frameSizeBytes(frame);
  const message = new Uint8Array(sizeBytes);
  let at = 0;
  for (const { fieldNumber, bytes } of frames) {
    message[at] = (fieldNumber << 3) | LENGTH_DELIMITED;
    at += 1;
    let length = bytes.byteLength;
    while (length > 127) {
      message[at] = (length & 127) | 128;
      at += 1;
      length >>>= 7;
    }
    message[at] = length;
    at += 1;
    message.set(bytes, at);
    at += bytes.byteLength;
  }
  return message;
}

export interface SplitFrames {
  /** In order; none empty, none larger than the limit. */
  readonly messages: readonly (readonly Frame[])[];
  /** Frames that are larger than the limit by themselves. */
  readonly tooLarge: readonly Frame[];
}

const NO_FRAMES: readonly Frame[] = Object.freeze([]);

/** As few messages as the order and the limit allow. */
export function splitFrames(frames: readonly Frame[], limitBytes: number): SplitFrames {
  if (frames.length > 0 && fits(frames, limitBytes)) return { messages: [frames], tooLarge: NO_FRAMES };
  const messages: Frame[][] = [];
  const tooLarge: Frame[] = [];
  let current: Frame[] = [];
  let currentBytes = 0;
  for (const frame of frames) {
    const sizeBytes = frameSizeBytes(frame);
    if (sizeBytes > limitBytes) {
      tooLarge.push(frame);
      continue;
    }
    if (currentBytes + sizeBytes > limitBytes) {
      messages.push(current);
      current = [];
      currentBytes = 0;
    }
    current.push(frame);
    currentBytes += sizeBytes;
  }
  if (current.length > 0) messages.push(current);
  return { messages, tooLarge };
}

function fits(frames: readonly Frame[], limitBytes: number): boolean {
  let sizeBytes = 0;
  for (const frame of frames) sizeBytes += frameSizeBytes(frame);
  return sizeBytes <= limitBytes;
}

function varintSizeBytes(value: number): number {
  let sizeBytes = 1;
  for (let rest = value; rest > 127; rest >>>= 7) sizeBytes += 1;
  return sizeBytes;
}
