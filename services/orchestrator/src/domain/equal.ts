// Are two plain values the same, whatever objects they are made of?

export function sameValue(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (one instanceof Uint8Array || other instanceof Uint8Array) return sameBytes(one, other);
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const keys = definedKeys(one);
  if (keys.length !== definedKeys(other).length) return false;
  return keys.every((key) =>
    sameValue((one as Record<string, unknown>)[key], (other as Record<string, unknown>)[key]),
  );
}

/** A field that is left out is as good as one that is undefined. */
function definedKeys(value: object): readonly string[] {
  return Object.entries(value).flatMap(([key, each]) => (each === undefined ? [] : [key]));
}

function sameBytes(one: unknown, other: unknown): boolean {
  if (!(one instanceof Uint8Array) || !(other instanceof Uint8Array)) return false;
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
