// Does the server take calls? grpc.health.v1, for load balancers and probes.
//
// It says SERVING also while commits fail: reads go on, calls that change state are told to be repeated,
// and clients that trust this answer would otherwise never send the call that shows the recovery. Whether
// commits succeed is what GET /readyz of the HTTP door tells.

import { setTimeout as delay } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import {
  type HealthCheckRequest,
  type HealthCheckResponse,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as Status,
} from '@tutti/proto/grpc/health/v1/health_pb.ts';
import type { CallContext } from '../call.ts';
import { notServing, unknownService } from '../errors.ts';

/** How soon a watcher hears of a change: it has to leave before the server does. */
const WATCH_INTERVAL_MS = 200;

/** @param names of the services that are served; the empty name stands for all of them */
export function createHealth(serving: () => boolean, names: ReadonlySet<string>) {
  function statusOf(service: string): Status {
    if (service !== '' && !names.has(service)) return Status.SERVICE_UNKNOWN;
    return serving() ? Status.SERVING : Status.NOT_SERVING;
  }

  return {
    async check({ service }: HealthCheckRequest): Promise<HealthCheckResponse> {
      const status = statusOf(service);
      if (status === Status.SERVICE_UNKNOWN) throw unknownService(service, names);
      return create(HealthCheckResponseSchema, { status });
    },

    async *watch(
      { service }: HealthCheckRequest,
      { signal }: CallContext,
    ): AsyncGenerator<HealthCheckResponse> {
      let told: Status | undefined;
      while (!signal.aborted) {
        const status = statusOf(service);
        if (status !== told) yield create(HealthCheckResponseSchema, { status });
        told = status;
        // It serves from its start on until it stops: there is nothing more to tell.
        if (status === Status.NOT_SERVING) throw notServing();
        await delay(WATCH_INTERVAL_MS, undefined, { signal }).catch(() => {});
      }
      if (told !== Status.NOT_SERVING)
        yield create(HealthCheckResponseSchema, { status: Status.NOT_SERVING });
      throw notServing();
    },
  };
}
