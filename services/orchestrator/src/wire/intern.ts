// How is one text kept once, however often it is decoded? A decoder makes a new string each time;
// a million tasks share a few capabilities and content types.

const MAX_ENTRIES = 10_000;
const texts = new Map<string, string>();

/** An equal string, the same one as before where it was seen before. */
export function intern(text: string): string {
  const known = texts.get(text);
  if (known !== undefined) return known;
  // Starting anew costs only memory: it is the sharing that is lost.
  if (texts.size >= MAX_ENTRIES) texts.clear();
  texts.set(text, text);
  return text;
}
