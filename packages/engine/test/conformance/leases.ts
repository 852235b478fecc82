import { describe, expect, test } from 'vitest';
import type { FutureStore } from '@matrix-futures/engine';
import { claimOf, claimed, edit, ended, groupById, groupWith, schedule, stateDraft } from './samples.ts';
import { opener, type MakeStore } from './subject.ts';

async function claim(store: FutureStore, name: string, lease: number) {
  const { id } = await schedule(store, { name });
  await edit(store, id, (group, { now }) => claimed(group, id, now + lease));
  return groupWith(store, id);
}

const dueGroups = (store: FutureStore): Promise<readonly number[]> =>
  store.changeDue(10, (group) => ({ next: group, answer: group.id }));

export function leasesConformance(makeStore: MakeStore): void {
  const open = opener(makeStore);

  describe('renew', () => {
    test('lengthens the lease of a claim that is still the one named', async () => {
      const { store, clock } = await open();
      const group = await claim(store, 'group', 1000);
      clock.advance(600);
      expect(await store.renew([{ group: group.id, epoch: group.epoch }], 1000)).toEqual([true]);
      const renewed = await groupById(store, group.id);
      expect(renewed).toEqual({ ...group, claim: { ...group.claim, leaseEnd: clock.now() + 1000 } });
      clock.advance(999);
      expect(await dueGroups(store)).toEqual([]);
      clock.advance(1);
      expect(await dueGroups(store)).toEqual([group.id]);
    });

    test('works for the claim of a staged batch', async () => {
      const { store, clock } = await open();
      const { id } = await schedule(store, { status: 'staged', deadline: null });
      await edit(store, id, (group, { now }) => ({
        ...group,
        phase: 'staged',
        epoch: 1,
        claim: claimOf(null, now + 1000),
        sendNow: stateDraft('alice'),
      }));
      clock.advance(10);
      const group = await groupWith(store, id);
      expect(await store.renew([{ group: group.id, epoch: 1 }], 5000)).toEqual([true]);
      expect((await groupWith(store, id)).claim?.leaseEnd).toBe(clock.now() + 5000);
    });

    test('never shortens a lease', async () => {
      const { store } = await open();
      const group = await claim(store, 'group', 10_000);
      expect(await store.renew([{ group: group.id, epoch: group.epoch }], 1000)).toEqual([true]);
      expect(await groupById(store, group.id)).toEqual(group);
    });

    test('still counts after the lease ran out, while nobody took the claim over', async () => {
      const { store, clock } = await open();
      const group = await claim(store, 'group', 1000);
      clock.advance(5000);
      expect(await store.renew([{ group: group.id, epoch: group.epoch }], 1000)).toEqual([true]);
      expect(await dueGroups(store)).toEqual([]);
    });

    test('is false, and changes nothing, for another epoch, an ended or open group, and one that does not exist', async () => {
      const { store, clock } = await open();
      const taken = await claim(store, 'taken', 1000);
      await edit(store, taken.futures[0]?.id ?? 0, (group) => ({ ...group, epoch: group.epoch + 1 }));
      const sent = await claim(store, 'sent', 1000);
      await edit(store, sent.futures[0]?.id ?? 0, (group, { now }) => ended(group, 'sent', now));
      const reopened = await claim(store, 'reopened', 1000);
      await edit(store, reopened.futures[0]?.id ?? 0, (group) => ({ ...group, phase: 'open', claim: null }));
      const mine = await claim(store, 'mine', 1000);
      const before = await Promise.all([taken, sent, reopened].map(({ id }) => groupById(store, id)));
      clock.advance(10);
      const named = [taken, sent, mine, reopened, { id: 10_000, epoch: 1 }];
      const renewed = await store.renew(
        named.map(({ id, epoch }) => ({ group: id, epoch })),
        1000,
      );
      expect(renewed).toEqual([false, false, true, false, false]);
      const after = await Promise.all([taken, sent, reopened].map(({ id }) => groupById(store, id)));
      expect(after).toEqual(before);
    });
  });

  describe('claimed', () => {
    test('answers all claimed and staged groups by id, expired or not, and no others', async () => {
      const { store, clock } = await open();
      expect(await store.claimed()).toEqual([]);
      await schedule(store, { name: 'open' });
      const second = await claim(store, 'second', 1_000_000);
      const { id } = await schedule(store, { name: 'staged', status: 'staged', deadline: null });
      await edit(store, id, (group, { now }) => ({
        ...group,
        phase: 'staged',
        epoch: 1,
        claim: claimOf(null, now + 1000),
        sendNow: stateDraft('alice'),
      }));
      const sent = await claim(store, 'sent', 1000);
      await edit(store, sent.futures[0]?.id ?? 0, (group, { now }) => ended(group, 'sent', now));
      const expired = await claim(store, 'expired', 1);
      clock.advance(500);
      expect(await store.claimed()).toEqual([second, await groupWith(store, id), expired]);
    });
  });

  describe('lockState', () => {
    const key = { room: '!room:example.org', type: 'm.room.topic', key: '' };

    test('is held by one at a time', async () => {
      const { store } = await open();
      const lock = await store.lockState(key, 1000);
      expect(lock).not.toBe(null);
      expect(await store.lockState({ ...key }, 1000)).toBe(null);
      await lock?.[Symbol.asyncDispose]();
      const next = await store.lockState(key, 1000);
      expect(next).not.toBe(null);
      await next?.[Symbol.asyncDispose]();
    });

    test('of one key does not hold up another', async () => {
      const { store } = await open();
      const keys = [
        key,
        { ...key, key: 'a' },
        { ...key, type: 'm.room.topica' },
        { ...key, room: '!other:example.org' },
      ];
      for (const each of keys) expect(await store.lockState(each, 1000)).not.toBe(null);
    });

    test('ends by itself with its lease, and giving it back late does not free the next holder', async () => {
      const { store, clock } = await open();
      const late = await store.lockState(key, 1000);
      clock.advance(999);
      expect(await store.lockState(key, 1000)).toBe(null);
      clock.advance(1);
      const next = await store.lockState(key, 1000);
      expect(next).not.toBe(null);
      await late?.[Symbol.asyncDispose]();
      await late?.[Symbol.asyncDispose]();
      expect(await store.lockState(key, 1000)).toBe(null);
      await next?.[Symbol.asyncDispose]();
      expect(await store.lockState(key, 1000)).not.toBe(null);
    });
  });
}
