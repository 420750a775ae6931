// How does the HTTP door count what its requests hold? See api/intake.ts.

import type { Intake, Visit } from '../intake.ts';
import { type HttpRequest, type HttpResponse, refuse } from './adapter.ts';

/** Undefined if it was refused: there are too many. */
export function enter(intake: Intake, request: HttpRequest, response: HttpResponse): Visit | undefined {
  const visit = intake.enter({
    isWhole: () => request.complete,
    unreadBytes: () => response.writableLength,
    refuse(error) {
      // Neither is of use to a connection whose sender stopped in the middle.
      response.once('finish', () => request.destroy());
      if (response.headersSent) response.destroy();
      else refuse(response, error);
    },
    cut: () => response.destroy(),
  });
  if (visit === undefined) refuse(response, intake.tooMuch());
  else response.once('close', visit.leave);
  return visit;
}
