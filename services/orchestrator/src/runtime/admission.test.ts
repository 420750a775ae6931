import { beforeEach, expect, test } from 'vitest';
import { createAdmission, type LoadSources } from './admission.ts';
import { type AdmissionResource, DEFAULT_ADMISSION_LIMITS } from './admission-rule.ts';
import type { Clock } from './ports.ts';

const LIMITS = {
  ...DEFAULT_ADMISSION_LIMITS,
  maxBusyReadyTasks: 500,
  maxPendingTasks: 100,
  maxPendingBytes: 10_000,
};

let nowMs: number;
let turns: (() => void)[];
let load: Record<
  'readyTasks' | 'startedTasks' | 'commitDelayMs' | 'recentCommitMs' | 'busyShare' | 'memoryShare',
  number
>;
let looks: number;
let collections: number;
let refused: AdmissionResource[];

const clock: Clock = {
  nowMs: () => nowMs,
  soon: (callback) => void turns.push(callback),
  after: () => () => {},
};
const sources: LoadSources = {
  readyTasks: () => load.readyTasks,
  startedTasks: () => load.startedTasks,
  commitDelayMs: () => load.commitDelayMs,
  recentCommitMs: () => load.recentCommitMs,
  busyShare() {
    looks += 1;
    return load.busyShare;
  },
  memoryShare: () => load.memoryShare,
  memoryIsFull: () => {
    collections += 1;
  },
};

beforeEach(() => {
  nowMs = 1_000;
  turns = [];
  looks = 0;
  collections = 0;
  refused = [];
  load = {
    readyTasks: 0,
    startedTasks: 0,
    commitDelayMs: 0,
    recentCommitMs: 0,
    busyShare: 0.1,
    memoryShare: 0.1,
  };
});

function setUp() {
  const admission = createAdmission({
    clock,
    limits: LIMITS,
    sources,
    refused: (resource) => void refused.push(resource),
  });
  return {
    admission,
    admit(sizeBytes = 1, tasks = 1) {
      const entered = admission.enter(sizeBytes, tasks, true);
      if (typeof entered !== 'function') throw new Error(entered.message);
      return entered;
    },
    /** @param turnMs how long each turn of the event loop takes */
    pass(ms: number, turnMs = 0) {
      for (let passed = 0; passed < ms; passed += 50) {
        nowMs += 50;
        admission.load();
        nowMs += turnMs;
        for (const turn of turns.splice(0)) turn();
      }
    },
  };
}

test('busy for a moment is not busy; busy for a while, with much to do, refuses', () => {
  const { admission, admit, pass } = setUp();
  load = { ...load, busyShare: 1, readyTasks: 100 };
  pass(200);
  admit();
  pass(200);
  expect(admission.enter(1, 1, true)).toMatchObject({
    code: 'LIMIT_REACHED',
    metadata: { resource: 'ready_tasks', limit: '100' },
    retryAfterMs: expect.any(Number),
  });
  expect(refused).toEqual(['ready_tasks']);
  load.busyShare = 0.9;
  pass(200);
  expect(admission.refusal(1, true)).toBeDefined();
  load.busyShare = 0.5;
  pass(50);
  admit();
});

test('what was admitted and is not answered yet counts as ready, however long it takes', () => {
  const { admission, admit, pass } = setUp();
  load = { ...load, busyShare: 1, readyTasks: 90 };
  pass(600);
  const leave = admit(1, 10);
  expect(admission.refusal(1, true)).toMatchObject({ metadata: { resource: 'ready_tasks' } });
  pass(1_000);
  expect(admission.refusal(1, true)).toBeDefined();
  leave();
  admit();
});

test('the faster tasks are started, the longer the queue may be', () => {
  const { admission, admit, pass } = setUp();
  load = { ...load, busyShare: 1, readyTasks: 100 };
  pass(1_000);
  expect(admission.refusal(1, true)).toMatchObject({ metadata: { resource: 'ready_tasks', limit: '100' } });
  for (let passed = 0; passed < 5_000; passed += 50) {
    load.startedTasks += 10; // 200 a second.
    pass(50);
  }
  admit();
  load.readyTasks = 400;
  pass(50);
  expect(admission.refusal(1, true)).toBeDefined();
  load.startedTasks = 0; // Loaded anew: nothing to reckon with.
  pass(50);
  expect(admission.load().startsPerSecond).toBeGreaterThanOrEqual(0);
});

