// oxlint-disable eslint/no-underscore-dangle -- names of the SDK
import { EventType, type MatrixClient, MsgType } from 'matrix-js-sdk';
import { Status } from 'matrix-js-sdk/lib/matrixrtc/index.js';
import { describe, expect, it } from 'vitest';
import type { Place, ServerOfPlace } from '../place.ts';
import { WatchedCall } from '../watched-call.ts';

export function callRefusedSuite(place: Place): void {
  describe(`refusals in calls on ${place.name}`, () => {
    /** What the SDK does in 8 s and every 5 s. */
    const config = { delayedLeaveEventDelayMs: 4_000, delayedLeaveEventRestartMs: 1_000 };
    const delay = config.delayedLeaveEventDelayMs;

    const startServer = (...flags: string[]): Promise<ServerOfPlace> => place.open(flags);

    /** How a session gets into a call, and stays in it. */
    const joining = ['arm 200', 'join 200', 'restart 200'];

    /** A message that will be sent in 1.3 s, so that a wait of whole seconds ends well before or well after it. */
    async function schedule(client: MatrixClient, roomId: string): Promise<void> {
      const content = { msgtype: MsgType.Text, body: 'later' } as const;
      await client._unstable_sendDelayedEvent(roomId, { delay: 1_300 }, null, EventType.RoomMessage, content);
    }

    /** The errors that Bob was answered while he armed, joined and restarted. */
    const refusals = (call: WatchedCall): readonly object[] =>
      call.proxy.exchanges
        .filter(({ status, path }) => status >= 400 && /delayed_events|call\.member/.test(path))
        .map(({ answer }) => JSON.parse(answer));

    describe('a member whose leave is gone', () => {
      it('because it was cancelled elsewhere, arms another one: nobody sees the member leave', async () => {
        await using server = await startServer();
        await using call = await WatchedCall.on(server.url);
        const session = call.join(config);
        await call.settled();
        const [before, gone] = [call.steps.length, session.delayId ?? ''];
        await call.elsewhere._unstable_cancelScheduledDelayedEvent(gone);
        await call.ends(before, 'restart 404', 'arm 200', 'restart 200');
        expect(refusals(call)).toEqual([expect.objectContaining({ errcode: 'M_NOT_FOUND' })]);
        expect(session.delayId).not.toBe(gone);
        expect(await call.isArmed()).toBe(true);
        await call.caughtUp();
        expect(call.leaves).toBe(0);
        expect(session.membershipStatus).toBe(Status.Connected);
      });

      it('because it was sent, comes back into the call with a new one armed', async () => {
        await using server = await startServer();
        await using call = await WatchedCall.on(server.url);
        const session = call.join(config);
        await call.settled();
        const [before, gone] = [call.steps.length, session.delayId ?? ''];
        await call.elsewhere._unstable_sendScheduledDelayedEvent(gone);
        await call.ends(before, ...joining);
        await call.caughtUp();
        await call.settled();
        for (const refusal of refusals(call)) expect(refusal).toMatchObject({ errcode: 'M_NOT_FOUND' });
        expect(call.leaves).toBe(1);
        expect(session.delayId).not.toBe(gone);
        expect(await call.isArmed()).toBe(true);
        expect(session.membershipStatus).toBe(Status.Connected);
      });
    });

    describe('a member who is answered 429', () => {
      const limited = expect.objectContaining({
        errcode: 'M_LIMIT_EXCEEDED',
        retry_after_ms: expect.any(Number) as number,
      }) as object;

      it('on a restart waits as long as it is told, and stays in the call', async () => {
        await using server = await startServer('--max-refreshes-per-second', '1');
        await using call = await WatchedCall.on(server.url);
        const session = call.join({ ...config, delayedLeaveEventRestartMs: 300 });
        await call.settled();
        await call.keptFor(delay);
        await call.caughtUp();
        expect(call.steps).toContain('restart 429');
        for (const refusal of refusals(call)) expect(refusal).toEqual(limited);
        // Each is followed by one that is in time.
        expect(call.steps.join()).not.toContain('restart 429,restart 429');
        expect(call.leaves).toBe(0);
        expect(session.membershipStatus).toBe(Status.Connected);
        expect(await call.isArmed()).toBe(true);
      });

      /** Limits that leave Bob no room for a second event, and Ada all she needs. */
      const limits = [
        ['as many as he may have', ['--max-futures-per-user', '1']],
        ['as fast as he may', ['--max-schedules-at-once', '1', '--max-schedules-per-second', '1']],
      ] as const;

      it.each(limits)(
        'on his way in, having scheduled %s, waits as long as he is told, and nobody else does',
        async (_what, flags) => {
          await using server = await startServer(...flags);
          await using call = await WatchedCall.on(server.url);
          await schedule(call.elsewhere, call.roomId);
          const session = call.join(config);
          await call.ends(0, 'arm 429');
          await schedule(call.ada, call.roomId);
          await call.settled();
          expect(call.steps).toEqual(['arm 429', ...joining]);
          expect(refusals(call)).toEqual([limited]);
          expect(session.membershipStatus).toBe(Status.Connected);
          expect(await call.isArmed()).toBe(true);
        },
      );

      it('when the leave is gone and there is no room for another one arms it as soon as there is', async () => {
        await using server = await startServer('--max-futures-per-user', '1');
        await using call = await WatchedCall.on(server.url);
        const session = call.join(config);
        await call.settled();
        // From one restart to the next there is time enough to take the room.
        await call.keptFor(0);
        const before = call.steps.length;
        await call.elsewhere._unstable_cancelScheduledDelayedEvent(session.delayId ?? '');
        await schedule(call.elsewhere, call.roomId);
        await call.ends(before, 'restart 404', 'arm 429', 'arm 200', 'restart 200');
        await call.caughtUp();
        expect(call.leaves).toBe(0);
        expect(session.membershipStatus).toBe(Status.Connected);
        expect(await call.isArmed()).toBe(true);
      });
    });
  });
}
