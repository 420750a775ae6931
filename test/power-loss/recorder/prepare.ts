// Makes the recorder ready for the tests: `node prepare.ts`. For set-up scripts; what it does goes to stderr.
//
// A machine that cannot have one runs all other tests; those that need it are skipped, and say why.

import { findRecorder } from './recorder.ts';

const recorder = findRecorder(true);
if ('missing' in recorder) process.stderr.write(`power-loss: not checked here: ${recorder.missing}\n`);
