// Which spans do the committed events of a sampled run make? Its queueing times, and the run itself.

import { type Attributes, SpanStatusCode, type Tracer } from '@opentelemetry/api';
import { capabilityOf } from '../domain/lookup.ts';
import type { RunState } from '../domain/state.ts';
import type { TaskState } from '../domain/states.ts';
import type { CommitObserver, CommittedEvent } from '../runtime/ports.ts';
import type { PublishedAttempts } from './published-attempts.ts';
import { contextOf, isSampled } from './span-context.ts';

export function createRunSpans(tracer: Tracer, published: PublishedAttempts): CommitObserver {
  function queueSpan(namespace: string, run: RunState, task: number, attempt: number, atMs: number): void {
    const spec = run.graph.spec.tasks[task];
    const readyAtMs = run.tasks[task]?.readyAtMs;
    // By now the task may be READY again; that time is then of the next attempt.
    if (spec === undefined || readyAtMs === undefined || readyAtMs > atMs) return;
    const attributes = {
      'tutti.namespace': namespace,
      'tutti.run.id': run.runId,
      'tutti.task.key': spec.key,
      'tutti.attempt': attempt,
      'tutti.priority': spec.priority,
    };
    tracer
      .startSpan(
        `queue ${capabilityOf(run, task)}`,
        { startTime: readyAtMs, attributes },
        contextOf(run.traceparent),
      )
      .end(atMs);
  }

  function runSpan(
    namespace: string,
    run: RunState,
    state: 'COMPLETED' | 'FAILED' | 'CANCELLED',
    atMs: number,
  ): void {
    const span = tracer.startSpan(
      run.graph.spec.name === '' ? 'run' : `run ${run.graph.spec.name}`,
      { startTime: run.submittedAtMs, attributes: runAttributes(namespace, run, state) },
      contextOf(run.traceparent),
    );
    if (state === 'FAILED') span.setStatus({ code: SpanStatusCode.ERROR, message: run.reason });
    // The clock may have jumped back since the submission.
    span.end(Math.max(atMs, run.submittedAtMs));
    published.forget(namespace, run.runId);
  }

  function observe(namespace: string, { run, event }: CommittedEvent): void {
    switch (event.change.type) {
      case 'TaskStarted':
        if (event.change.leaseToken === '') return; // It waited for nobody.
        queueSpan(namespace, run, event.change.task, event.change.attempt, event.atMs);
        return;
      case 'RunCompleted':
        runSpan(namespace, run, 'COMPLETED', event.atMs);
        return;
      case 'RunFailed':
        runSpan(namespace, run, 'FAILED', event.atMs);
        return;
      case 'RunCancelled':
        runSpan(namespace, run, 'CANCELLED', event.atMs);
        return;
      case 'RunSubmitted':
      case 'RunCancelling':
      case 'TaskReady':
      case 'TaskProgressed':
      case 'TaskCancelling':
      case 'TaskRetrying':
      case 'TaskCompleted':
      case 'TaskFailed':
      case 'TaskCancelled':
      case 'TaskSkipped':
      case 'TaskRouted':
      case 'RunPaused':
      case 'RunResumed':
      case 'RunSignalled':
      case 'RunRestarted':
      case 'RunCompensating':
      case 'TasksAdded':
      case 'TaskHeld':
      case 'TaskSentBack':
      case 'TaskReset':
      case 'TaskRepeating':
      case 'TaskExpanded':
      case 'TaskSignalled':
      case 'TaskValidating':
      case 'TaskDependenciesChanged':
        return;
    }
  }

  return {
    committed(namespace, events) {
      for (const committed of events) if (isSampled(committed.run.traceparent)) observe(namespace, committed);
    },
  };
}

function runAttributes(namespace: string, run: RunState, state: string): Attributes {
  const attributes: Attributes = {
    'tutti.namespace': namespace,
    'tutti.run.id': run.runId,
    'tutti.run.state': state,
  };
  if (run.reason !== 'NONE') attributes['tutti.run.reason'] = run.reason;
  const failed = run.failedTask === undefined ? undefined : run.graph.spec.tasks[run.failedTask];
  if (failed !== undefined) attributes['tutti.run.failed_task'] = failed.key;
  for (const name of Object.keys(run.counts) as TaskState[]) {
    if (run.counts[name] > 0) attributes[`tutti.tasks.${name.toLowerCase()}`] = run.counts[name];
  }
  return attributes;
}
