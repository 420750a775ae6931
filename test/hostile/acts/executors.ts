// What someone on NATS can do who has more than one message to send.

import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  HeartbeatRequestSchema,
  RegisterRequestSchema,
  RegisterResponseSchema,
  ReportRequestSchema,
} from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import type { Answer } from '../doors/answer.ts';
import type { Scene } from '../scene.ts';
import type { Act } from './index.ts';

const AT_ONCE = 500;

export const executorActs: Readonly<Record<string, Act>> = {
  registrations: (scene, _door, { count }) =>
    lastOf(scene, Number(count), (index) => ['flood', registration(`e${index}`)]),
  namespaces: (scene, _door, { count }) =>
    lastOf(scene, Number(count), (index) => [`flood-${index}`, registration('e')]),
  takeovers: (scene, _door, { count }) => lastOf(scene, Number(count), () => ['taken', registration('e')]),
  async replays(scene, _door, { count }) {
    const executorId = 'bob';
    const { 'bob.session': session = '', 'bob.token': leaseToken = '' } = scene.values;
    const reports = [{ leaseToken, outcome: { case: 'completed' as const, value: {} } }];
    const bytes = toBinary(
      ReportRequestSchema,
      create(ReportRequestSchema, { executorId, session, reports }),
    );
    const answers = await inTurns(Number(count), () => scene.nats.request('reports', bytes));
    return answers.find(({ statuses }) => String(statuses) !== 'RECORDED') ?? (answers[0] as Answer);
  },
  async oldSession(scene) {
    const first = await sessionOf(scene, 'replayed');
    await sessionOf(scene, 'replayed');
    const heartbeat = create(HeartbeatRequestSchema, { executorId: 'replayed', session: first });
    return scene.nats.request('executors.heartbeat', toBinary(HeartbeatRequestSchema, heartbeat));
  },
  async unanswerable(scene, _door, { count }) {
    const { connection } = scene.nats;
    for (let index = 0; index < Number(count); index += 1) {
      connection.publish('tutti.v1.default.reports', registration(`u${index}`));
    }
    return afterwards(scene);
  },
  async redirected(scene, _door, { to }) {
    const { connection } = scene.nats;
    for (let index = 0; index < 100; index += 1) {
      connection.publish('tutti.v1.redirected.executors.register', registration('e'), { reply: String(to) });
    }
    return afterwards(scene);
  },
  async presence(scene, _door, { n }) {
    const { connection } = scene.nats;
    const texts = [
      Buffer.alloc(Number(n), 0xff),
      '{"id":1,"startedAtMs":"x"}',
      `[${'['.repeat(Number(n))}`,
      'null',
    ];
    for (const text of texts)
      connection.publish('tutti.v1._orchestrator', text, { reply: 'tutti.v1.nobody' });
    return afterwards(scene);
  },
  async hugeAnswer(scene) {
    const { connection } = scene.nats;
    const capabilities = Array.from({ length: 256 }, (_, index) => ({ name: `${'c'.repeat(120)}${index}` }));
    const held = Array.from({ length: 100_000 }, (_, index) => `${'t'.repeat(58)}${index}`);
    const message = create(RegisterRequestSchema, { executorId: 'huge', slots: 1, capabilities, held });
    const { data } = await connection.request(
      'tutti.v1.huge.executors.register',
      toBinary(RegisterRequestSchema, message),
      {
        timeout: 10_000,
      },
    );
    const { result } = fromBinary(RegisterResponseSchema, data);
    return { kind: result.case === 'registration' ? 'accepted' : 'refused' };
  },
};

function registration(executorId: string): Uint8Array {
  const message: MessageInitShape<typeof RegisterRequestSchema> = {
    executorId,
    slots: 1,
    capabilities: [{ name: 'nothing' }],
  };
  return toBinary(RegisterRequestSchema, create(RegisterRequestSchema, message));
}

async function sessionOf({ nats }: Scene, executorId: string): Promise<string> {
  const { data } = await nats.connection.request(
    'tutti.v1.default.executors.register',
    registration(executorId),
  );
  const { result } = fromBinary(RegisterResponseSchema, data);
  return result.case === 'registration' ? result.value.session : '';
}

/** What was sent before it is dealt with once an answer to it has come. */
async function afterwards(scene: Scene): Promise<Answer> {
  const answer = await scene.nats.request('executors.register', new Uint8Array());
  return answer.reason === 'INVALID_FIELD' ? { kind: 'accepted' } : answer;
}

/** The answer that the last one gets. */
async function lastOf(
  scene: Scene,
  count: number,
  nth: (index: number) => [string, Uint8Array],
): Promise<Answer> {
  const answers = await inTurns(count, (index) => {
    const [namespace, bytes] = nth(index);
    return scene.nats.request('executors.register', bytes, { namespace });
  });
  await scene.canary.next();
  return answers.at(-1) as Answer;
}

async function inTurns(count: number, one: (index: number) => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let begun = 0; begun < count; begun += AT_ONCE) {
    const size = Math.min(AT_ONCE, count - begun);
    answers.push(...(await Promise.all(Array.from({ length: size }, (_, index) => one(begun + index)))));
  }
  return answers;
}
