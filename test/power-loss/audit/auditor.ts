// A process that audits one data folder after the other: each message is the path of one, each answer a
// finding.

import './one-thread.ts';
import { audit } from './audit.ts';

process.on('message', (folder: string) => {
  void audit(folder).then((finding) => process.send?.(finding));
});
process.on('disconnect', () => process.exit(0));
