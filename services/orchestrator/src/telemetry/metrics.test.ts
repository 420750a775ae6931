// DESIGN 10: what the metrics say, from scripted commits, with exact values.

import { expect, test } from 'vitest';
import type { TaskError } from '../domain/events.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { completes, happens, scriptedRun, starts } from './scripted-run.ts';

const NOW_MS = 1_700_000_000_000;
const ERROR: TaskError = { code: 'BROKEN', message: 'it broke', details: undefined };
const RETRYING = { type: 'TaskRetrying', end: 'FAILED', error: ERROR, usage: undefined } as const;

function testMetrics(labelLimit = 1_000): Metrics {
  return createMetrics({ nowMs: () => NOW_MS, labelLimit, processMetrics: false });
}

/** The samples of one scrape whose name begins so, as `name{labels} value`, without zeros and buckets. */
async function scrape(metrics: Metrics, prefix: string): Promise<string[]> {
  const lines = (await metrics.registry.metrics()).split('\n');
  return lines.filter((line) => line.startsWith(prefix) && !line.includes('_bucket') && !line.endsWith(' 0'));
}

test('a run that fails, retries and completes is counted once for each fact', async () => {
  const metrics = testMetrics();
  const { run, submitted } = scriptedRun(
    [
      { key: 'a', capability: 'image.resize' },
      { key: 'b', capability: 'text.stats', dependencies: ['a'] },
      { key: 'c', capability: 'text.stats', dependencies: ['b'] },
    ],
    '',
    NOW_MS,
  );
  const { observer } = metrics;
  observer.committed('default', [submitted]);
  observer.committed('default', [starts(run, 0, 1, NOW_MS + 4)]);
  observer.committed('default', [
    happens(run, NOW_MS + 504, { ...RETRYING, task: 0, attempt: 1, retryAtMs: NOW_MS + 1_000 }),
    happens(run, NOW_MS + 1_000, { type: 'TaskReady', task: 0, input: undefined }),
  ]);
  observer.committed('default', [
    starts(run, 0, 2, NOW_MS + 1_006),
    completes(run, 0, 2, NOW_MS + 1_256),
    happens(run, NOW_MS + 1_256, { type: 'TaskReady', task: 1, input: undefined }),
  ]);
  observer.committed('default', [
    starts(run, 1, 1, NOW_MS + 1_266),
    happens(run, NOW_MS + 3_266, {
      type: 'TaskFailed',
      task: 1,
      reason: 'ATTEMPTS_EXHAUSTED',
      ended: { attempt: 1, end: 'TIMED_OUT' },
      error: ERROR,
      usage: undefined,
    }),
    happens(run, NOW_MS + 3_266, { type: 'TaskSkipped', task: 2, reason: 'UPSTREAM_FAILED', upstream: 1 }),
    happens(run, NOW_MS + 3_266, { type: 'RunFailed', reason: 'TASK_FAILED', failedTask: 1, message: '' }),
  ]);

  expect(await scrape(metrics, 'tutti_')).toEqual([
    'tutti_runs_submitted_total{namespace="default"} 1',
    'tutti_runs_ended_total{namespace="default",state="FAILED"} 1',
    'tutti_run_failures_total{namespace="default",reason="TASK_FAILED"} 1',
    'tutti_task_transitions_total{namespace="default",state="WAITING"} 2',
    'tutti_task_transitions_total{namespace="default",state="READY"} 3',
    'tutti_task_transitions_total{namespace="default",state="RUNNING"} 3',
    'tutti_task_transitions_total{namespace="default",state="RETRYING"} 1',
    'tutti_task_transitions_total{namespace="default",state="COMPLETED"} 1',
    'tutti_task_transitions_total{namespace="default",state="FAILED"} 1',
    'tutti_task_transitions_total{namespace="default",state="SKIPPED"} 1',
    'tutti_task_time_to_start_seconds_sum{capability="image.resize"} 0.01',
    'tutti_task_time_to_start_seconds_count{capability="image.resize"} 2',
    'tutti_task_time_to_start_seconds_sum{capability="text.stats"} 0.01',
    'tutti_task_time_to_start_seconds_count{capability="text.stats"} 1',
    'tutti_attempt_execution_seconds_sum{capability="image.resize"} 0.75',
    'tutti_attempt_execution_seconds_count{capability="image.resize"} 2',
    'tutti_attempt_execution_seconds_sum{capability="text.stats"} 2',
    'tutti_attempt_execution_seconds_count{capability="text.stats"} 1',
    'tutti_task_retries_total{capability="image.resize"} 1',
    'tutti_attempt_failures_total{capability="image.resize",end="FAILED"} 1',
    'tutti_attempt_failures_total{capability="text.stats",end="TIMED_OUT"} 1',
    'tutti_task_failures_total{capability="text.stats",reason="ATTEMPTS_EXHAUSTED"} 1',
  ]);
});

