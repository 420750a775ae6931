import { TuttiError } from '@tutti/client/client';
import { describe, expect, it } from 'vitest';
import { passes } from './passes.ts';

describe('while processes are killed, a call', () => {
  it.each([
    ['UNAVAILABLE', 'NOT_SERVING', undefined],
    ['UNAVAILABLE', '', undefined],
    ['DEADLINE_EXCEEDED', '', undefined],
    ['RESOURCE_EXHAUSTED', 'LIMIT_REACHED', 250],
    ['INTERNAL', '', undefined],
  ] as const)('may fail with %s %s', (code, reason, retryDelayMs) => {
    expect(passes(new TuttiError('', { code, reason, retryDelayMs }))).toBe(true);
  });

  it.each([
    ['INTERNAL', 'INTERNAL'],
    ['INVALID_ARGUMENT', 'INVALID_FIELD'],
    ['RESOURCE_EXHAUSTED', 'LIMIT_REACHED'],
  ] as const)('must not fail with %s %s', (code, reason) => {
    expect(passes(new TuttiError('', { code, reason }))).toBe(false);
  });
});
