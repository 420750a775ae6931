// What does a fresh clone lack, and how does it get it?
//
// Runs on the machine's own Node (18 or later) before anything is installed, so: plain JavaScript and
// no dependency. Prints each thing it does, on stderr, so that the output of the command that follows
// stays clean; prints nothing when there is nothing to do.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
const binaries = join(root, 'node_modules', '.bin');
const neededMajor = 24;

function say(line) {
  process.stderr.write(`set-up: ${line}\n`);
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Why `npm ci` has to run, or undefined. Compares the lock file with the copy npm keeps of what it installed. */
function reasonToInstall(folder) {
  if (!existsSync(join(folder, 'node_modules'))) return 'node_modules is missing';
  const wanted = readJson(join(folder, 'package-lock.json'))?.packages;
  if (wanted === undefined) throw new Error('package-lock.json is missing or broken: restore it from git');
  const installed = readJson(join(folder, 'node_modules', '.package-lock.json'))?.packages ?? {};
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.includes('node_modules/')) continue;
    const present = installed[path];
    // What is meant for another platform is in the lock file and never installed.
    if (present === undefined && entry.optional === true) continue;
    if (present === undefined) return `${path} is missing`;
    if (present.version !== entry.version) return `${path} is ${present.version}, not ${entry.version}`;
  }
  return undefined;
}

/** The environment of everything the project starts: its own binaries come first. */
export function projectEnvironment(extra = {}) {
  return { ...process.env, PATH: `${binaries}${delimiter}${process.env.PATH ?? ''}`, ...extra };
}

function run(command, args, folder = root) {
  const outcome = spawnSync(command, args, {
    cwd: folder,
    // Installers talk on stdout; that belongs to the command that was asked for.
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  return outcome.status === 0;
}

function installPackages() {
  const reason = reasonToInstall(root);
  if (reason === undefined) return;
  say(`npm ci (${reason})`);
  // Packages warn of the Node that npm runs with; they will run with the one that is installed here.
  if (!run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])) {
    throw new Error('npm ci failed; its own message stands above');
  }
}

/** What Tutti is measured against. Without it the benchmarks say who cannot take part, and go on. */
function installPeers() {
  const folder = join(root, 'test', 'bench');
  const reason = reasonToInstall(folder);
  if (reason === undefined) return;
  say(`npm ci in test/bench (${reason})`);
  if (!run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], folder)) {
    say('npm ci in test/bench failed, as said above; peers that come from npm cannot take part');
  }
}

function majorOf(node) {
  const outcome = spawnSync(node, ['--version'], { encoding: 'utf8' });
  return outcome.status === 0 ? Number(/^v(\d+)\./.exec(outcome.stdout)?.[1]) : undefined;
}

/**
 * The Node everything runs with: the one that the dev dependency `node` brings. Its install script
 * fetches the binary, and machines that ignore install scripts lack it: then only that script runs.
 */
function findNode() {
  const own = join(binaries, 'node');
  if (majorOf(own) === neededMajor) return own;
  say(`the package "node" has no binary (npm ignored its install script?); running that script alone`);
  run('npm', ['rebuild', 'node', '--ignore-scripts=false']);
  if (majorOf(own) === neededMajor) return own;
  if (Number(process.versions.node.split('.')[0]) >= neededMajor) {
    say(`using the Node of this machine, ${process.version}`);
    return process.execPath;
  }
  throw new Error(
    `Tutti needs Node ${neededMajor}; this is ${process.version} and the package "node" could not bring its own. ` +
      `Install Node ${neededMajor}, or allow install scripts (npm config set ignore-scripts false) and run: npm run setup`,
  );
}

/** Path of a nats-server: found on the machine or obtained by the orchestrator's own code for it. */
function findNatsServer(node) {
  const outcome = spawnSync(
    node,
    [join(root, 'services', 'orchestrator', 'src', 'nats', 'server', 'print-path.ts')],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 2],
      encoding: 'utf8',
      env: projectEnvironment(),
    },
  );
  if (outcome.status !== 0) throw new Error('no nats-server; the message above says what to install');
  return outcome.stdout.trim();
}

/** What records the store's calls for test/power-loss; a machine without a compiler goes on without. */
function prepareRecorder(node) {
  run(node, [join(root, 'test', 'power-loss', 'recorder', 'prepare.ts')]);
}

/** Installs what is missing. `nats` is left out by commands that obtain it themselves when they need it. */
export function setUp({ nats, recorder = false, peers = false }) {
  installPackages();
  if (peers) installPeers();
  const node = findNode();
  if (recorder) prepareRecorder(node);
  return { node, natsServer: nats ? findNatsServer(node) : undefined };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    const { node, natsServer } = setUp({ nats: true });
    say(`node: ${node}`);
    say(`nats-server: ${natsServer}`);
    say('done; next: npm run demo, or npm test');
  } catch (error) {
    say(error.message);
    process.exitCode = 1;
  }
}