test('a cancelled attempt counts as executed; a task cancelled while queued does not', async () => {
  const metrics = testMetrics();
  const { run } = scriptedRun(
    [
      { key: 'a', capability: 'echo' },
      { key: 'b', capability: 'echo' },
    ],
    '',
    NOW_MS,
  );
  const cancelled = {
    type: 'TaskCancelled',
    reason: 'CANCEL_REQUESTED',
    partialResult: undefined,
    usage: undefined,
  } as const;
  metrics.observer.committed('default', [
    starts(run, 0, 1, NOW_MS),
    happens(run, NOW_MS + 250, { ...cancelled, task: 0, attempt: 1 }),
    happens(run, NOW_MS + 250, { ...cancelled, task: 1, attempt: undefined }),
    happens(run, NOW_MS + 250, { type: 'RunCancelled', reason: 'CANCEL_REQUESTED' }),
  ]);
  expect(await scrape(metrics, 'tutti_')).toEqual([
    'tutti_runs_ended_total{namespace="default",state="CANCELLED"} 1',
    'tutti_task_transitions_total{namespace="default",state="RUNNING"} 1',
    'tutti_task_transitions_total{namespace="default",state="CANCELLED"} 2',
    'tutti_task_time_to_start_seconds_count{capability="echo"} 1',
    'tutti_attempt_execution_seconds_sum{capability="echo"} 0.25',
    'tutti_attempt_execution_seconds_count{capability="echo"} 1',
  ]);
});

test('a start whose task is READY again by now gives no false time to start', async () => {
  const metrics = testMetrics();
  const { run } = scriptedRun([{ key: 'a', capability: 'echo' }], '', NOW_MS);
  metrics.observer.committed('default', [
    starts(run, 0, 1, NOW_MS + 5),
    happens(run, NOW_MS + 10, { ...RETRYING, task: 0, attempt: 1, retryAtMs: NOW_MS + 900 }),
    happens(run, NOW_MS + 900, { type: 'TaskReady', task: 0, input: undefined }),
  ]);
  expect(await scrape(metrics, 'tutti_task_time_to_start_seconds')).toEqual([]);
  expect(await scrape(metrics, 'tutti_attempt_execution_seconds_sum')).toEqual([
    'tutti_attempt_execution_seconds_sum{capability="echo"} 0.005',
  ]);
});

test('names beyond the limit share one series, so that no caller can fill the memory', async () => {
  const metrics = testMetrics(2);
  for (let index = 0; index < 50; index += 1) {
    const { run, submitted } = scriptedRun([{ key: 'a', capability: `capability-${index}` }], '', NOW_MS);
    metrics.observer.committed(`namespace-${index}`, [submitted, starts(run, 0, 1, NOW_MS + 1_000)]);
  }
  expect(await scrape(metrics, 'tutti_runs_submitted_total')).toEqual([
    'tutti_runs_submitted_total{namespace="namespace-0"} 1',
    'tutti_runs_submitted_total{namespace="namespace-1"} 1',
    'tutti_runs_submitted_total{namespace="(other)"} 48',
  ]);
  expect(await scrape(metrics, 'tutti_task_time_to_start_seconds_count')).toEqual([
    'tutti_task_time_to_start_seconds_count{capability="capability-0"} 1',
    'tutti_task_time_to_start_seconds_count{capability="capability-1"} 1',
    'tutti_task_time_to_start_seconds_count{capability="(other)"} 48',
  ]);
});

test('a namespace or capability that is named other is not the one of all others', async () => {
  const metrics = testMetrics(1);
  for (const name of ['other', 'another']) {
    const { run, submitted } = scriptedRun([{ key: 'a', capability: name }], '', NOW_MS);
    metrics.observer.committed(name, [submitted, starts(run, 0, 1, NOW_MS + 1_000)]);
  }
  expect(await scrape(metrics, 'tutti_runs_submitted_total')).toEqual([
    'tutti_runs_submitted_total{namespace="other"} 1',
    'tutti_runs_submitted_total{namespace="(other)"} 1',
  ]);
});

