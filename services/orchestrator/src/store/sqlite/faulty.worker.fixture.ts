// A thread for tests of worker-client.ts: it answers, throws, or dies, as it is told.

import { serveRequests } from './worker-protocol.ts';

serveRequests((folder) => {
  if (folder === 'refused') throw new Error('this folder is refused');
  return {
    handlers: {
      echo: (input, output) => output.string(input.string()),
      throwHere: () => {
        throw new Error('thrown while handling');
      },
      exit: () => process.exit(3),
      dieLater: () => {
        setImmediate(() => {
          throw new Error('thrown by nobody in particular');
        });
      },
    },
    close: () => {
      if (folder === 'bad close') process.exit(4);
    },
  };
});
