import { describe, expect, test } from 'vitest';
import { callMember } from './person.ts';
import {
  accepted,
  eventsOf,
  membership,
  message,
  newTimestamp,
  redaction,
  state,
  type Scene,
} from './scene.ts';

/** What a room takes is in it as it was asked for, once. */
export function acceptingRules(scene: () => Scene): void {
  describe.concurrent('accepted', () => {
    test('a message is in the room exactly once, with sender, content and time as asked', async () => {
      const { alice, bob, send } = scene();
      const room = await alice.room();
      await bob.join(room);
      const draft = message(room, bob, 'exactly once');
      const timestamp = newTimestamp() - 60_000;
      const id = accepted(await send(draft, timestamp));
      const { sender, type, content } = draft;
      expect(await eventsOf(draft, alice)).toMatchObject([
        { event_id: id, sender, type, content, origin_server_ts: timestamp },
      ]);
    });

    test('state is in the room exactly once and current, with key, content and time as asked', async () => {
      const { alice, bob, send } = scene();
      const room = await alice.room();
      await bob.join(room);
      const draft = state(room, bob, { memberships: [1, { deep: ['ü', null, true] }] });
      const timestamp = newTimestamp() - 60_000;
      const id = accepted(await send(draft, timestamp));
      const { sender, type, content } = draft;
      expect(await eventsOf(draft, alice)).toMatchObject([
        { event_id: id, sender, type, content, state_key: bob.id, origin_server_ts: timestamp },
      ]);
      expect(await alice.state(room, callMember, bob.id)).toEqual(content);
    });

    test.each(['', '_@user:server_DEVICE/ü ?%#'])('state of the key "%s"', async (key) => {
      const { alice, send } = scene();
      const room = await alice.room();
      const draft = state(room, alice, { a: 1 }, key);
      accepted(await send(draft));
      expect(await alice.state(room, callMember, key)).toEqual({ a: 1 });
    });

    test.each(['leave', 'invite', 'ban'])('a membership: %s of somebody else', async (value) => {
      const { alice, bob, send } = scene();
      const room = await alice.room();
      if (value !== 'invite') await bob.join(room);
      const draft = membership(room, alice, bob, value);
      const timestamp = newTimestamp() - 60_000;
      const id = accepted(await send(draft, timestamp));
      expect(await eventsOf(draft, alice)).toMatchObject([{ event_id: id, origin_server_ts: timestamp }]);
      expect(await alice.state(room, 'm.room.member', bob.id)).toMatchObject({ membership: value });
    });

    test('one’s own leave', async () => {
      const { alice, bob, send } = scene();
      const room = await alice.room();
      await bob.join(room);
      const draft = membership(room, bob, bob, 'leave');
      const id = accepted(await send(draft));
      expect(await eventsOf(draft, alice)).toMatchObject([{ event_id: id }]);
    });

    test('the time that an application service named is the event’s', async () => {
      const { alice, send } = scene();
      const room = await alice.room();
      const draft = message(room, alice, 'dated', { ts: 1_234_567_890_123 });
      accepted(await send(draft));
      expect(await eventsOf(draft, alice)).toMatchObject([{ origin_server_ts: 1_234_567_890_123 }]);
    });

    test('an event that is to stick, sticks', async ({ skip }) => {
      const { alice, homeserver, send } = scene();
      if (!homeserver.sticks) skip('nothing sticks here');
      const room = await alice.room();
      const draft = message(room, alice, 'sticky', { stickyDurationMs: 60_000 });
      accepted(await send(draft));
      expect(await eventsOf(draft, alice)).toMatchObject([{ msc4354_sticky: { duration_ms: 60_000 } }]);
    });

    test('two deliveries, one after the other, are in the room in that order', async () => {
      const { alice, bob, send } = scene();
      const room = await alice.room();
      await bob.join(room);
      const ids = [
        accepted(await send(message(room, bob, 'first'))),
        accepted(await send(state(room, alice, { second: true }))),
        accepted(await send(message(room, bob, 'third'))),
      ];
      const shown = (await alice.events(room)).map(({ event_id: id }) => id);
      expect(shown.filter((id) => ids.includes(id))).toEqual(ids);
    });

    test('the same content twice is two messages', async () => {
      const { alice, send } = scene();
      const room = await alice.room();
      const draft = message(room, alice);
      const ids = [accepted(await send(draft)), accepted(await send(draft))];
      expect((await eventsOf(draft, alice)).map(({ event_id: id }) => id)).toEqual(ids);
    });

    test('state that is so already, is so', async () => {
      const { alice, bob, send } = scene();
      const room = await alice.room();
      await bob.join(room);
      for (const sender of [alice, alice, bob]) {
        accepted(await send(state(room, sender, { same: true }, '')));
        expect(await alice.state(room, callMember, '')).toEqual({ same: true });
      }
    });

    test.each(['10', '11', '12'])('a redaction in room version %s redacts', async (version) => {
      const { alice, bob, send } = scene();
      const room = await alice.room({ room_version: version });
      await bob.join(room);
      const target = await bob.say(room, 'never mind');
      const id = accepted(await send(redaction(room, bob, target)));
      const { content, unsigned } = await alice.event(room, target);
      expect(content).toEqual({});
      expect(unsigned.redacted_because).toMatchObject({
        event_id: id,
        sender: bob.id,
        type: 'm.room.redaction',
      });
      const redactions = (await alice.events(room)).filter(({ type }) => type === 'm.room.redaction');
      expect(redactions).toMatchObject([{ event_id: id, content: { reason: 'no more' } }]);
    });
  });
}
