// Answered requests: kept with the commit, found again, forgotten when old.

import { describe, expect, it } from 'vitest';
import type { StoreUnderTest } from '../contract.ts';
import { batch, NAMESPACE, request, submission } from './batches.ts';

export function describeRequests(test: StoreUnderTest): void {
  describe('requests', () => {
    it('are kept with the commit that answers them, or by a commit without events', async () => {
      const { epoch } = await test.store().claim(NAMESPACE);
      await test.store().commit({ ...submission(epoch, 1), requests: [request('request-1')] });
      const second = request('запрос 😀', { answer: '{"text":"ü\\u0000"}', fingerprint: '' });
      await test.store().commit(batch(epoch, { requests: [second] }));
      expect(await test.store().latestRevision(NAMESPACE)).toBe(1);
      const found = await test.store().findRequests(NAMESPACE, ['request-1', 'запрос 😀', 'request-3']);
      expect(found).toEqual(
        new Map([
          ['request-1', request('request-1')],
          ['запрос 😀', second],
        ]),
      );
      expect(await test.store().findRequests('nowhere', ['request-1'])).toEqual(new Map());
    });

    it('are forgotten by age, the oldest first, a limited number at a time', async () => {
      const { epoch } = await test.store().claim(NAMESPACE);
      const ids = ['e', 'a', 'd', 'b', 'c'];
      const requests = ids.map((id) => request(id, { atMs: id.charCodeAt(0) }));
      await test.store().commit(batch(epoch, { requests }));
      const left = async (): Promise<string[]> =>
        [...(await test.store().findRequests(NAMESPACE, ids)).keys()].sort();
      expect(await test.store().pruneRequests('d'.charCodeAt(0), 2)).toBe(2);
      expect(await left()).toEqual(['c', 'd', 'e']);
      expect(await test.store().pruneRequests('d'.charCodeAt(0), 2)).toBe(1);
      expect(await test.store().pruneRequests('d'.charCodeAt(0), 2)).toBe(0);
      expect(await left()).toEqual(['d', 'e']);
      await test.store().commit(batch(epoch, { requests: [request('a')] }));
      expect(await left()).toEqual(['a', 'd', 'e']);
    });
  });
}
