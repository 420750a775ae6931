import type { ConnectError } from '@connectrpc/connect';
import { expect, test } from 'vitest';
import { createIntake, type Guest } from './intake.ts';

const LIMITS = { maxBytes: 100_000, requestMs: 60_000, readerMs: 120_000, sweepMs: 5_000 };

function setUp(limits = LIMITS) {
  let now = 0;
  const intake = createIntake(limits, () => now);
  return {
    intake,
    pass(ms: number) {
      now += ms;
      intake.sweep();
    },
  };
}

function guest(state: { whole?: boolean; unread?: number } = {}) {
  const told: { refused?: ConnectError; cut?: boolean } = {};
  const one: Guest = {
    isWhole: () => state.whole ?? true,
    unreadBytes: () => state.unread ?? 0,
    refuse(error) {
      told.refused = error;
    },
    cut() {
      told.cut = true;
    },
  };
  return { one, told, state };
}

test('N1: what all calls hold together is bounded, and what is over makes room', () => {
  const { intake } = setUp();
  const first = intake.enter(guest().one);
  expect(first?.take(90_000)).toBe(true);
  const second = intake.enter(guest().one);
  expect(second?.take(10_000)).toBe(false);
  expect(intake.tooMuch().rawMessage).toContain('100000');
  first?.leave();
  first?.leave();
  expect(second?.take(10_000)).toBe(true);
  second?.leave();
  expect(intake.heldBytes).toBe(0);
});

test('N1: each open call counts, so that there are not more of them than memory for them', () => {
  const { intake } = setUp();
  const visits = Array.from({ length: 100 }, () => intake.enter(guest().one));
  expect(visits.filter((visit) => visit !== undefined).length).toBe(24);
});

test('N2: a request that does not come to its end is refused with the reason', () => {
  const { intake, pass } = setUp();
  const half = guest({ whole: false });
  intake.enter(half.one);
  pass(60_000);
  expect(half.told.refused).toBeUndefined();
  pass(1);
  expect(half.told.refused?.rawMessage).toContain('within 60 s');
  expect(intake.heldBytes).toBe(0);
});

test('N3: a reader that takes nothing is cut, and one that takes something is not', () => {
  const { intake, pass } = setUp();
  const deaf = guest({ unread: 10 });
  const slow = guest({ unread: 1_000 });
  intake.enter(deaf.one);
  intake.enter(slow.one);
  for (let round = 0; round < 30; round += 1) {
    slow.state.unread = 1_000 - round;
    pass(5_000);
  }
  expect(deaf.told.cut).toBe(true);
  expect(slow.told.cut).toBeUndefined();
});
