// Which states does a filter ask for?

import { accept, type Result, reject } from '../../domain/rejection.ts';

/** Refuses UNSPECIFIED, which no run and no task is ever in. */
export function onlyKnown<Wire extends number, State>(
  values: readonly Wire[],
  fromWire: (value: Wire) => State | undefined,
): Result<readonly State[]> {
  const states: State[] = [];
  for (const [index, value] of values.entries()) {
    const state = fromWire(value);
    if (state === undefined) {
      const field = `states[${index}]`;
      const message = `${field} is ${value}, in which nothing ever is: name a state, or leave states empty for any`;
      return reject('INVALID_FIELD', message, { field }, field);
    }
    states.push(state);
  }
  return accept(states);
}
