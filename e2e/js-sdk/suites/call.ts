// oxlint-disable eslint/no-underscore-dangle -- names of the SDK
import { isDeepStrictEqual } from 'node:util';
import { type MatrixClient, type MatrixEvent, RoomStateEvent } from 'matrix-js-sdk';
import type { MatrixRTCSession } from 'matrix-js-sdk/lib/matrixrtc/index.js';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Place, ServerOfPlace } from '../place.ts';
import { absent, callIn, callRoom, joinCall, memberType, present, stepsOf } from '../call.ts';
import { MemberProcess } from '../member-process.ts';
import { type Exchange, RecordingProxy } from '../recording-proxy.ts';
import { joined, type Login, logIn, makeRoom, register, sdkClient, signUp, start } from '../sdk-client.ts';
import { until } from '../signal.ts';

export function callSuite(place: Place): void {
  describe(`calls on ${place.name}`, () => {
    /** Of Bob's leave: what the SDK does in 8 s and every 5 s, in less time, and with more between the two. */
    const delay = 5_000;
    const restartEvery = 500;
    /** What a machine that stands still for a while may add until another client has seen a leave. */
    const patience = 5_000;
    const bobId = '@bob:localhost';

    let server: ServerOfPlace;
    /** in front of the server for Bob */
    let proxy: RecordingProxy;
    let ada: MatrixClient;
    let login: Login;
    let roomId: string;
    let session: MatrixRTCSession;
    /** Bob's memberships as Ada's sync brought them, with the time of `performance.now` */
    let heard: { readonly event: MatrixEvent; readonly at: number }[];

    beforeAll(async () => {
      server = await place.open(['--rate-limits', 'off']);
      proxy = await RecordingProxy.start(server.url);
      await register(server.url, 'bob');
      [ada, login] = [await signUp(server.url, 'ada'), await logIn(server.url, 'bob')];
      ada.on(RoomStateEvent.Events, (event) => {
        if (event.getType() === memberType && event.getSender() === bobId)
          heard.push({ event, at: performance.now() });
      });
    });
    afterAll(async () => {
      ada?.stopClient();
      await proxy?.[Symbol.asyncDispose]();
      await server?.[Symbol.asyncDispose]();
    });

    beforeEach(async () => {
      const bob = await start(login);
      roomId = await makeRoom([ada, bob], callRoom);
      bob.stopClient();
      proxy.exchanges.length = 0;
      heard = [];
      session = joinCall(ada, roomId);
      await present(session, '@ada:localhost');
      return async () => void (await session.leaveRoomSession());
    });

    const bobJoins = (): Promise<MemberProcess> =>
      MemberProcess.join({
        login: { ...login, baseUrl: proxy.url },
        roomId,
        config: { delayedLeaveEventDelayMs: delay, delayedLeaveEventRestartMs: restartEvery },
      });

    const leaves = (): typeof heard =>
      heard.filter(
        ({ event }) => event.getRoomId() === roomId && Object.keys(event.getContent()).length === 0,
      );

    const restarts = (): readonly Exchange[] =>
      proxy.exchanges.filter(({ path, status }) => path.endsWith('/restart') && status === 200);

    const steps = (): readonly string[] => stepsOf(proxy.exchanges);

    /** How a session gets into a call: never without a leave behind it. */
    const joining = ['arm 200', 'join 200', 'restart 200'];

    /** The wall clock's time, which a server's clock starts at, and from which it may drift. */
    const wall = (instant: number): number => performance.timeOrigin + instant;
    const drift = 250;

    describe('a member of a call', () => {
      it('whose process is killed leaves when the delay since its last restart is over, and not before', async () => {
        await using bob = await bobJoins();
        await present(session, bobId);
        // Restarted for longer than the delay, so that the first deadline has passed.
        const kept = Math.ceil(delay / restartEvery) + 2;
        await until(proxy, 'exchange', () => restarts().length >= kept, 'restarts for longer than the delay');
        expect(steps().slice(0, 3)).toEqual(joining);
        expect(leaves()).toEqual([]);

        await bob.kill();
        await absent(session, bobId);
        const [leave, ...more] = leaves();
        const last = restarts().at(-1);
        if (leave === undefined || last === undefined) throw new Error('no leave');
        expect(more).toEqual([]);
        expect(leave.at - last.askedAt).toBeGreaterThanOrEqual(delay);
        expect(leave.at - last.answeredAt).toBeLessThan(delay + patience);
        // It says when it was due, however late it was seen.
        expect(leave.event.getTs() - delay).toBeGreaterThanOrEqual(wall(last.askedAt) - drift);
        expect(leave.event.getTs() - delay).toBeLessThanOrEqual(wall(last.answeredAt) + drift);
        expect(session.memberships.map((member) => member.userId)).toEqual(['@ada:localhost']);
      });

      it('that sleeps longer than its delay leaves, and is back with a new leave armed when it wakes', async () => {
        await using bob = await bobJoins();
        await present(session, bobId);
        bob.sleep();
        await absent(session, bobId);
        const before = steps().length;
        bob.wake();
        await present(session, bobId);
        const awake = (): readonly string[] => steps().slice(before);
        await until(
          proxy,
          'exchange',
          () => isDeepStrictEqual(awake().slice(-3), joining),
          'a leave to be armed, the way back in, and the restart',
        );
        // What wakes first, the timer or the answer of the sync, finds the old leave gone.
        expect(awake()[0]).toMatch(/^(?:restart|cancel) 404$/);
        for (const { status, path, answer } of proxy.exchanges)
          if (status === 404 && path.includes('/delayed_events/'))
            expect(JSON.parse(answer).errcode).toBe('M_NOT_FOUND');
      });

      it('that hangs up leaves at once by sending its scheduled leave, which is finished then', async () => {
        await using bob = await bobJoins();
        await present(session, bobId);
        await bob.leave();
        await absent(session, bobId);
        const sent = proxy.exchanges.find((exchange) => exchange.path.endsWith('/send'));
        if (sent === undefined) throw new Error('not sent');
        expect(sent).toMatchObject({ status: 200, body: '', answer: '{}' });
        expect(leaves()).toHaveLength(1);
        // Sent by hand, an event has the time it was sent at, not the one it was scheduled for.
        const ts = leaves()[0]?.event.getTs() ?? 0;
        expect(ts).toBeGreaterThanOrEqual(wall(sent.askedAt) - drift);
        expect(ts).toBeLessThanOrEqual(wall(sent.answeredAt) + drift);
        const delayId = sent.path.split('/').at(-2) ?? '';
        await expect(sdkClient(login)._unstable_restartScheduledDelayedEvent(delayId)).rejects.toMatchObject({
          httpStatus: 404,
          errcode: 'M_NOT_FOUND',
        });
      });

      it('is seen by who comes into the room later', async () => {
        const later = await signUp(server.url, 'eve');
        await ada.invite(roomId, '@eve:localhost');
        await later.joinRoom(roomId);
        await joined(later, roomId);
        await present(callIn(later, roomId), '@ada:localhost');
        later.stopClient();
      });
    });
  });
}
