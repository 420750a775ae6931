import { expect, test } from 'vitest';
import { chooseCapabilities } from './capabilities/all.ts';
import { type Configuration, readConfiguration } from './configuration.ts';

function read(args: readonly string[], env: Record<string, string> = {}): Configuration {
  const result = readConfiguration(args, env);
  if (result.type !== 'Run') throw new Error(`not accepted: ${JSON.stringify(result)}`);
  return result.configuration;
}

function names(configuration: Configuration): readonly string[] {
  const result = chooseCapabilities(configuration);
  if (result.type === 'Refused') throw new Error(result.message);
  return Object.keys(result.capabilities);
}

test('nothing that reaches beyond a task is on by itself', () => {
  const configuration = read([]);
  expect(configuration).toMatchObject({
    natsUrl: 'nats://127.0.0.1:4222',
    namespace: 'default',
    slots: 16,
    readFolder: undefined,
    writeFolder: undefined,
    allowedAddresses: [],
    drainTimeoutMs: 25_000,
    exitWithParent: false,
  });
  expect(configuration.commands.size).toBe(0);
  expect(names(configuration)).toEqual([
    'echo',
    'merge',
    'sleep',
    'http.request',
    'text.stats',
    'text.merge',
    'chart.svg',
  ]);
});

test('flags win over the environment', () => {
  const env = {
    TUTTI_NATS_URL: 'nats://a:1',
    TUTTI_NAMESPACE: 'from-env',
    TUTTI_EXECUTOR_SLOTS: '3',
    TUTTI_EXECUTOR_COMMANDS: 'git=/usr/bin/git, ls=/bin/ls',
    TUTTI_EXECUTOR_ALLOWED_ADDRESSES: '10.0.0.0/8,::1',
    TUTTI_EXECUTOR_LABELS: 'zone=a',
  };
  const configuration = read(
    ['--slots', '5', '--label', 'zone=b', '--label', 'gpu=', '--exit-with-parent'],
    env,
  );
  expect(configuration).toMatchObject({
    natsUrl: 'nats://a:1',
    namespace: 'from-env',
    slots: 5,
    labels: { zone: 'b', gpu: '' },
    allowedAddresses: ['10.0.0.0/8', '::1'],
    exitWithParent: true,
  });
  expect([...configuration.commands]).toEqual([
    ['git', '/usr/bin/git'],
    ['ls', '/bin/ls'],
  ]);
  expect(names(configuration)).toContain('command.run');
});

test('capabilities can be chosen; what is not possible is refused and explained', () => {
  expect(names(read(['--capabilities', 'echo, sleep']))).toEqual(['echo', 'sleep']);
  const refused = chooseCapabilities(read(['--capabilities', 'echo,command.run,nope']));
  expect(refused).toEqual({
    type: 'Refused',
    message: expect.stringMatching(/command\.run,nope.*--allow-command/),
  });
});

test.each([
  [['--slots', '0']],
  [['--slots', '1.5']],
  [['--slots', '10001']],
  [['--label', 'novalue']],
  [['--allow-command', 'ls']],
  [['--allow-command', 'ls=bin/ls']],
  [['--allow-address', 'example.org']],
  [['--log-level', 'loud']],
  [['--drain-timeout', '-1']],
  [['--unknown']],
  [['stray']],
])('refuses %j with what was wrong', (args) => {
  const named = args[0]?.replace(/^--/, '') ?? '';
  expect(readConfiguration(args, {})).toEqual({ type: 'Refused', message: expect.stringContaining(named) });
});

test('help tells every flag', () => {
  const result = readConfiguration(['--help'], {});
  expect(result).toMatchObject({ type: 'Help', text: expect.stringContaining('--exit-with-parent') });
});
