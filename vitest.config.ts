// Which tests there are, and how long one may take.
//
// Three projects, so that each kind can be run alone: `vitest run --project structure`.

import { defineConfig } from 'vitest/config';

// Generous on purpose: a time limit of a test is there to end what hangs, and says nothing about speed. A poll
// of one second, which is the default, fails where a machine is busy with something else for a moment.
const patient = { expect: { poll: { timeout: 30_000, interval: 20 } }, hookTimeout: 120_000 };

const exclude = ['**/node_modules/**', '**/dist/**', '**/.cache/**'];

export default defineConfig({
  test: {
    // Machines that run these have two cores and real servers beside the tests.
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['services/**/*.test.ts', 'clients/**/*.test.ts', 'proto/**/*.test.ts'],
          exclude,
          testTimeout: 60_000,
          ...patient,
        },
      },
      {
        test: {
          name: 'structure',
          include: ['test/structure/**/*.test.ts'],
          exclude,
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/{e2e,simulation,chaos,power-loss,hostile,overload,cost,bench}/**/*.test.ts'],
          exclude,
          testTimeout: 120_000,
          ...patient,
          // Each starts processes of its own; side by side they would measure each other.
          fileParallelism: false,
        },
      },
    ],
  },
});
