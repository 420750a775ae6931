// Obtaining a nats-server may take minutes: it comes before everything else, and ends when asked to.

import { expect, test } from 'vitest';
import type { ChildSpec } from './child.ts';
import { withNatsServer } from './nats-server.ts';
import { orchestratorProgram, type UpOptions } from './programs.ts';

const options: UpOptions = {
  dataFolder: '/nowhere',
  grpcPort: 0,
  httpPort: 0,
  natsUrl: undefined,
  natsServer: undefined,
  executorCount: 0,
  slots: 1,
  namespace: 'default',
};
const script = (code: string): ChildSpec => ({ name: 'the search', args: ['-e', code], env: process.env });
const never = new AbortController().signal;
const quiet = (): void => {};

test('the orchestrator is told what was found', async () => {
  const said: string[] = [];
  const found = await withNatsServer(
    options,
    never,
    (line) => said.push(line),
    script(`console.error('looking'); console.log('/some/nats-server')`),
  );
  expect(found.natsServer).toBe('/some/nats-server');
  expect(said).toEqual(['looking']);
  expect(orchestratorProgram(found).env.TUTTI_NATS_SERVER).toBe('/some/nats-server');
});

test('nothing is looked for where NATS is somewhere else, or a server was named', async () => {
  const forbidden = script('process.exit(9)');
  for (const given of [{ natsUrl: 'nats://a:1' }, { natsServer: '/mine' }]) {
    const known = { ...options, ...given };
    expect(await withNatsServer(known, never, quiet, forbidden)).toEqual(known);
  }
});

test('a search that fails is said', async () => {
  await expect(withNatsServer(options, never, quiet, script('process.exit(1)'))).rejects.toThrow(
    'the search found none and could obtain none (exit code 1)',
  );
});

test('a search that takes long ends when asked to', async () => {
  const asked = new AbortController();
  const endless = script(`setInterval(() => {}, 1000)`);
  const searching = withNatsServer(options, asked.signal, quiet, endless);
  asked.abort(new Error('interrupted'));
  await expect(searching).rejects.toThrow('interrupted');
});
