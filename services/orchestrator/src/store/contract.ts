// The one suite that every adapter of the store port passes. S1 to S9 are the numbers in port.ts.

import { afterEach, beforeEach, describe } from 'vitest';
import { describeAddedTasks } from './contract/added-tasks.ts';
import { describeCommits } from './contract/commits.ts';
import { describeEvents } from './contract/events.ts';
import { describeLoading } from './contract/loading.ts';
import { describePayloads } from './contract/payloads.ts';
import { describeRequests } from './contract/requests.ts';
import { describeRunLife } from './contract/run-life.ts';
import { describeRuns } from './contract/runs.ts';
import { describeTasks } from './contract/tasks.ts';
import { describeWorkflows } from './contract/workflows.ts';
import type { Store } from './port.ts';

export interface StoreFixture {
  readonly store: Store;
  /** Opens the same place without closing anything. */
  openAgain(): Promise<Store>;
  /** Closes whatever is open and removes the place. */
  dispose(): Promise<void>;
}

/** Gives the store of the current test, and the means to open its place again. */
export interface StoreUnderTest {
  store(): Store;
  openAgain(): Promise<Store>;
}

/** `open` makes a new and empty place. */
export function describeStore(name: string, open: () => Promise<StoreFixture>): void {
  describe(`${name} store`, () => {
    let fixture: StoreFixture | undefined;
    const current = (): StoreFixture => {
      if (fixture === undefined) throw new Error('no test is running');
      return fixture;
    };
    beforeEach(async () => {
      fixture = await open();
    });
    afterEach(async () => {
      await fixture?.dispose();
      fixture = undefined;
    });

    const underTest: StoreUnderTest = {
      store: () => current().store,
      openAgain: () => current().openAgain(),
    };
    describeCommits(underTest);
    describeEvents(underTest);
    describeRuns(underTest);
    describeTasks(underTest);
    describeRunLife(underTest);
    describeAddedTasks(underTest);
    describeRequests(underTest);
    describeLoading(underTest);
    describeWorkflows(underTest);
    describePayloads(underTest);
  });
}
