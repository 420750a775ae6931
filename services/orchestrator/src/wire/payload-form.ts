// How are the payloads of an answer brought into the form that its reader asked for?

import type { Event } from '@tutti/proto/tutti/v1/event_pb.ts';
import { type Payload, PayloadForm as PayloadFormMessage } from '@tutti/proto/tutti/v1/payload_pb.ts';
import type { Feedback, TaskError } from '@tutti/proto/tutti/v1/task_pb.ts';
import { fromPayload, type PayloadForm, toPayload } from './payload.ts';

export type { PayloadForm } from './payload.ts';

export function payloadFormFromWire(form: PayloadFormMessage): PayloadForm {
  return form === PayloadFormMessage.VALUE ? 'VALUE' : 'BYTES';
}

/** Contract: the payload comes from the store, so it is bytes. */
export function inForm(payload: Payload, form: PayloadForm): Payload {
  return form === 'BYTES' ? payload : fromPayload(toPayload(payload), form);
}

/** Changes the error in place. */
export function errorInForm(error: TaskError | undefined, form: PayloadForm): TaskError | undefined {
  if (error?.details !== undefined) error.details = inForm(error.details, form);
  return error;
}

/** Changes it in place. */
export function feedbackInForm<T extends Feedback | undefined>(feedback: T, form: PayloadForm): T {
  if (feedback?.refusedResult !== undefined) feedback.refusedResult = inForm(feedback.refusedResult, form);
  if (feedback?.decision !== undefined) feedback.decision = inForm(feedback.decision, form);
  return feedback;
}

/** Changes the event in place. */
export function eventInForm(event: Event, form: PayloadForm): Event {
  if (form === 'BYTES') return event;
  const { change } = event;
  switch (change.case) {
    case 'taskCompleted':
      errorInForm(change.value.error, form);
      if (change.value.result !== undefined) change.value.result = inForm(change.value.result, form);
      break;
    case 'taskSentBack':
    case 'taskValidating':
    case 'taskRepeating':
      if (change.value.result !== undefined) change.value.result = inForm(change.value.result, form);
      if (change.case === 'taskRepeating' && change.value.nextInput !== undefined) {
        change.value.nextInput = inForm(change.value.nextInput, form);
      }
      break;
    case 'taskReset':
      feedbackInForm(change.value.feedback, form);
      break;
    case 'taskExpanded':
      if (change.value.items !== undefined) change.value.items = inForm(change.value.items, form);
      break;
    case 'runSignalled':
      if (change.value.payload !== undefined) change.value.payload = inForm(change.value.payload, form);
      break;
    case 'taskCancelled':
      if (change.value.partialResult !== undefined) {
        change.value.partialResult = inForm(change.value.partialResult, form);
      }
      break;
    case 'runCompleted':
      if (change.value.output !== undefined) change.value.output = inForm(change.value.output, form);
      break;
    case 'taskReady':
      if (change.value.input !== undefined) change.value.input = inForm(change.value.input, form);
      break;
    case 'taskRetrying':
      errorInForm(change.value.error, form);
      feedbackInForm(change.value.feedback, form);
      break;
    case 'taskFailed':
      errorInForm(change.value.attemptError, form);
      errorInForm(change.value.error, form);
      break;
    case 'runSubmitted':
    case 'runCancelling':
    case 'runFailed':
    case 'runCancelled':
    case 'taskRouted':
    case 'taskStarted':
    case 'taskProgressed':
    case 'taskCancelling':
    case 'taskSkipped':
    case 'runPaused':
    case 'runResumed':
    case 'runRestarted':
    case 'runCompensating':
    case 'tasksAdded':
    case 'taskHeld':
    case 'taskSignalled':
    case 'taskDependenciesChanged':
    case undefined:
      break; // Holds no payload.
  }
  return event;
}
