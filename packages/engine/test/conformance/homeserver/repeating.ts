import { describe, expect, test } from 'vitest';
import {
  accepted,
  eventsOf,
  message,
  newTimestamp,
  newTransactionId,
  redaction,
  state,
  type RemoteScene,
} from './scene.ts';

const limit = 30_000;

/** The same request again, and the same transaction id of somebody else. */
export function repeatingRules(scene: () => RemoteScene): void {
  describe('repeated', () => {
    test('the same message twice in a row is one event', async () => {
      const { alice, port } = scene();
      const room = await alice.room();
      const draft = message(room, alice);
      const [transaction, timestamp] = [newTransactionId(), newTimestamp()];
      const id = accepted(await port.deliver(draft, transaction, timestamp, limit));
      expect(accepted(await port.deliver(draft, transaction, timestamp, limit))).toBe(id);
      expect(await eventsOf(draft, alice)).toMatchObject([{ event_id: id }]);
    });

    test('what a restart of the homeserver does not make it forget is still one event', async ({ skip }) => {
      const { alice, port, homeserver } = scene();
      const room = await alice.room();
      const draft = message(room, alice);
      if (port.memoryOf(draft) === 'forgets') skip('it forgets');
      const { restart } = homeserver;
      if (restart === null) return skip('it cannot be restarted');
      const [transaction, timestamp] = [newTransactionId(), newTimestamp()];
      const id = accepted(await port.deliver(draft, transaction, timestamp, limit));
      await restart();
      expect(accepted(await port.deliver(draft, transaction, timestamp, limit))).toBe(id);
      expect(await eventsOf(draft, alice)).toMatchObject([{ event_id: id }]);
    });

    test('a message may be remembered; state and redactions are not', async () => {
      const { alice, port } = scene();
      const room = await alice.room();
      expect(port.memoryOf(message(room, alice))).toMatch(/^(durable|forgets)$/);
      expect(port.memoryOf(state(room, alice, {}))).toBe('forgets');
      expect(port.memoryOf(redaction(room, alice, '$any'))).toBe('forgets');
    });

    test('a refusal is not remembered', async () => {
      const { alice, bob, port } = scene();
      const room = await alice.room();
      const draft = message(room, bob);
      const [transaction, timestamp] = [newTransactionId(), newTimestamp()];
      expect(await port.deliver(draft, transaction, timestamp, limit)).toMatchObject({
        kind: 'refused',
        error: { status: 403 },
      });
      await bob.join(room);
      const id = accepted(await port.deliver(draft, transaction, timestamp, limit));
      expect(await eventsOf(draft, alice)).toMatchObject([{ event_id: id }]);
    });

    test('deliveries of several users at once are events of each', async () => {
      const { alice, bob, carol, port } = scene();
      const room = await alice.room();
      for (const other of [bob, carol]) await other.join(room);
      const timestamp = newTimestamp();
      const drafts = [alice, bob, carol].map((sender) => message(room, sender, 'the same of all'));
      const outcomes = await Promise.all(
        drafts.map((draft) => port.deliver(draft, newTransactionId(), timestamp, limit)),
      );
      for (const [index, draft] of drafts.entries()) {
        const id = accepted(outcomes[index]!);
        expect(await eventsOf(draft, alice)).toMatchObject([{ event_id: id, origin_server_ts: timestamp }]);
      }
    });
  });
}