test('a scrape shows the engines as they are, and forgets queues that are gone', async () => {
  const metrics = testMetrics();
  let queues = [
    { capability: 'echo', depth: 7, oldestReadyAtMs: (NOW_MS - 2_500) as number | undefined },
    { capability: 'sleep', depth: 1, oldestReadyAtMs: undefined },
  ];
  let snapshots = 0;
  metrics.observeEngines(() => {
    snapshots += 1;
    return [
      { namespace: 'default', queues, executors: 2, slotsTotal: 32, slotsUsed: 5, leases: 5, activeRuns: 3 },
    ];
  });
  expect(await scrape(metrics, 'tutti_')).toEqual([
    'tutti_queue_depth{namespace="default",capability="echo"} 7',
    'tutti_queue_depth{namespace="default",capability="sleep"} 1',
    'tutti_queue_oldest_age_seconds{namespace="default",capability="echo"} 2.5',
    'tutti_executors{namespace="default"} 2',
    'tutti_executor_slots{namespace="default"} 32',
    'tutti_executor_slots_used{namespace="default"} 5',
    'tutti_leases{namespace="default"} 5',
    'tutti_runs_active{namespace="default"} 3',
  ]);
  expect(snapshots).toBe(1);
  queues = [];
  expect(await scrape(metrics, 'tutti_queue')).toEqual([]);
});

test('queues beyond the limit are added up, and the oldest of them tells the age', async () => {
  const metrics = testMetrics(1);
  const queue = (index: number) => ({
    capability: `c${index}`,
    depth: 1,
    oldestReadyAtMs: NOW_MS - 1_000 * (5 - index),
  });
  const engine = { executors: 1, slotsTotal: 1, slotsUsed: 1, leases: 1, activeRuns: 1 };
  metrics.observeEngines(() => [
    { ...engine, namespace: 'one', queues: [queue(0), queue(1), queue(2)] },
    { ...engine, namespace: 'two', queues: [queue(3)] },
  ]);
  expect(await scrape(metrics, 'tutti_queue')).toEqual([
    'tutti_queue_depth{namespace="one",capability="c0"} 1',
    'tutti_queue_depth{namespace="(other)",capability="(other)"} 3',
    'tutti_queue_oldest_age_seconds{namespace="one",capability="c0"} 5',
    'tutti_queue_oldest_age_seconds{namespace="(other)",capability="(other)"} 4',
  ]);
  expect(await scrape(metrics, 'tutti_executors')).toEqual([
    'tutti_executors{namespace="one"} 1',
    'tutti_executors{namespace="(other)"} 1',
  ]);
});

test('commits and watchers', async () => {
  const metrics = testMetrics();
  metrics.commitFinished('default', { events: 120, bytes: 9_000, durationMs: 4, ok: true });
  metrics.commitFinished('default', { events: 5, bytes: 100, durationMs: 900, ok: false });
  let watchers = 3;
  metrics.observeWatchers(() => watchers);
  expect(await scrape(metrics, 'tutti_')).toEqual([
    'tutti_commit_duration_seconds_sum 0.004',
    'tutti_commit_duration_seconds_count 1',
    'tutti_commit_events_sum 120',
    'tutti_commit_events_count 1',
    'tutti_commit_bytes_sum 9000',
    'tutti_commit_bytes_count 1',
    'tutti_commit_failures_total{namespace="default"} 1',
    'tutti_watchers 3',
  ]);
  watchers = 1;
  expect(await scrape(metrics, 'tutti_watchers')).toEqual(['tutti_watchers 1']);
});

test('watchers that were cut', async () => {
  const metrics = testMetrics();
  expect(await scrape(metrics, 'tutti_watchers_cut')).toEqual([]);
  metrics.watcherCut();
  metrics.watcherCut();
  expect(await scrape(metrics, 'tutti_watchers_cut')).toEqual(['tutti_watchers_cut_total 2']);
});

test('messages of executors that share an id', async () => {
  const metrics = testMetrics();
  metrics.idShared();
  expect(await scrape(metrics, 'tutti_executor_ids')).toEqual(['tutti_executor_ids_shared_total 1']);
});

test('messages of executors that are refused, by kind and reason', async () => {
  const metrics = testMetrics();
  metrics.messageRefused('report', 'STALE');
  expect(await scrape(metrics, 'tutti_executor_messages')).toEqual([
    'tutti_executor_messages_refused_total{kind="report",reason="STALE"} 1',
  ]);
});

test('the process is measured too, its event loop among the rest', async () => {
  const metrics = createMetrics({ nowMs: () => NOW_MS });
  const text = await metrics.registry.metrics();
  expect(text).toContain('nodejs_eventloop_lag_p99_seconds ');
  expect(text).toContain('process_resident_memory_bytes ');
});
