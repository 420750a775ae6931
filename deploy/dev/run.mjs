// How does a command of package.json get from the machine's own Node to the project's?
//
// usage: node deploy/dev/run.mjs COMMAND [ARGUMENTS]
//
// Sets up what is missing, then starts the command with the Node that the project brings. The shell
// that npm started may still know another `node`, so the path is given in full. The scripts say `exec`
// because that shell would die of a signal and leave the command behind.

import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { projectEnvironment, root, setUp } from './setup.mjs';

const commands = {
  verify: { nats: true, recorder: true, program: 'deploy/dev/verify.ts' },
  demo: { nats: true, program: 'deploy/demo/demo.ts' },
  bench: { nats: true, peersWith: '--against', program: 'test/bench/main.ts' },
  simulate: { nats: false, program: 'test/simulation/main.ts' },
  planted: { nats: false, program: 'test/simulation/planted/main.ts' },
  chaos: { nats: true, program: 'test/chaos/main.ts' },
  'power-loss': { nats: false, program: 'test/power-loss/main.ts' },
  overload: { nats: true, program: 'test/overload/main.ts' },
  fuzz: { nats: true, program: 'test/hostile/fuzz/main.ts' },
  tutti: { nats: false, program: 'clients/cli/src/main.ts' },
  generate: { nats: false, program: 'deploy/dev/generate.ts' },
  format: { nats: false, program: 'node_modules/@biomejs/biome/bin/biome', args: ['check', '--write', '.'] },
};

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/** The process becomes the command where Node can do that (22.15 and later); else it stands in for it. */
function become(node, args, env) {
  if (typeof process.execve === 'function' && process.platform !== 'win32') {
    process.execve(node, [node, ...args], env);
  }
  const child = spawn(node, args, { stdio: 'inherit', env });
  // The terminal sends SIGINT to both; the others come to this process alone.
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT']) {
    process.on(signal, () => (signal !== 'SIGINT' || !process.stdin.isTTY ? child.kill(signal) : undefined));
  }
  child.on('error', (error) => fail(`cannot start ${node}: ${error.message}`));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

const [name, ...rest] = process.argv.slice(2);
const command = commands[name];
if (command === undefined) fail(`unknown command "${name}"; there are: ${Object.keys(commands).join(', ')}`);
try {
  const { peersWith } = command;
  // Nobody installs peers unasked.
  const peers = peersWith !== undefined && rest.some((word) => word.split('=')[0] === peersWith);
  const { node, natsServer } = setUp({ ...command, peers });
  const env = projectEnvironment(natsServer === undefined ? {} : { TUTTI_NATS_SERVER: natsServer });
  become(node, [join(root, command.program), ...(command.args ?? []), ...rest], env);
} catch (error) {
  fail(`set-up: ${error.message}`);
}
