// oxlint-disable eslint/no-underscore-dangle -- names of the SDK
import {
  EventType,
  type MatrixClient,
  type MatrixEvent,
  MsgType,
  RoomEvent,
  UnsupportedStickyEventsEndpointError,
  UpdateDelayedEventAction,
} from 'matrix-js-sdk';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Place, ServerOfPlace } from '../place.ts';
import { logIn, type Login, makeRoom, register, sdkClient, seen, signUp } from '../sdk-client.ts';
import { until } from '../signal.ts';

export function delayedEventMethodsSuite(place: Place): void {
  describe(`methods for delayed events on ${place.name}`, () => {
    const plan = 'org.example.plan' as never;
    const never = 600_000;

    let server: ServerOfPlace;
    /** syncs, and made the room */
    let ada: MatrixClient;
    let room: string;
    /** of a user who has scheduled nothing yet */
    let login: Login;
    let user: MatrixClient;
    let users = 0;

    beforeAll(async () => {
      server = await place.open(['--rate-limits', 'off']);
      ada = await signUp(server.url, 'ada');
      room = await makeRoom([ada], { power_level_content_override: { events: { [plan]: 0 } } });
    });
    afterAll(async () => {
      ada?.stopClient();
      await server?.[Symbol.asyncDispose]();
    });
    beforeEach(async () => {
      const name = `user${++users}`;
      await register(server.url, name);
      login = await logIn(server.url, name);
      user = sdkClient({ ...login });
      await ada.invite(room, login.userId);
      await user.joinRoom(room);
    });

    const missing = expect.objectContaining({ httpStatus: 404, errcode: 'M_NOT_FOUND' }) as object;
    const anInstant = expect.any(Number) as number;

    const textOf = (body: string) => ({ msgtype: MsgType.Text, body }) as const;

    async function delayed(body: string, delay = never, client = user): Promise<string> {
      const type = EventType.RoomMessage;
      return (await client._unstable_sendDelayedEvent(room, { delay }, null, type, textOf(body))).delay_id;
    }

    async function delayedState(type: string, key: string, delay = never): Promise<string> {
      const answer = await user._unstable_sendDelayedStateEvent(
        room,
        { delay },
        type as never,
        {} as never,
        key,
      );
      return answer.delay_id;
    }

    /** Resolves when Ada has a message of that text. */
    const arrived = (body: string): Promise<true> =>
      until(
        ada,
        RoomEvent.Timeline,
        () => timeline().some((event) => event.getContent()['body'] === body),
        `the message "${body}"`,
      );

    const timeline = (): readonly MatrixEvent[] => ada.getRoom(room)?.getLiveTimeline().getEvents() ?? [];

    /** As the server tells of a message that `delayed` made: with either name of its two times. */
    const told = (delay_id: string, body: string, delay = never): object => ({
      delay_id,
      room_id: room,
      type: EventType.RoomMessage,
      delay,
      delay_ms: delay,
      running_since: anInstant,
      delayed_since_ts: anInstant,
      content: textOf(body),
    });

    /** The ids of a list, in its order. */
    const idsOf = (list: object): readonly unknown[] => {
      expect(list).toHaveProperty('delayed_events');
      return Object.entries(list)
        .filter(([name]) => name === 'delayed_events')
        .flatMap(([, events]) => (Array.isArray(events) ? events : []))
        .map((event: { readonly delay_id: unknown }) => event.delay_id);
    };

    /** What a client asked for and was answered, as `POST restart with login 200`. */
    type Asked = string;

    /**
     * A client of that login whose homeserver is older than ours: it answers M_UNRECOGNIZED where the action is in the path,
     * and in the body, too, wants a login.
     */
    function clientOfOlder(server: { readonly actionInBody: boolean; readonly wantsLogin: boolean }): {
      readonly client: MatrixClient;
      readonly asked: readonly Asked[];
    } {
      const asked: Asked[] = [];
      const refusal = (form: string, hasLogin: boolean): Response | null => {
        if (server.actionInBody && form === 'path')
          return Response.json({ errcode: 'M_UNRECOGNIZED', error: 'What?' }, { status: 404 });
        if (server.wantsLogin && !hasLogin)
          return Response.json({ errcode: 'M_MISSING_TOKEN', error: 'Who?' }, { status: 401 });
        return null;
      };
      const fetchFn: typeof fetch = async (input, init) => {
        const { pathname } = new URL(input instanceof Request ? input.url : input);
        const action = /\/delayed_events\/[^/]+(\/[a-z]+)?$/.exec(pathname);
        if (action === null || init?.method !== 'POST') return fetch(input, init);
        const form = action[1] === undefined ? 'body' : 'path';
        const hasLogin = new Headers(init.headers).has('Authorization');
        const response = refusal(form, hasLogin) ?? (await fetch(input, init));
        asked.push(`${form}, ${hasLogin ? 'login' : 'no login'}: ${response.status}`);
        return response;
      };
      return { client: sdkClient({ ...login, fetchFn }), asked };
    }

    /** The forms in which the SDK manages a delayed event, each the fall-back of the one before it. */
    const forms = [
      {
        form: 'the action in the path',
        older: { actionInBody: false, wantsLogin: false },
        asked: ['path, login: 200'],
      },
      {
        form: 'the action in the body, without a login',
        older: { actionInBody: true, wantsLogin: false },
        asked: ['path, login: 404', 'body, no login: 200'],
      },
      {
        form: 'the action in the body, with a login',
        older: { actionInBody: true, wantsLogin: true },
        asked: ['path, login: 404', 'body, no login: 401', 'body, login: 200'],
      },
    ];

    describe.each(forms)('$form', ({ older, asked: expected }) => {
      it('restarts: the delay counts from now', async () => {
        const id = await delayed('later');
        const before = await user._unstable_getDelayedEvent(id);
        const { client, asked } = clientOfOlder(older);
        expect(await client._unstable_restartScheduledDelayedEvent(id)).toEqual({});
        expect(asked).toEqual(expected);
        const after = await user._unstable_getDelayedEvent(id);
        expect(after.delayed_since_ts).toBeGreaterThan(before.delayed_since_ts);
        expect(after.finalised).toBeUndefined();
      });

      it('sends: the event is there', async () => {
        const id = await delayed('now');
        const { client, asked } = clientOfOlder(older);
        expect(await client._unstable_sendScheduledDelayedEvent(id)).toEqual({});
        expect(asked).toEqual(expected);
        const { finalised } = await user._unstable_getDelayedEvent(id);
        expect(finalised).toEqual({ finalised_ts: anInstant, event_id: expect.any(String) });
        const event = await seen(ada, room, finalised?.event_id ?? '');
        expect(event.getContent()).toEqual(textOf('now'));
      });

      it('cancels: there is neither an event nor an error', async () => {
        const id = await delayed('never');
        const { client, asked } = clientOfOlder(older);
        expect(await client._unstable_cancelScheduledDelayedEvent(id)).toEqual({});
        expect(asked).toEqual(expected);
        const { finalised } = await user._unstable_getDelayedEvent(id);
        expect(finalised).toMatchObject({ finalised_ts: anInstant });
        expect(finalised).not.toHaveProperty('event_id');
        expect(finalised).not.toHaveProperty('error');
      });

      it('is 404 for what is finished and what never was', async () => {
        const id = await delayed('gone');
        await user._unstable_cancelScheduledDelayedEvent(id);
        const { client } = clientOfOlder(older);
        for (const gone of [id, 'nonsense']) {
          await expect(client._unstable_restartScheduledDelayedEvent(gone)).rejects.toEqual(missing);
          await expect(client._unstable_sendScheduledDelayedEvent(gone)).rejects.toEqual(missing);
          await expect(client._unstable_cancelScheduledDelayedEvent(gone)).rejects.toEqual(missing);
        }
      });
    });

    it.each(Object.values(UpdateDelayedEventAction))(
      'the deprecated method of every action does it without a login: %s',
      async (action) => {
        const id = await delayed('old');
        const { client, asked } = clientOfOlder({ actionInBody: false, wantsLogin: false });
        expect(await client._unstable_updateDelayedEvent(id, action)).toEqual({});
        expect(asked).toEqual(['body, no login: 200']);
        const { finalised } = await user._unstable_getDelayedEvent(id);
        expect(finalised === undefined).toBe(action === UpdateDelayedEventAction.Restart);
      },
    );

    describe('one delayed event', () => {
      it('is told to its owner as it was scheduled', async () => {
        const id = await delayed('one');
        expect(await user._unstable_getDelayedEvent(id)).toEqual(told(id, 'one'));
      });

      it('has its state key, the empty one, too', async () => {
        for (const key of ['', 'k']) {
          const id = await delayedState(plan, key);
          expect(await user._unstable_getDelayedEvent(id)).toMatchObject({
            type: plan,
            state_key: key,
            content: {},
          });
        }
      });

      it('is 404 for everybody else, and where there is none', async () => {
        const id = await delayed('mine');
        await expect(ada._unstable_getDelayedEvent(id)).rejects.toEqual(missing);
        await expect(user._unstable_getDelayedEvent('nonsense')).rejects.toEqual(missing);
      });
    });

    describe('the list', () => {
      it('has what is scheduled, in the order it will be sent in, and nothing of anybody else', async () => {
        await delayed('of ada', never, ada);
        const last = await delayed('last', never + 2_000);
        const first = await delayed('first', never - 2_000);
        const between = await delayedState(plan, 'k');
        await user._unstable_cancelScheduledDelayedEvent(await delayed('cancelled'));
        const expected = {
          delayed_events: [
            told(first, 'first', never - 2_000),
            expect.objectContaining({ delay_id: between, type: plan, state_key: 'k' }),
            told(last, 'last', never + 2_000),
          ],
        };
        expect(await user._unstable_getDelayedEvents()).toEqual(expected);
        expect(await user._unstable_getDelayedEvents('scheduled')).toEqual(expected);
      });

      it('of finished ones says what became of each, and why', async () => {
        const cancelled = await delayed('cancelled');
        await user._unstable_cancelScheduledDelayedEvent(cancelled);
        const byHand = await delayed('by hand');
        await user._unstable_sendScheduledDelayedEvent(byHand);
        const overtaken = await delayedState(plan, login.deviceId);
        await ada.sendStateEvent(room, plan, { of: 'ada' } as never, login.deviceId);
        // Due in one room one after the other: the second one is there when the first one has failed.
        const refused = await delayedState('org.example.of-moderators', '', 50);
        const byTimer = await delayed(`by timer of ${login.userId}`, 100);
        await arrived(`by timer of ${login.userId}`);
        await expect.poll(() => user._unstable_getDelayedEvents()).toEqual({ delayed_events: [] });

        const { finalised = [], ...rest } = await user._unstable_getDelayedEvents('finalised');
        expect(rest).toEqual({ delayed_events: [] });
        const outcomes = finalised.map(
          ({ delayed_event: { delay_id }, ...outcome }) => [delay_id, outcome] as const,
        );
        const anEvent = expect.any(String) as string;
        const anError = (fields: object): object => expect.objectContaining(fields) as object;
        expect(Object.fromEntries(outcomes)).toEqual({
          [cancelled]: { outcome: 'cancel', reason: 'action' },
          [byHand]: { outcome: 'send', reason: 'action', event_id: anEvent },
          [byTimer]: { outcome: 'send', reason: 'delay', event_id: anEvent },
          [refused]: { outcome: 'cancel', reason: 'error', error: anError({ errcode: 'M_FORBIDDEN' }) },
          [overtaken]: {
            outcome: 'cancel',
            reason: 'error',
            error: anError({ 'org.matrix.msc4140.errcode': 'M_CANCELLED_BY_STATE_UPDATE' }),
          },
        });
      });

      it('can be asked for one id or several, of the status it is asked for', async () => {
        const [one, other, done] = [await delayed('one'), await delayed('other'), await delayed('done')];
        await user._unstable_sendScheduledDelayedEvent(done);
        expect(idsOf(await user._unstable_getDelayedEvents(undefined, one))).toEqual([one]);
        expect(idsOf(await user._unstable_getDelayedEvents('scheduled', [other, one, done]))).toEqual([
          other,
          one,
        ]);
        const finished = await user._unstable_getDelayedEvents('finalised', [one, done]);
        expect(finished.finalised?.map(({ delayed_event }) => delayed_event.delay_id)).toEqual([done]);
        expect(idsOf(await ada._unstable_getDelayedEvents(undefined, [one, other]))).toEqual([]);
      });

      it('goes on from the end of a page: none is missing and none twice while others come and go', async () => {
        const ids: string[] = [];
        for (let count = 0; count < 130; count++) ids.push(await delayed(`${count}`, never + count));
        const first = await user._unstable_getDelayedEvents('scheduled');
        expect(idsOf(first)).toEqual(ids.slice(0, 100));
        await user._unstable_cancelScheduledDelayedEvent(ids[3] ?? '');
        await user._unstable_cancelScheduledDelayedEvent(ids[99] ?? '');
        await delayed('before all', 60_000);
        const second = await user._unstable_getDelayedEvents('scheduled', undefined, first.next_batch);
        expect(idsOf(second)).toEqual(ids.slice(100));
        expect(second.next_batch).toBeUndefined();
      });
    });

    describe('a sticky delayed event', () => {
      const send = (duration: number): Promise<{ delay_id: string }> =>
        user._unstable_sendStickyDelayedEvent(room, duration, { delay: 50 }, null, EventType.RoomMessage, {
          ...textOf(`sticky, of ${login.userId}`),
          msc4354_sticky_key: 'k',
        });

      it('is asked for by the SDK where the server says that it syncs sticky events, and only there', async () => {
        const refusal = await send(60_000).then(
          () => null,
          (error: unknown) => error,
        );
        expect(refusal instanceof UnsupportedStickyEventsEndpointError).toBe(!place.syncsStickyEvents);
      });

      it('is asked for all the same: it sticks from the moment that it is sent', async () => {
        vi.spyOn(user, 'doesServerSupportUnstableFeature').mockResolvedValue(true);
        const { delay_id } = await send(60_000);
        await arrived(`sticky, of ${login.userId}`);
        // The homeserver's sync may be faster than its answer to who sends.
        await expect.poll(() => user._unstable_getDelayedEvent(delay_id)).toHaveProperty('finalised');
        const { finalised } = await user._unstable_getDelayedEvent(delay_id);
        expect(await user.fetchRoomEvent(room, finalised?.event_id ?? '')).toMatchObject({
          content: { msc4354_sticky_key: 'k' },
          msc4354_sticky: { duration_ms: 60_000 },
        });
      });

      it('that sticks for longer than an hour is refused when it is scheduled', async () => {
        vi.spyOn(user, 'doesServerSupportUnstableFeature').mockResolvedValue(true);
        await expect(send(3_600_001)).rejects.toMatchObject({ httpStatus: 400, errcode: 'M_INVALID_PARAM' });
      });
    });

    describe('a delayed event that hangs on another one, as the SDK can still ask for it', () => {
      it.each([
        ['instead of a delay', {}],
        ['beside a delay', { delay: 50 }],
      ])('%s is refused: it is neither sent at once nor delayed', async (_where, opts) => {
        const parent = await delayed('parent');
        const child = { ...opts, parent_delay_id: parent };
        const refused = expect.objectContaining({ httpStatus: 400, errcode: 'M_INVALID_PARAM' }) as object;
        await expect(
          user._unstable_sendDelayedEvent(room, child, null, EventType.RoomMessage, textOf('child')),
        ).rejects.toEqual(refused);
        await expect(
          user._unstable_sendDelayedStateEvent(room, child, plan, {} as never, login.userId),
        ).rejects.toEqual(refused);
        expect(idsOf(await user._unstable_getDelayedEvents())).toEqual([parent]);
        await expect(user.getStateEvent(room, plan, login.userId)).rejects.toEqual(missing);
      });
    });
  });
}
