import { expect, test } from 'vitest';
import type { Draft, Future, Group, World } from '@matrix-futures/engine';
import { ManualClock } from '@matrix-futures/engine/conformance';
import { MemoryStore, type MemoryStoreOptions } from '@matrix-futures/store-memory';

const owner = '@alice:example.org';
const key = { room: '!room:example.org', type: 'm.room.topic', key: '' };
const retention = { listed: 1000, listedPerOwner: 10, tombstones: 1000 };
const draft: Draft = {
  room: key.room,
  sender: owner,
  type: key.type,
  stateKey: key.key,
  content: {},
  extras: {},
};

function storeOf(options: Partial<MemoryStoreOptions> = {}): MemoryStore {
  return new MemoryStore({ clock: new ManualClock(0), retention, ...options });
}

function groupIn(world: World): Group {
  const future: Future = {
    id: world.newFutureId(),
    nonce: { high: 1, low: 2 },
    generation: 'futures',
    draft,
    action: null,
    heartbeat: null,
    timeout: 1000,
    deadline: 1000,
    fence: { kind: 'untold' },
    stateOrder: world.stateOrder,
    since: world.now,
    status: 'scheduled',
    outcome: null,
  };
  return {
    id: world.newGroupId(),
    owner,
    name: 'group',
    phase: 'open',
    epoch: 0,
    claim: null,
    sendNow: null,
    futures: [future],
    endedAt: null,
  };
}

function make(store: MemoryStore): Promise<void> {
  return store.change({ by: 'name', owner, name: 'group' }, (_, world) => ({
    next: groupIn(world),
    answer: undefined,
  }));
}

test('an image is plain data: a store made of it after a trip through JSON has the same image', async () => {
  const store = storeOf();
  await make(store);
  await store.stateArrived(key, '$1', '@bob:example.org');
  await store.deactivate(owner);
  const image = store.image();
  expect(storeOf({ image: JSON.parse(JSON.stringify(image)) }).image()).toEqual(image);
});

test('an image stays as it was when the store goes on', async () => {
  const store = storeOf();
  await make(store);
  const image = store.image();
  const copy = structuredClone(image);
  await store.refresh([{ future: 1, nonce: { high: 1, low: 2 }, generation: null }]);
  await store.change({ by: 'future', future: 1 }, () => ({ next: null, answer: 0 }));
  expect(image).toEqual(copy);
});

test('the mark of a key is forgotten with the last future on it', async () => {
  const store = storeOf();
  await make(store);
  await store.stateArrived(key, '$1', '@bob:example.org');
  expect(store.image().marks).toHaveLength(1);
  await store.change({ by: 'future', future: 1 }, () => ({ next: null, answer: 0 }));
  expect(store.image().marks).toEqual([]);
  expect(store.image().unsweptKeys).toEqual([]);
});

test('a remote store works later, makes each decision twice, and the second counts', async () => {
  const store = storeOf({ unit: 'remote' });
  let decisions = 0;
  const changed = store.change({ by: 'name', owner, name: 'group' }, (found, world) => {
    expect(found).toBe(null);
    decisions += 1;
    return { next: groupIn(world), answer: decisions };
  });
  expect(decisions).toBe(0);
  expect(await changed).toBe(2);
  expect(store.image().groups.map(({ id }) => id)).toEqual([2]);
});

test('operations that write nothing need no commit', async () => {
  const store = storeOf({
    beforeCommit: () => {
      throw new Error('no commit now');
    },
  });
  expect(await store.refresh([{ future: 1, nonce: { high: 1, low: 2 }, generation: null }])).toEqual([null]);
  expect(await store.sweep(5, () => ({ next: null, answer: undefined }))).toBe(0);
});
