import type { Draft, Fence, RemoteHomeserver, Sent } from '@matrix-futures/engine';
import { stateKeyOf } from '@matrix-futures/engine';
import { describe, expect, test } from 'vitest';
import { callMember, type Person } from './person.ts';
import {
  accepted,
  membership,
  message,
  newTimestamp,
  newTransactionId,
  redaction,
  state,
  type RemoteScene,
} from './scene.ts';

const absent = { kind: 'absent' };

/** A delivery as the engine writes it down before it begins. */
async function planned(port: RemoteHomeserver, draft: Draft): Promise<Sent> {
  const key = stateKeyOf(draft);
  const fence: Fence = key === null ? { kind: 'untold' } : await port.fence(key, draft.sender);
  const since = newTimestamp();
  return { draft, transactionId: newTransactionId(), timestamp: draft.extras.ts ?? since, since, fence };
}

/** Looks for events whose answers may have been lost. */
export function lookingRules(scene: () => RemoteScene): void {
  const deliver = async ({ draft, transactionId, timestamp }: Sent): Promise<string> =>
    accepted(await scene().port.deliver(draft, transactionId, timestamp, 30_000));

  /** A room of Alice's that Bob and Carol have joined. */
  const crowd = async (request: object = {}): Promise<string> => {
    const { alice, bob, carol } = scene();
    const room = await alice.room(request);
    for (const other of [bob, carol]) await other.join(room);
    return room;
  };

  describe.concurrent('a look finds', () => {
    const drafts: Readonly<Record<string, (room: string, alice: Person, bob: Person) => Draft>> = {
      'a message': (room, _, bob) => message(room, bob),
      'a message with a time of its own': (room, _, bob) =>
        message(room, bob, 'dated', { ts: 1_500_000_000_000 }),
      state: (room, _, bob) => state(room, bob, { a: 1 }),
      'a leave of one’s own': (room, _, bob) => membership(room, bob, bob, 'leave'),
      'a kick': (room, alice, bob) => membership(room, alice, bob, 'leave'),
    };

    test.each(Object.entries(drafts))('%s that is in the room', async (_, make) => {
      const { alice, bob, port } = scene();
      const sent = await planned(port, make(await crowd(), alice, bob));
      const event = await deliver(sent);
      expect(await port.look(sent)).toEqual({ kind: 'accepted', event });
    });

    test.each(Object.entries(drafts))('nothing of %s that was not sent', async (_, make) => {
      const { alice, bob, port } = scene();
      expect(await port.look(await planned(port, make(await crowd(), alice, bob)))).toEqual(absent);
    });

    test.each(['10', '11', '12'])('a redaction in room version %s, and none before it', async (version) => {
      const { bob, port } = scene();
      const room = await crowd({ room_version: version });
      const sent = await planned(port, redaction(room, bob, await bob.say(room, 'never mind')));
      expect(await port.look(sent)).toEqual(absent);
      const event = await deliver(sent);
      expect(await port.look(sent)).toEqual({ kind: 'accepted', event });
    });

    test('a redaction of what somebody else had redacted before', async () => {
      const { alice, bob, port } = scene();
      const room = await crowd();
      const target = await bob.say(room, 'never mind');
      await alice.redact(room, target);
      const sent = await planned(port, redaction(room, bob, target));
      expect(await port.look(sent)).toEqual(absent);
      const event = await deliver(sent);
      expect(await port.look(sent)).toEqual({ kind: 'accepted', event });
    });

    test('a message that was redacted since', async () => {
      const { alice, bob, port } = scene();
      const room = await crowd();
      const sent = await planned(port, message(room, bob));
      const event = await deliver(sent);
      await alice.redact(room, event);
      expect(await port.look(sent)).toEqual({ kind: 'accepted', event });
    });

    test('a message behind more than a page of others', async () => {
      const { bob, port } = scene();
      const room = await crowd();
      const sent = await planned(port, message(room, bob));
      const event = await deliver(sent);
      await Promise.all(Array.from({ length: 105 }, (_, count) => bob.say(room, `later ${count}`)));
      expect(await port.look(sent)).toEqual({ kind: 'accepted', event });
      const never = await planned(port, message(room, bob, 'never'));
      expect(await port.look({ ...never, since: sent.since })).toEqual(absent);
    }, 120_000);

    test('state behind newer state, of its sender and of others', async () => {
      const { alice, bob, port } = scene();
      const room = await crowd();
      const sent = await planned(port, state(room, alice, { mine: 1 }, ''));
      const event = await deliver(sent);
      await alice.setState(room, callMember, '', { mine: 2 });
      expect(await port.look(sent)).toEqual({ kind: 'accepted', event });
      await bob.setState(room, callMember, '', { bobs: 3 });
      expect(await port.look(sent)).toEqual({ kind: 'accepted', event });
    });

    test('no state where there is only newer state of others, or of the sender', async () => {
      const { alice, bob, port } = scene();
      const room = await crowd();
      await alice.setState(room, callMember, '', { mine: 0 });
      const sent = await planned(port, state(room, alice, { mine: 1 }, ''));
      await bob.setState(room, callMember, '', { bobs: 1 });
      expect(await port.look(sent)).toEqual(absent);
      await alice.setState(room, callMember, '', { mine: 2 });
      expect(await port.look(sent)).toEqual(absent);
    });

    test.each(['join', 'leave'])('an invited user’s own %s, and not before it', async (value) => {
      const { alice, bob, port } = scene();
      const room = await alice.room({ preset: 'private_chat' });
      await alice.moderate('invite', room, bob);
      const draft = membership(room, bob, bob, value);
      const sent = await planned(port, draft);
      expect(await port.look(sent)).toEqual(absent);
      const event = await deliver(sent);
      // Who declined may see nothing of the room; somebody else whom the gateway has seen there does.
      expect(await port.judgeSender(message(room, alice))).toBe(null);
      expect(await port.look(sent)).toEqual({ kind: 'accepted', event });
    });

    test('the event of who has left the room since', async () => {
      const { bob, port } = scene();
      const room = await crowd();
      const said = await planned(port, message(room, bob));
      const set = await planned(port, state(room, bob, { a: 1 }));
      const events = [await deliver(said), await deliver(set)];
      // Somebody else the gateway has seen there: their eyes see it where his do not any more.
      expect(await port.judgeSender(message(room, scene().carol))).toBe(null);
      for (const goOut of [() => bob.leave(room), () => bob.forget(room)]) {
        await goOut();
        expect(await port.look(said)).toEqual({ kind: 'accepted', event: events[0] });
        expect(await port.look(set)).toEqual({ kind: 'accepted', event: events[1] });
      }
    });
  });

  describe.concurrent('a look is not taken in by', () => {
    test('the same content of somebody else, at the same time', async () => {
      const { alice, bob, port } = scene();
      const room = await crowd();
      const mine = await planned(port, message(room, alice));
      await deliver({ ...mine, draft: message(room, bob), transactionId: newTransactionId() });
      expect(await port.look(mine)).toEqual(absent);
      const set = await planned(port, state(room, alice, { a: 1 }, ''));
      await deliver({ ...set, draft: state(room, bob, { a: 1 }, ''), transactionId: newTransactionId() });
      expect(await port.look(set)).toEqual(absent);
    });

    test('the same content at another time', async () => {
      const { alice, port } = scene();
      const room = await crowd();
      const mine = await planned(port, message(room, alice));
      await deliver({ ...mine, timestamp: mine.timestamp - 1, transactionId: newTransactionId() });
      expect(await port.look(mine)).toEqual(absent);
      const set = await planned(port, state(room, alice, { a: 1 }));
      await deliver({ ...set, timestamp: set.timestamp - 1, transactionId: newTransactionId() });
      expect(await port.look(set)).toEqual(absent);
    });

    test('another content at the same time', async () => {
      const { alice, port } = scene();
      const room = await crowd();
      const mine = await planned(port, message(room, alice, 'mine'));
      await deliver({ ...mine, draft: message(room, alice, 'other'), transactionId: newTransactionId() });
      expect(await port.look(mine)).toEqual(absent);
    });

    test('a redaction by somebody else, or of something else', async () => {
      const { alice, bob, port } = scene();
      const room = await crowd();
      const target = await bob.say(room, 'never mind');
      const mine = await planned(port, redaction(room, bob, target));
      await alice.redact(room, target);
      await bob.redact(room, await bob.say(room, 'nor this'));
      expect(await port.look(mine)).toEqual(absent);
    });

    test('a room that it cannot see', async () => {
      const { alice, bob, port } = scene();
      const room = await alice.room({ preset: 'private_chat' });
      const draft = message(room, bob);
      const timestamp = newTimestamp();
      const sent: Sent = {
        ...{ draft, timestamp, since: timestamp, transactionId: newTransactionId() },
        fence: { kind: 'untold' },
      };
      expect(await port.look(sent)).toEqual({ kind: 'cannot-tell' });
    });
  });
}
