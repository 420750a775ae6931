// How is the generated code made?
//
// usage: npm run generate [OUTPUT_FOLDER]
//
// `buf` compiles the protos and `protoc-gen-es` writes proto/gen (or OUTPUT_FOLDER/proto/gen). The text
// of the validation rules comes from the npm package that also runs them, so nothing is fetched.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');

function run(command: string, args: readonly string[]): void {
  const outcome = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (outcome.error !== undefined) throw outcome.error;
  if (outcome.status !== 0) process.exit(1);
}

const output = process.argv[2];
run(process.execPath, ['proto/tools/print-validate-proto.mjs', '.cache/proto']);
run('buf', [
  'generate',
  '--template',
  'proto/buf.gen.yaml',
  ...(output === undefined ? [] : ['--output', output]),
]);
console.log(`generated ${join(output ?? '', 'proto/gen')}`);
