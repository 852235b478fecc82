import type { Fence, NewState, StateKey } from '@matrix-futures/engine';
import { describe, expect, test } from 'vitest';
import { callMember, type Person } from './person.ts';
import { membership, type RemoteScene } from './scene.ts';

/** What becomes of a state key after a fence. */
export function historyRules(scene: () => RemoteScene): void {
  const keyOf = (room: string, key = ''): StateKey => ({ room, type: callMember, key });

  const crowd = async (): Promise<string> => {
    const { alice, bob } = scene();
    const room = await alice.room();
    await bob.join(room);
    return room;
  };

  describe.concurrent('a fence', () => {
    test('is the current event, or that there is none', async () => {
      const { alice, bob, port } = scene();
      const room = await crowd();
      const key = keyOf(room);
      expect(await port.fence(key, bob.id)).toEqual({ kind: 'absent' });
      await alice.setState(room, callMember, '', { a: 1 });
      const event = await alice.setState(room, callMember, '', { a: 2 });
      expect(await port.fence(key, bob.id)).toEqual({ kind: 'event', event });
    });

    test('is unreadable for those who do not see the room', async () => {
      const { alice, bob, port } = scene();
      const room = await alice.room({ preset: 'private_chat' });
      expect(await port.fence(keyOf(room), bob.id)).toEqual({ kind: 'unreadable' });
    });

    test('of a key with every kind of character', async () => {
      const { alice, port } = scene();
      const room = await crowd();
      const key = '_@user:server_DEVICE/ü ?%#';
      const event = await alice.setState(room, callMember, key, { a: 1 });
      expect(await port.fence(keyOf(room, key), alice.id)).toEqual({ kind: 'event', event });
    });
  });

  describe.concurrent('since a fence', () => {
    type Step = (room: string, people: { alice: Person; bob: Person }) => Promise<unknown>;
    let count = 0;
    const by =
      (who: 'alice' | 'bob'): Step =>
      (room, people) =>
        people[who].setState(room, callMember, '', { count: (count += 1) });
    const [alices, bobs] = [by('alice'), by('bob')];

    const rows: readonly (readonly [string, NewState, readonly Step[], readonly Step[]])[] = [
      ['nothing', 'none', [alices], []],
      ['nothing where there was nothing', 'none', [], []],
      ['one’s own', 'own', [alices], [alices]],
      ['one’s own where there was nothing', 'own', [], [alices, alices]],
      ['somebody else’s', 'others', [alices], [bobs]],
      ['somebody else’s where there was nothing', 'others', [], [bobs]],
      ['one’s own, then somebody else’s', 'others', [bobs], [alices, bobs]],
      ['somebody else’s, hidden by one’s own', 'others', [alices], [bobs, alices]],
      ['somebody else’s, hidden where there was nothing', 'others', [], [bobs, alices, alices]],
      ['one’s own, where the fence is somebody else’s', 'own', [alices, bobs], [alices]],
    ];
    test.each(rows)('%s: %s', async (_, expected, before, after) => {
      const { alice, bob, port } = scene();
      const room = await crowd();
      for (const step of before) await step(room, { alice, bob });
      const fence = await port.fence(keyOf(room), alice.id);
      for (const step of after) await step(room, { alice, bob });
      expect(await port.newState(keyOf(room), alice.id, fence)).toBe(expected);
    });

    test('state of other keys and other types, and messages, are nothing', async () => {
      const { alice, bob, port } = scene();
      const room = await crowd();
      const fence = await port.fence(keyOf(room), alice.id);
      await bob.setState(room, callMember, bob.id, { a: 1 });
      await alice.setState(room, 'm.room.topic', '', { topic: 'x' });
      await bob.say(room, 'hello');
      expect(await port.newState(keyOf(room), alice.id, fence)).toBe('none');
    });

    test('a redaction of what was current is nothing new, and hides nothing that is', async () => {
      const { alice, bob, port } = scene();
      const room = await crowd();
      const event = await alice.setState(room, callMember, '', { a: 1 });
      const fence: Fence = { kind: 'event', event };
      await alice.redact(room, event);
      expect(await port.newState(keyOf(room), alice.id, fence)).toBe('none');
      await alice.redact(room, await bob.setState(room, callMember, '', { b: 1 }));
      await alice.setState(room, callMember, '', { a: 2 });
      expect(await port.newState(keyOf(room), alice.id, fence)).toBe('others');
    });

    test('a member’s own changes of their membership are their own', async () => {
      const { alice, bob, port } = scene();
      const room = await crowd();
      const key: StateKey = { room, type: 'm.room.member', key: bob.id };
      const fence = await port.fence(key, bob.id);
      await bob.leave(room);
      await bob.join(room);
      expect(await port.newState(key, bob.id, fence)).toBe('own');
      await alice.setState(room, 'm.room.member', bob.id, membership(room, alice, bob, 'leave').content);
      await bob.join(room);
      expect(await port.newState(key, bob.id, fence)).toBe('others');
    });

    test('what could not be read, and what cannot be, is unreadable', async () => {
      const { alice, bob, port } = scene();
      const hidden = await alice.room({ preset: 'private_chat' });
      expect(await port.newState(keyOf(hidden), bob.id, { kind: 'absent' })).toBe('unreadable');
      const room = await crowd();
      await alice.setState(room, callMember, '', { a: 1 });
      expect(await port.newState(keyOf(room), alice.id, { kind: 'unreadable' })).toBe('unreadable');
    });
  });
}
