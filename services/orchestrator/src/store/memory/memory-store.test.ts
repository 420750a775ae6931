import { describeStore } from '../contract.ts';
import { createMemoryPlace, openMemoryStore } from './memory-store.ts';

describeStore('memory', async () => {
  const place = createMemoryPlace();
  const store = openMemoryStore(place);
  return { store, openAgain: async () => openMemoryStore(place), dispose: () => store.close() };
});
