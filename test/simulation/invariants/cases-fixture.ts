// Each invariant is held against two stories: one in which it holds, and one that breaks it, alone.

import { expect, test } from 'vitest';
import { INVARIANTS } from './invariants.ts';
import { createStory, type Story } from './story-fixture.ts';
import { Violation } from './violation.ts';

type Tell = (story: Story) => void | Promise<void>;

export interface Case {
  readonly holds: Tell;
  readonly breaks: Tell | readonly Tell[];
}

export function tellCases(cases: Readonly<Record<string, Case>>): void {
  for (const [id, { holds, breaks }] of Object.entries(cases)) {
    test(`${id} holds: ${INVARIANTS[id]}`, async () => {
      await holds(createStory());
    });
    const broken: readonly Tell[] = typeof breaks === 'function' ? [breaks] : breaks;
    test.each(broken.map((tell, index) => [index + 1, tell] as const))(
      `${id} is broken, story %i`,
      async (_, tell) => {
        const violation = await violationOf(tell);
        expect(violation?.message).toMatch(new RegExp(`^${id}: `));
      },
    );
  }
}

async function violationOf(tell: Tell): Promise<Violation | undefined> {
  try {
    await tell(createStory());
  } catch (error) {
    if (error instanceof Violation) return error;
    throw error;
  }
  return undefined;
}
