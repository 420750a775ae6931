// What an engine says, in lines that people can read: events as `revision run[/task] Change details`,
// effects behind `->`.

import type { Payload } from '../domain/payload.ts';
import type { Effect, EngineEvent, EngineOutput } from './outputs.ts';

export function describeOutput(output: EngineOutput): string {
  return [...output.events.map(describeEvent), ...output.effects.map(describeEffect)].join('\n');
}

function describeEvent({ run, event }: EngineEvent): string {
  const { change } = event;
  const key = (task: number) => run.graph.spec.tasks[task]?.key ?? '?';
  const subject = 'task' in change ? `${run.runId}/${key(change.task)}` : run.runId;
  return [event.revision, subject, change.type, ...details(change, key)].join(' ');
}

function details(change: EngineEvent['event']['change'], key: (task: number) => string): string[] {
  switch (change.type) {
    case 'TaskStarted':
      if (change.leaseToken === '')
        return [`#${change.attempt}`, 'by the orchestrator', ...childOf(change.childRunId)];
      return [`#${change.attempt}`, `on ${change.executorId}`, change.leaseToken];
    case 'TaskRetrying':
      return [
        `#${change.attempt}`,
        change.end,
        change.error.code,
        `again at ${change.retryAtMs}`,
        ...(change.fallback === true ? ['by the fallback'] : []),
        ...(change.feedback === undefined ? [] : [`because ${change.feedback.reason}`]),
      ];
    case 'TaskFailed':
      return [change.reason, ...(change.ended ? [`#${change.ended.attempt}`, change.ended.end] : [])];
    case 'TaskCancelled':
      return [change.reason, ...(change.attempt === undefined ? [] : [`#${change.attempt}`])];
    case 'TaskSkipped':
      return [change.reason, ...(change.upstream === undefined ? [] : [`by ${key(change.upstream)}`])];
    case 'TaskRouted':
      return [change.met ? 'met' : 'not met', `by ${key(change.upstream)}`];
    case 'TaskCancelling':
      return [change.reason, `grace ${change.graceMs}`];
    case 'TaskCompleted':
      return [
        `#${change.attempt}`,
        ...(change.error === undefined ? [] : [`in spite of ${change.error.code}`]),
      ];
    case 'TaskProgressed':
      return [`#${change.attempt}`, `${change.progress?.percent ?? '-'}%`];
    case 'RunCancelling':
    case 'RunCancelled':
      return [change.reason];
    case 'RunFailed':
      return [change.reason, ...(change.failedTask === undefined ? [] : [`by ${key(change.failedTask)}`])];
    case 'RunCompleted':
      return describePayload('output', change.output);
    case 'TaskReady':
      return describePayload('input', change.input);
    case 'RunSubmitted':
      return childOf(change.parent && `${change.parent.runId}/${change.parent.taskKey}`);
    case 'RunPaused':
      return change.message === '' ? [] : [change.message];
    case 'RunResumed':
      return [];
    case 'RunSignalled':
      return [change.name, ...describePayload('with', change.payload)];
    case 'RunRestarted':
      return [change.scope, ...(change.from === undefined ? [] : [key(change.from)])];
    case 'RunCompensating':
      return [change.verdict.outcome, change.verdict.reason];
    case 'TasksAdded':
      return [
        ...(change.owner === undefined ? [] : [`for ${key(change.owner)}`]),
        ...change.specs.map((spec) => spec.key),
      ];
    case 'TaskHeld':
      return [change.reason, ...(change.untilMs === undefined ? [] : [`until ${change.untilMs}`])];
    case 'TaskSentBack':
      return [
        `#${change.attempt}`,
        `to ${key(change.to)}`,
        `for the ${change.iteration}. time`,
        change.because,
      ];
    case 'TaskReset':
      return [change.reason, ...(change.feedback === undefined ? [] : [`because ${change.feedback.reason}`])];
    case 'TaskRepeating':
      return [
        `#${change.attempt}`,
        `iteration ${change.iteration}`,
        change.repeatAtMs === undefined ? 'when something has ended' : `at ${change.repeatAtMs}`,
      ];
    case 'TaskExpanded':
      return [`${change.itemCount} items`];
    case 'TaskSignalled':
      return [`#${change.attempt}`, change.name];
    case 'TaskValidating':
      return [`#${change.attempt}`, `guardrail ${change.guardrail}`];
    case 'TaskDependenciesChanged':
      return [`on ${change.dependencies.map((each) => each.key).join(',')}`];
  }
}

function childOf(name: string | undefined): string[] {
  return name === undefined || name === '' ? [] : [`for ${name}`];
}

function describePayload(name: string, payload: Payload | undefined): string[] {
  return payload === undefined ? [] : [`${name} ${new TextDecoder().decode(payload.bytes)}`];
}

function describeEffect(effect: Effect): string {
  switch (effect.type) {
    case 'Assign': {
      const { leaseToken, taskKey, attempt, input, dependencies, ...more } = effect.assignment;
      const { feedback, iteration, checkpoint } = more;
      const upstream = dependencies.map(({ key, state }) => `${key}=${state}`);
      const text = new TextDecoder().decode(input.bytes);
      if (text !== '') upstream.push(`input ${text}`);
      if (iteration > 0) upstream.push(`iteration ${iteration}`);
      if (feedback !== undefined) upstream.push(`because ${feedback.reason}`);
      upstream.push(...describePayload('from checkpoint', checkpoint));
      return ['-> assign', leaseToken, `${taskKey}#${attempt}`, `to ${effect.executorId}`, ...upstream].join(
        ' ',
      );
    }
    case 'Cancel': {
      const { leaseToken, reason, graceMs } = effect.cancellation;
      return `-> cancel ${leaseToken} on ${effect.executorId} ${reason} grace ${graceMs}`;
    }
    case 'Reply': {
      const { reply } = effect;
      return reply.ok ? `-> ${JSON.stringify(reply.value)}` : `-> refused ${reply.rejection.code}`;
    }
  }
}