test('a store that is busy counts as much as a busy event loop', () => {
  const { admission, admit, pass } = setUp();
  load = { ...load, busyShare: 0.1, recentCommitMs: 80, readyTasks: 100 };
  pass(600);
  expect(admission.refusal(1, true)).toMatchObject({ metadata: { resource: 'ready_tasks' } });
  load.recentCommitMs = 5; // As often as you like: that is the disk, not its load.
  pass(50);
  admit();
});

test('of what is not answered yet there may be so much, and half of it while there is no time to spare', () => {
  const { admission, admit, pass } = setUp();
  admit(1, 1_000)();
  const most = admit(1, 100);
  expect(admission.refusal(1, true)).toMatchObject({ metadata: { resource: 'pending_tasks', limit: '100' } });
  most();
  load.busyShare = 1;
  pass(600);
  const leave = admit(1, 60); // Alone.
  expect(admission.refusal(1, true)).toMatchObject({ metadata: { resource: 'pending_tasks', limit: '50' } });
  leave();
  admit();
});

test('bytes that are not answered yet are counted, and given back however the request ends', () => {
  const { admission, admit } = setUp();
  const leave = admit(9_000);
  expect(admission.refusal(2_000, true)).toMatchObject({
    metadata: { resource: 'pending_bytes', limit: '10000' },
  });
  admit(500)();
  leave();
  admit(16_000)();
  expect(admission.load().pendingBytes).toBe(0);
});

test('a commit that takes too long refuses until it is done', () => {
  const { admission, admit, pass } = setUp();
  load.commitDelayMs = 3_000;
  pass(50);
  expect(admission.refusal(1, true)).toMatchObject({ metadata: { resource: 'commit_delay' } });
  load.commitDelayMs = 0;
  pass(50);
  admit();
});

test('one long turn of the event loop is no overload; long turns again and again are', () => {
  const { admission, admit, pass } = setUp();
  load.busyShare = 1;
  pass(50, 5_000);
  admit();
  pass(2_000, 0);
  pass(500, 300);
  expect(admission.refusal(1, true)).toMatchObject({ metadata: { resource: 'loop_delay' } });
  pass(100, 0);
  admit();
});

test('it looks at the load now and then, however often it is asked, and not at all when it is not', () => {
  const { admission } = setUp();
  for (let asked = 0; asked < 1_000; asked += 1) admission.refusal(1, true);
  expect(looks).toBe(1);
  expect(turns).toHaveLength(1);
});

test('the same refusal is given until the next look: making it costs more than giving it', () => {
  const { admission, pass } = setUp();
  load.memoryShare = 0.99;
  pass(50);
  const first = admission.refusal(1, true);
  expect(admission.refusal(1, true)).toBe(first);
  pass(50);
  expect(admission.refusal(1, true)).not.toBe(first);
});

test('the more are refused, the later they are to come again', () => {
  const { admission, admit, pass } = setUp();
  admit();
  load.memoryShare = 0.99;
  pass(50);
  const early = admission.refusal(1, true)?.retryAfterMs ?? 0;
  for (let asked = 0; asked < 5; asked += 1) admission.refusal(1, true);
  pass(50);
  const late = admission.refusal(1, true)?.retryAfterMs ?? 0;
  expect(late).toBeGreaterThan(early);
  for (let asked = 0; asked < 1_000; asked += 1) admission.refusal(1, true);
  pass(50);
  expect(admission.refusal(1, true)?.retryAfterMs).toBe(2_000);
});

test('a memory that is full refuses, and has what is garbage collected, since nobody else may', () => {
  const { admission, admit, pass } = setUp();
  admit();
  expect(collections).toBe(0);
  load.memoryShare = 0.75;
  pass(50);
  expect(admission.refusal(1, true)).toMatchObject({ metadata: { resource: 'memory', limit: '75' } });
  expect(collections).toBe(1);
  load.memoryShare = 0.5;
  pass(50);
  admit();
});
