// Who does the work? Executors that take what they are given, do nothing, and report all of it in one request.

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  ExecutorPhase,
  RegisterRequestSchema,
  RegisterResponseSchema,
  ReportRequestSchema,
  ReportResponseSchema,
  ReportStatus,
  TaskBatchSchema,
} from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';

export interface CrewDependencies {
  readonly namespace: string;
  request(kind: string, bytes: Uint8Array): Promise<Uint8Array>;
  /** Messages that came since it was asked last. */
  taken(): readonly { readonly subject: string; readonly bytes: Uint8Array }[];
}

type Quiet = () => Promise<void>;

/** Enough for a group commit of some size. */
const EXECUTORS = ['a', 'b'];
const SLOTS = 64;

export function createCrew({ request, taken }: CrewDependencies) {
  const sessions = new Map<string, string>();

  async function report(executorId: string, leaseTokens: readonly string[]): Promise<void> {
    const session = sessions.get(executorId) ?? '';
    const reports = leaseTokens.map((leaseToken) => ({
      leaseToken,
      outcome: { case: 'completed' as const, value: {} },
    }));
    const message = create(ReportRequestSchema, { executorId, session, reports });
    const { result } = fromBinary(
      ReportResponseSchema,
      await request('reports', toBinary(ReportRequestSchema, message)),
    );
    const statuses = result.case === 'acks' ? result.value.statuses : [];
    if (statuses.length === leaseTokens.length && statuses.every((each) => each === ReportStatus.RECORDED))
      return;
    throw new Error(`reports were not recorded: ${JSON.stringify(result)}`);
  }

  return {
    async register(quiet: Quiet): Promise<void> {
      for (const executorId of EXECUTORS) {
        const message = create(RegisterRequestSchema, {
          executorId,
          capabilities: [{ name: 'noop' }],
          slots: SLOTS,
          phase: ExecutorPhase.ACTIVE,
        });
        const answered = request('executors.register', toBinary(RegisterRequestSchema, message));
        await quiet();
        const { result } = fromBinary(RegisterResponseSchema, await answered);
        if (result.case !== 'registration') throw new Error(`not registered: ${JSON.stringify(result)}`);
        sessions.set(executorId, result.value.session);
      }
    },

    /** Until nothing more comes. Returns how many attempts were done. */
    async serve(quiet: Quiet): Promise<number> {
      let done = 0;
      for (let messages = taken(); messages.length > 0; messages = taken()) {
        const reported = messages.map(({ subject, bytes }) => {
          const tokens = fromBinary(TaskBatchSchema, bytes).assignments.map(({ leaseToken }) => leaseToken);
          done += tokens.length;
          return report(subject.slice(subject.lastIndexOf('.') + 1), tokens);
        });
        await quiet();
        await Promise.all(reported);
      }
      return done;
    },
  };
}
