// Two orchestrators on one prefix would both answer the same executors: P1 and P2 of presence.ts, on a
// real nats-server.

import { expect, test } from 'vitest';
import { type PresenceOptions, startPresence } from './presence.ts';
import { createSubjects } from './subjects.ts';
import { until, useTestNats } from './test-support.ts';

const nats = useTestNats();

let ids = 0;

async function optionsOf(prefix: string, more: Partial<PresenceOptions> = {}): Promise<PresenceOptions> {
  ids += 1;
  const link = await nats.link();
  const place = `process ${ids}`;
  return {
    link,
    prefix,
    subjects: createSubjects(prefix),
    orchestratorId: `o-${ids}`,
    startedAtMs: ids,
    place,
    ...more,
  };
}

test('a second orchestrator on the prefix is refused, with the first one and the remedy named (P1)', async () => {
  const options = await optionsOf('one');
  const first = await startPresence(options);
  const second = await optionsOf('one');
  await expect(startPresence(second)).rejects.toThrow(
    /^Another orchestrator \(process 1\) serves the subjects of 'one' .*--nats-prefix/,
  );
  // Another prefix is another installation.
  (await startPresence(await optionsOf('two'))).stop();
  first.stop();
  await options.link.flush();
  (await startPresence(second)).stop();
});

test('one that was killed does not stand in the way of its next start, nor is it waited for (P1)', async () => {
  const killed = await optionsOf('killed');
  await startPresence(killed);
  // As the end of its process would.
  await killed.link.close();
  const startedAtMs = performance.now();
  const next = await startPresence(await optionsOf('killed', { answerTimeoutMs: 60_000 }));
  expect(performance.now() - startedAtMs).toBeLessThan(50_000);
  next.stop();
});

test('one that is subscribed but never answers is taken for dead (P1)', async () => {
  const dead = await nats.client();
  dead.subscribe('mute._orchestrator', { callback: () => {} });
  await dead.flush();
  (await startPresence(await optionsOf('mute', { answerTimeoutMs: 50 }))).stop();
});

test('what is no answer of an orchestrator is not taken for one', async () => {
  const joker = await nats.client();
  joker.subscribe('joke._orchestrator', { callback: (_error, message) => void message.respond('{"id":1}') });
  await joker.flush();
  (await startPresence(await optionsOf('joke', { answerTimeoutMs: 50 }))).stop();
});

test('two that start at once find each other, and the younger one gives up (P2)', async () => {
  // Each asks before the other answers.
  const options = [await optionsOf('race'), await optionsOf('race')];
  const starts = await Promise.allSettled(options.map((one) => startPresence({ ...one, askIntervalMs: 20 })));
  const running = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
  expect(running.length).toBeGreaterThan(0);
  const [older, younger] = running;
  if (younger !== undefined) {
    expect((await younger.rivalled).message).toContain("subjects of 'race'");
    younger.stop();
  }
  let olderGaveUp = false;
  void older?.rivalled.then(() => {
    olderGaveUp = true;
  });
  const asking = await nats.client();
  let asked = 0;
  asking.subscribe('race._orchestrator', {
    callback: () => {
      asked += 1;
    },
  });
  await until(() => asked >= 2, 'the older one asks on');
  expect(olderGaveUp).toBe(false);
  older?.stop();
});

test('one that turns up later and is older makes the younger one give up (P2)', async () => {
  const younger = await startPresence(await optionsOf('split', { askIntervalMs: 20 }));
  // As an orchestrator that NATS was cut off from while this one started.
  const older = await nats.client();
  const said = JSON.stringify({ id: 'old', startedAtMs: 0, place: 'process 0' });
  older.subscribe('split._orchestrator', { callback: (_error, message) => void message.respond(said) });
  expect((await younger.rivalled).message).toContain('process 0');
  younger.stop();
});

test('one that asks its last before the older is subscribed gives up when the older asks (P2)', async () => {
  const [olderOptions, youngerOptions] = [await optionsOf('late'), await optionsOf('late')];
  // The older hears only late that nobody is there, as in a process that is busy with its start.
  const held: (() => void)[] = [];
  const busyLink: PresenceOptions['link'] = {
    ...olderOptions.link,
    subscribe: (subject, handler) =>
      olderOptions.link.subscribe(subject, (message) => {
        if (message.headers?.code === 503) held.push(() => handler(message));
        else handler(message);
      }),
  };
  const starting = startPresence({ ...olderOptions, link: busyLink, answerTimeoutMs: 60_000 });
  await until(() => held.length === 1, 'the older one has asked');
  const younger = await startPresence(youngerOptions);
  await youngerOptions.link.flush();
  for (const hear of held) hear();
  const older = await starting;
  let olderGaveUp = false;
  void older.rivalled.then(() => {
    olderGaveUp = true;
  });
  expect((await younger.rivalled).message).toContain(olderOptions.place);
  await olderOptions.link.flush();
  expect(olderGaveUp).toBe(false);
  younger.stop();
  older.stop();
});

test('one that is refused does not make the one that runs give up, though its clock says older (P1)', async () => {
  const running = await startPresence(await optionsOf('clock'));
  let gaveUp = false;
  void running.rivalled.then(() => {
    gaveUp = true;
  });
  await expect(startPresence(await optionsOf('clock', { startedAtMs: 0 }))).rejects.toThrow('clock');
  expect(gaveUp).toBe(false);
  running.stop();
});
