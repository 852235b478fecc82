import {
  ClientEvent,
  Direction,
  EventType,
  type MatrixClient,
  type MatrixEvent,
  MsgType,
  ReceiptType,
  RoomEvent,
  RoomMemberEvent,
  TimelineWindow,
} from 'matrix-js-sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Place, ServerOfPlace } from '../place.ts';
import { joined, logIn, makeRoom, seen, signUp, start } from '../sdk-client.ts';
import { until } from '../signal.ts';

export function messagesSuite(place: Place): void {
  describe(`messages on ${place.name}`, () => {
    let server: ServerOfPlace;
    let ada: MatrixClient;
    let bob: MatrixClient;

    beforeAll(async () => {
      server = await place.open(['--rate-limits', 'off']);
      [ada, bob] = await Promise.all([signUp(server.url, 'ada'), signUp(server.url, 'bob')]);
    });
    afterAll(async () => {
      for (const client of [ada, bob]) client?.stopClient();
      await server?.[Symbol.asyncDispose]();
    });

    const forbidden = expect.objectContaining({ httpStatus: 403, errcode: 'M_FORBIDDEN' }) as object;

    const words = (events: readonly MatrixEvent[]): readonly unknown[] =>
      events
        .filter((event) => event.getType() === 'm.room.message')
        .map((event) => event.getContent()['body']);

    /** What the client's live timeline says, oldest first. */
    const bodies = (client: MatrixClient, roomId: string): readonly unknown[] =>
      words(client.getRoom(roomId)?.getLiveTimeline().getEvents() ?? []);

    describe('messages', () => {
      it('reach the other in the order they were sent, and replace the echo of who sent them', async () => {
        const room = await makeRoom([ada, bob]);
        const said = ['one', 'two', 'three', 'four', 'five'];
        let last = '';
        for (const word of said) last = (await ada.sendTextMessage(room, word)).event_id;
        await seen(bob, room, last);
        expect(bodies(bob, room)).toEqual(said);
        // Its own sync has told ada of all of them: none is pending, none is there twice.
        await until(
          ada,
          RoomEvent.LocalEchoUpdated,
          () => ada.getRoom(room)?.findEventById(last)?.status === null,
          'ada to see her last message',
        );
        expect(bodies(ada, room)).toEqual(said);
      });

      it('are redacted for everybody by who may', async () => {
        const room = await makeRoom([ada, bob]);
        const { event_id } = await bob.sendTextMessage(room, 'regret');
        const event = await seen(ada, room, event_id);
        await ada.redactEvent(room, event_id, undefined, { reason: 'kindness' });
        for (const client of [ada, bob])
          await until(
            client,
            RoomEvent.Redaction,
            () => client.getRoom(room)?.findEventById(event_id)?.isRedacted(),
            'the redaction',
          );
        expect(event.getContent()).toEqual({});
        expect((await ada.fetchRoomEvent(room, event_id)).content).toEqual({});
        const mine = (await ada.sendTextMessage(room, 'stays')).event_id;
        await expect(bob.redactEvent(room, mine)).rejects.toEqual(forbidden);
      });

      it('are paged back through to the first event: none missing, none twice', async () => {
        const room = await makeRoom([ada, bob]);
        const numbers = Array.from({ length: 30 }, (_, n) => `${n}`);
        for (const word of numbers) await ada.sendTextMessage(room, word);
        const later = await start(await logIn(server.url, 'bob'));
        expect(bodies(later, room).length).toBeLessThan(numbers.length);
        const view = await joined(later, room);
        while (view.oldState.paginationToken !== null) await later.scrollback(view, 10);
        const events = view.getLiveTimeline().getEvents();
        expect(events[0]?.getType()).toBe('m.room.create');
        expect(bodies(later, room)).toEqual(numbers);
        expect(new Set(events.map((event) => event.getId())).size).toBe(events.length);
        later.stopClient();
      });

      it('that a client missed are a gap in its timeline, and pages fill it', async () => {
        const room = await makeRoom([ada, bob]);
        const away = await start(await logIn(server.url, 'bob'));
        const { event_id } = await ada.sendTextMessage(room, 'before');
        await seen(away, room, event_id);
        away.stopClient();
        const numbers = Array.from({ length: 15 }, (_, n) => `${n}`);
        let last = '';
        for (const word of numbers) last = (await ada.sendTextMessage(room, word)).event_id;
        await away.startClient();
        await seen(away, room, last);
        expect(bodies(away, room)).not.toContain('before');
        const window = new TimelineWindow(away, (await joined(away, room)).getUnfilteredTimelineSet());
        await window.load(undefined, 5);
        while (window.canPaginate(Direction.Backward)) await window.paginate(Direction.Backward, 10);
        expect(words(window.getEvents())).toEqual(['before', ...numbers]);
        away.stopClient();
      });

      it('around an event are found from a link to it', async () => {
        const room = await makeRoom([ada, bob]);
        const ids: string[] = [];
        for (const word of ['a', 'b', 'c', 'd', 'e'])
          ids.push((await ada.sendTextMessage(room, word)).event_id);
        const later = await start(await logIn(server.url, 'bob'));
        const view = await joined(later, room);
        const timeline = await later.getEventTimeline(view.getUnfilteredTimelineSet(), ids[2] ?? '');
        expect(timeline?.getEvents().map((event) => event.getId())).toEqual(expect.arrayContaining(ids));
        later.stopClient();
      });
    });

    describe('state', () => {
      it('that one sets, the others see, and the server has it', async () => {
        const room = await makeRoom([ada, bob]);
        const { event_id } = await ada.setRoomTopic(room, 'Bernoulli numbers');
        await seen(bob, room, event_id);
        const topic = bob.getRoom(room)?.currentState.getStateEvents(EventType.RoomTopic, '');
        expect(topic?.getContent()['topic']).toBe('Bernoulli numbers');
        expect(topic?.getSender()).toBe('@ada:localhost');
        expect(await bob.roomState(room)).toEqual(
          expect.arrayContaining([expect.objectContaining({ event_id, type: 'm.room.topic' })]),
        );
      });

      it('is not changed by who lacks the power', async () => {
        const room = await makeRoom([ada, bob]);
        await expect(bob.setRoomName(room, 'mine')).rejects.toEqual(forbidden);
      });
    });

    describe('of what others do', () => {
      it('typing is shown while it goes on', async () => {
        const room = await makeRoom([ada, bob]);
        const typing = (): boolean => ada.getRoom(room)?.getMember('@bob:localhost')?.typing ?? false;
        await bob.sendTyping(room, true, 20_000);
        await until(ada, RoomMemberEvent.Typing, typing, 'bob to type');
        await bob.sendTyping(room, false, 0);
        await until(ada, RoomMemberEvent.Typing, () => !typing(), 'bob to stop typing');
      });

      it('receipts say how far they read, private ones say it to nobody else', async () => {
        const room = await makeRoom([ada, bob]);
        const first = (await ada.sendTextMessage(room, 'read by all')).event_id;
        const second = (await ada.sendTextMessage(room, 'read in private')).event_id;
        await bob.sendReceipt(await seen(bob, room, first), ReceiptType.Read);
        await until(
          ada,
          RoomEvent.Receipt,
          () => ada.getRoom(room)?.getEventReadUpTo('@bob:localhost') === first,
          'the receipt',
        );
        await bob.sendReceipt(await seen(bob, room, second), ReceiptType.ReadPrivate);
        const { event_id } = await bob.sendTextMessage(room, 'after the private receipt');
        await seen(ada, room, event_id);
        const receipts = ada.getRoom(room)?.getReceiptsForEvent(await seen(ada, room, second)) ?? [];
        expect(receipts.filter(({ userId }) => userId === '@bob:localhost')).toEqual([]);
      });

      it('what is unread is counted until it is read', async () => {
        const room = await makeRoom([ada, bob]);
        await ada.sendMessage(room, { msgtype: MsgType.Text, body: 'one' });
        const { event_id } = await ada.sendMessage(room, { msgtype: MsgType.Text, body: 'two' });
        const unread = (): number => bob.getRoom(room)?.getRoomUnreadNotificationCount() ?? -1;
        await until(bob, ClientEvent.Sync, () => unread() === 2, 'two unread messages');
        await bob.sendReceipt(await seen(bob, room, event_id), ReceiptType.Read);
        await until(bob, ClientEvent.Sync, () => unread() === 0, 'none to be unread');
      });
    });

    it('pages are the same from the other end', async () => {
      const room = await makeRoom([ada, bob]);
      await ada.sendTextMessage(room, 'only');
      const [back, forth] = [
        await ada.createMessagesRequest(room, null, 100, Direction.Backward),
        await ada.createMessagesRequest(room, null, 100, Direction.Forward),
      ];
      const ids = (page: { chunk: { event_id: string }[] }): string[] =>
        page.chunk.map(({ event_id }) => event_id);
      expect(ids(forth)).toEqual(ids(back).toReversed());
    });
  });
}
