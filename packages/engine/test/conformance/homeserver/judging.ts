import { HomeserverUnavailable, type Draft } from '@matrix-futures/engine';
import { describe, expect, test, vi } from 'vitest';
import { callMember, type Person } from './person.ts';
import { membership, message, newTimestamp, newTransactionId, state, type RemoteScene } from './scene.ts';

/** For whom the gateway may act. */
export function judgingRules(scene: () => RemoteScene): void {
  describe.concurrent('the sender of', () => {
    type Setting = (room: string, alice: Person, bob: Person) => Promise<void>;
    const invited: Setting = (room, alice, bob) => alice.moderate('invite', room, bob);
    const joined: Setting = (room, _, bob) => bob.join(room);
    const left: Setting = async (room, _, bob) => {
      await bob.join(room);
      await bob.leave(room);
    };
    const kicked: Setting = async (room, alice, bob) => {
      await bob.join(room);
      await alice.moderate('kick', room, bob);
    };
    const banned: Setting = (room, alice, bob) => alice.moderate('ban', room, bob);
    const unbanned: Setting = async (room, alice, bob) => {
      await alice.moderate('ban', room, bob);
      await alice.moderate('unban', room, bob);
    };
    const back: Setting = async (room, alice, bob) => {
      await left(room, alice, bob);
      await bob.join(room);
    };
    const invitedAgain: Setting = async (room, alice, bob) => {
      await left(room, alice, bob);
      await alice.moderate('invite', room, bob);
    };
    const nothing: Setting = () => Promise.resolve();

    const says = (room: string, bob: Person): Draft => message(room, bob);
    const sets = (room: string, bob: Person): Draft => state(room, bob, {});
    const joins = (room: string, bob: Person): Draft => membership(room, bob, bob, 'join');
    const leaves = (room: string, bob: Person): Draft => membership(room, bob, bob, 'leave');

    test.each([
      ['a message, joined', joined, says],
      ['state, joined', joined, sets],
      ['their leave, joined', joined, leaves],
      ['a message, having left and come back', back, says],
      ['their join, invited', invited, joins],
      ['their leave, invited', invited, leaves],
      ['their join, invited after having left', invitedAgain, joins],
    ])('%s: may be acted for', async (_, set, make) => {
      const { alice, bob, port } = scene();
      const room = await alice.room();
      await set(room, alice, bob);
      expect(await port.judgeSender(make(room, bob))).toBe(null);
    });

    test.each([
      ['a message, never there', nothing, says],
      ['a message, invited', invited, says],
      ['state, invited', invited, sets],
      ['a message, having left', left, says],
      ['their join, having left', left, joins],
      ['a message, kicked', kicked, says],
      ['their join, kicked', kicked, joins],
      ['a message, banned', banned, says],
      ['their join, banned', banned, joins],
      ['a message, no longer banned', unbanned, says],
    ])('%s: may not be acted for', async (_, set, make) => {
      const { alice, bob, port } = scene();
      const room = await alice.room();
      await set(room, alice, bob);
      expect(await port.judgeSender(make(room, bob))).toMatchObject({ status: 403, errcode: 'M_FORBIDDEN' });
    });

    test('what is so already, out of the room: the room refuses, whoever asks first or not', async () => {
      const { alice, bob, port } = scene();
      const room = await alice.room();
      await bob.join(room);
      await alice.setState(room, callMember, '', { same: true });
      await bob.leave(room);
      const draft = state(room, bob, { same: true }, '');
      expect(await port.deliver(draft, newTransactionId(), newTimestamp(), 30_000)).toMatchObject({
        kind: 'refused',
        error: { status: 403 },
      });
    });

    test('a message in a room that is not: may not be acted for', async () => {
      const { bob, port } = scene();
      const room = `!nowhere:${bob.id.split(':').slice(1).join(':')}`;
      expect(await port.judgeSender(message(room, bob))).toMatchObject({ status: 403 });
    });

    test('anything, deactivated: may not be acted for, not even to come back', async () => {
      const { alice, person, port } = scene();
      const password = 'correct horse battery';
      const dora = await person(password);
      const room = await alice.room();
      await dora.join(room);
      const auth = { type: 'm.login.password', identifier: { type: 'm.id.user', user: dora.id }, password };
      const { status } = await dora.ask('POST', '/account/deactivate', { auth });
      expect(status).toBe(200);
      // Homeservers take their time to part them from their rooms.
      await vi.waitFor(
        async () => expect(await port.judgeSender(message(room, dora))).toMatchObject({ status: 403 }),
        15_000,
      );
      for (const draft of [state(room, dora, {}), membership(room, dora, dora, 'join')])
        expect(await port.judgeSender(draft)).toMatchObject({ status: 403 });
    });

    test('anything, unknown to the homeserver: nobody’s refusal but the operator’s to mend', async ({
      skip,
    }) => {
      const { alice, homeserver } = scene();
      if (homeserver.makesUsers) skip('it makes an account of them');
      const room = await alice.room();
      const [, server = ''] = /^@[^:]*:(.*)$/.exec(alice.id) ?? [];
      const draft = { ...message(room, alice), sender: `@conformance-nobody:${server}` };
      await using connection = await homeserver.connect();
      const { port, troubles } = connection;
      await expect(port.judgeSender(draft)).rejects.toThrow(HomeserverUnavailable);
      await expect(port.deliver(draft, newTransactionId(), newTimestamp(), 30_000)).resolves.toMatchObject({
        kind: 'not-taken',
      });
      expect(troubles.length).toBeGreaterThan(0);
    });
  });
}
