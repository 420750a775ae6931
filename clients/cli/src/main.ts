// The `tutti` command.

import { connect } from './connect.ts';
import { runTutti } from './run.ts';

// npm starts scripts in the folder of package.json; paths are meant from where the person stands.
const isNpmScript = process.env.npm_lifecycle_event === 'tutti';
const folder = (isNpmScript ? process.env.INIT_CWD : undefined) ?? process.cwd();

// `tutti list | head`: who reads has enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

// A terminal that was closed: what is still to be said has nobody to hear it, which is no defect.
process.stderr.on('error', () => {});

process.exitCode = await runTutti(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  folder,
  connect,
});
