import { expect, test } from 'vitest';
import { createSignalHandler, type EndingSignal } from './signals.ts';

/** What happens for signals at these moments. */
function play(...signals: readonly (readonly [atMs: number, signal: EndingSignal])[]): (string | number)[] {
  const happened: (string | number)[] = [];
  let nowMs = 0;
  const onSignal = createSignalHandler(
    { end: () => happened.push('end'), endAtOnce: (code) => happened.push(code) },
    () => nowMs,
  );
  for (const [atMs, signal] of signals) {
    nowMs = atMs;
    onSignal(signal);
  }
  return happened;
}

test('one Ctrl-C that arrives twice, from the terminal and from npm, is one', () => {
  expect(play([10, 'SIGINT'], [15, 'SIGINT'], [400, 'SIGINT'])).toEqual(['end']);
  expect(play([0, 'SIGHUP'], [5, 'SIGHUP'])).toEqual(['end']);
});

test('a second Ctrl-C, later, ends everything at once', () => {
  expect(play([0, 'SIGINT'], [1_500, 'SIGINT'])).toEqual(['end', 130]);
});

test('another signal is another wish, however soon', () => {
  expect(play([0, 'SIGINT'], [5, 'SIGTERM'])).toEqual(['end', 143]);
});
