// oxlint-disable eslint/no-underscore-dangle -- names of the SDK
import {
  EventType,
  type MatrixClient,
  type MatrixEvent,
  MsgType,
  RoomEvent,
  RoomStateEvent,
} from 'matrix-js-sdk';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Place, ServerOfPlace } from '../place.ts';
import { makeRoom, seen, signUp } from '../sdk-client.ts';
import { until } from '../signal.ts';

export function delayedEventsSuite(place: Place): void {
  describe(`delayed events on ${place.name}`, () => {
    const plan = 'org.example.plan' as never;

    let server: ServerOfPlace;
    let ada: MatrixClient;
    let bob: MatrixClient;
    let room: string;

    beforeAll(async () => {
      server = await place.open(['--rate-limits', 'off']);
      [ada, bob] = await Promise.all([signUp(server.url, 'ada'), signUp(server.url, 'bob')]);
    });
    afterAll(async () => {
      for (const client of [ada, bob]) client?.stopClient();
      await server?.[Symbol.asyncDispose]();
    });
    beforeEach(async () => {
      room = await makeRoom([ada, bob], { power_level_content_override: { events: { [plan]: 0 } } });
    });

    /** To be waited for, and long enough to change one's mind on a machine that stands still for a while. */
    const soon = 4_000;

    const finished = expect.objectContaining({ httpStatus: 404, errcode: 'M_NOT_FOUND' }) as object;

    /** @returns the id of a message that ada's server is to send in `delay` ms */
    async function schedule(body: string, delay: number): Promise<string> {
      const content = { msgtype: MsgType.Text, body } as const;
      return (await ada._unstable_sendDelayedEvent(room, { delay }, null, EventType.RoomMessage, content))
        .delay_id;
    }

    const schedulePlan = async (content: object, delay: number): Promise<string> =>
      (await ada._unstable_sendDelayedStateEvent(room, { delay }, plan, content as never, 'k')).delay_id;

    const messages = (client: MatrixClient): readonly MatrixEvent[] =>
      (client.getRoom(room)?.getLiveTimeline().getEvents() ?? []).filter(
        (event) => event.getType() === 'm.room.message',
      );

    const bodies = (client: MatrixClient): readonly unknown[] =>
      messages(client).map((event) => event.getContent()['body']);

    const arrived = (client: MatrixClient, body: string): Promise<MatrixEvent> =>
      until(
        client,
        RoomEvent.Timeline,
        () => messages(client).find((event) => event.getContent()['body'] === body),
        body,
      );

    describe('a delayed message', () => {
      it('is sent when its delay is over, not before, and only its sender finds the id in it', async () => {
        const asked = performance.now();
        const id = await schedule('later', 700);
        const event = await arrived(bob, 'later');
        expect(performance.now() - asked).toBeGreaterThanOrEqual(700);
        expect(event.getSender()).toBe('@ada:localhost');
        expect(event.getUnsigned()).not.toHaveProperty(['org.matrix.msc4140.delay_id']);
        const mine = await arrived(ada, 'later');
        expect(mine.getUnsigned()).toHaveProperty(['org.matrix.msc4140.delay_id'], id);
      });

      it('that is restarted is overtaken by one that was scheduled after it', async () => {
        const id = await schedule('first', soon);
        await schedule('second', soon);
        await ada._unstable_restartScheduledDelayedEvent(id);
        await arrived(bob, 'first');
        expect(bodies(bob)).toEqual(['second', 'first']);
      });

      it('that is cancelled is never sent: the next one is', async () => {
        const id = await schedule('cancelled', soon);
        await ada._unstable_cancelScheduledDelayedEvent(id);
        await schedule('next', soon);
        await arrived(bob, 'next');
        expect(bodies(bob)).toEqual(['next']);
        await expect(ada._unstable_cancelScheduledDelayedEvent(id)).rejects.toEqual(finished);
      });

      it('that is sent by hand is there at once, and finished then for every action', async () => {
        const id = await schedule('now after all', 600_000);
        await ada._unstable_sendScheduledDelayedEvent(id);
        await arrived(bob, 'now after all');
        await expect(ada._unstable_sendScheduledDelayedEvent(id)).rejects.toEqual(finished);
        await expect(ada._unstable_restartScheduledDelayedEvent(id)).rejects.toEqual(finished);
        await expect(ada._unstable_cancelScheduledDelayedEvent(id)).rejects.toEqual(finished);
        expect(bodies(bob)).toEqual(['now after all']);
      });

      it('is finished when its timer has sent it', async () => {
        const id = await schedule('by its timer', 100);
        await arrived(bob, 'by its timer');
        await expect(ada._unstable_restartScheduledDelayedEvent(id)).rejects.toEqual(finished);
      });

      it('is for nobody else to send, restart or cancel', async () => {
        const id = await schedule('mine', 600_000);
        await expect(bob._unstable_sendScheduledDelayedEvent(id)).rejects.toEqual(finished);
        await expect(bob._unstable_restartScheduledDelayedEvent(id)).rejects.toEqual(finished);
        await expect(bob._unstable_cancelScheduledDelayedEvent(id)).rejects.toEqual(finished);
        await ada._unstable_cancelScheduledDelayedEvent(id);
      });
    });

    describe('a delayed state event', () => {
      it('is not cancelled by newer state of its own sender', async () => {
        await schedulePlan({ of: 'ada, later' }, soon);
        const { event_id } = await ada.sendStateEvent(room, plan, { of: 'ada, now' } as never, 'k');
        await seen(bob, room, event_id);
        const current = (): unknown =>
          bob.getRoom(room)?.currentState.getStateEvents(plan, 'k')?.getContent()['of'];
        await until(
          bob,
          RoomStateEvent.Events,
          () => current() === 'ada, later',
          'the state that was scheduled',
        );
      });

      it('is cancelled by newer state of somebody else', async () => {
        const id = await schedulePlan({ of: 'ada, later' }, 600_000);
        const { event_id } = await bob.sendStateEvent(room, plan, { of: 'bob' } as never, 'k');
        await seen(ada, room, event_id);
        if (place.hearsOfStateLater)
          await expect.poll(() => ada._unstable_getDelayedEvent(id)).toHaveProperty('finalised');
        await expect(ada._unstable_restartScheduledDelayedEvent(id)).rejects.toEqual(finished);
      });
    });
  });
}
