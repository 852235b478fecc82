import type { Draft } from '@matrix-futures/engine';
import { describe, expect, test } from 'vitest';
import { callMember, type Person } from './person.ts';
import { accepted, eventsOf, membership, message, state, type Scene } from './scene.ts';

/** How Bob comes to be where he is, in a room of Alice's. */
const waysOut: Readonly<Record<string, (room: string, alice: Person, bob: Person) => Promise<void>>> = {
  'never joined': () => Promise.resolve(),
  left: async (room, _, bob) => {
    await bob.join(room);
    await bob.leave(room);
  },
  'left and forgot': async (room, _, bob) => {
    await bob.join(room);
    await bob.leave(room);
    await bob.forget(room);
  },
  'were kicked': async (room, alice, bob) => {
    await bob.join(room);
    await alice.moderate('kick', room, bob);
  },
  'were banned': async (room, alice, bob) => {
    await bob.join(room);
    await alice.moderate('ban', room, bob);
  },
  'are only invited': (room, alice, bob) => alice.moderate('invite', room, bob),
};

/** What a room does not want is not in it, and whoever sent it is told so. */
export function refusingRules(scene: () => Scene): void {
  const refuses = async (draft: Draft, status: unknown = 403): Promise<void> => {
    const { send, alice } = scene();
    const outcome = await send(draft);
    const error = { status, errcode: expect.stringMatching(/^M_/), error: expect.any(String) };
    expect(outcome).toMatchObject({ kind: 'refused', error });
    if (status === 403) expect(await eventsOf(draft, alice)).toEqual([]);
  };

  describe.concurrent('refused', () => {
    test.each(Object.entries(waysOut))('a message and state of those who %s', async (_, goOut) => {
      const { alice, bob } = scene();
      const room = await alice.room();
      await goOut(room, alice, bob);
      await refuses(message(room, bob));
      await refuses(state(room, bob, { a: 1 }));
    });

    test('a join of the banned', async () => {
      const { alice, bob } = scene();
      const room = await alice.room();
      await alice.moderate('ban', room, bob);
      await refuses(membership(room, bob, bob, 'join'));
    });

    test('a join of those whom nobody invited, where it takes that', async () => {
      const { alice, bob } = scene();
      await refuses(membership(await alice.room({ preset: 'private_chat' }), bob, bob, 'join'));
    });

    test('what the sender has too little power for', async () => {
      const { alice, bob } = scene();
      const room = await alice.room();
      await bob.join(room);
      await refuses({ ...state(room, bob, { name: 'mine' }, ''), type: 'm.room.name' });
      await refuses(membership(room, bob, alice, 'leave'));
    });

    test('what is so already, of who has too little power to make it so', async () => {
      const { alice, bob, send } = scene();
      const room = await alice.room();
      await bob.join(room);
      await alice.setState(room, 'm.room.topic', '', { topic: 'the same' });
      const draft = { ...state(room, bob, { topic: 'the same' }, ''), type: 'm.room.topic' };
      expect(await send(draft)).toMatchObject({ kind: 'refused', error: { status: 403 } });
    });

    test('a key that is another user’s', async () => {
      const { alice, bob, carol } = scene();
      const room = await alice.room();
      await bob.join(room);
      await refuses(state(room, bob, { a: 1 }, carol.id));
    });

    test('a room that is not', async () => {
      const { bob } = scene();
      await refuses(
        message(`!nowhere:${bob.id.split(':').slice(1).join(':')}`, bob),
        expect.toSatisfy((status) => [400, 403, 404].includes(status)),
      );
    });

    test('an event that is too large, a type and a key: all by their form alone', async () => {
      const { alice, judgeForm } = scene();
      const room = await alice.room();
      const long = 'x'.repeat(256);
      const tooLarge = { status: 413, errcode: 'M_TOO_LARGE', error: expect.any(String) };
      expect(judgeForm(message(room, alice, 'x'.repeat(65_536)))).toMatchObject(tooLarge);
      expect(judgeForm({ ...message(room, alice), type: long })).toMatchObject(tooLarge);
      expect(judgeForm(state(room, alice, {}, long))).toMatchObject(tooLarge);
      expect(judgeForm(message(room, alice, 'x'.repeat(60_000)))).toBe(null);
      expect(judgeForm(state(room, alice, {}, long.slice(1)))).toBe(null);
    });

    test('nothing by its form that would be taken when it is sent', async () => {
      const { alice, judgeForm, send } = scene();
      const room = await alice.room();
      for (const content of [{}, { body: 'x' }, { msgtype: 'm.text' }, { msgtype: 'm.text', body: '' }]) {
        const draft = { ...message(room, alice), content };
        const byForm = judgeForm(draft);
        const { kind } = await send(draft);
        if (kind === 'accepted') expect(byForm).toBe(null);
      }
    });

    test('a number that no event may have, by the form alone', async () => {
      const { alice, judgeForm } = scene();
      const room = await alice.room();
      for (const number of [0.5, 2 ** 53, -(2 ** 53)])
        expect(judgeForm(state(room, alice, { number }))).toMatchObject({ status: 400 });
      expect(judgeForm(state(room, alice, { number: 2 ** 53 - 1 }))).toBe(null);
    });
  });

  describe.concurrent('accepted after all', () => {
    test('who left and came back is acted for', async () => {
      const { alice, bob, send } = scene();
      const room = await alice.room();
      await bob.join(room);
      await bob.leave(room);
      await refuses(message(room, bob, 'out'));
      await bob.join(room);
      accepted(await send(message(room, bob, 'back')));
    });

    test.each(['join', 'leave'])('an invited user’s own %s', async (value) => {
      const { alice, bob, send } = scene();
      const room = await alice.room({ preset: 'private_chat' });
      await alice.moderate('invite', room, bob);
      const draft = membership(room, bob, bob, value);
      const id = accepted(await send(draft));
      expect(await eventsOf(draft, alice)).toMatchObject([{ event_id: id }]);
    });

    test('the leave of who knocked', async ({ skip }) => {
      const { alice, bob, send } = scene();
      const initial = { type: 'm.room.join_rules', state_key: '', content: { join_rule: 'knock' } };
      const room = await alice.room({ initial_state: [initial], room_version: '10' });
      const { status } = await bob.ask('POST', `/knock/${encodeURIComponent(room)}`, {});
      if (status === 404) skip('nobody can knock here');
      const draft = membership(room, bob, bob, 'leave');
      accepted(await send(draft));
      expect(await alice.state(room, 'm.room.member', bob.id)).toMatchObject({ membership: 'leave' });
    });

    test('state of others, for who has the power', async () => {
      const { alice, bob, send } = scene();
      const room = await alice.room();
      await bob.join(room);
      accepted(await send({ ...state(room, alice, { name: 'ours' }, ''), type: 'm.room.name' }));
      expect(await bob.state(room, 'm.room.name', '')).toMatchObject({ name: 'ours' });
      await expect(bob.state(room, callMember, '')).rejects.toThrow('404');
    });
  });
}
