// oxlint-disable eslint/no-underscore-dangle -- names of the SDK
import { EventType, type MatrixClient, MsgType } from 'matrix-js-sdk';
import { Status } from 'matrix-js-sdk/lib/matrixrtc/index.js';
import { describe, expect, it } from 'vitest';
import type { Place, ServerOfPlace } from '../place.ts';
import { WatchedCall } from '../watched-call.ts';

export function callRefusedSuite(place: Place): void {
  describe(`refusals in calls on ${place.name}`, () => {
    /** What the SDK does in 8 s and every 5 s. */
    const config = { delayedLeaveEventDelayMs: 6_000, delayedLeaveEventRestartMs: 1_000 };
    const delay = config.delayedLeaveEventDelayMs;

    const startServer = (...flags: string[]): Promise<ServerOfPlace> => place.open(flags);

    /** How a session gets into a call, and stays in it. */
    const joining = ['arm 200', 'join 200', 'restart 200'];

    /** A message that will be sent in a while. */
    async function schedule(client: MatrixClient, roomId: string): Promise<void> {
      const content = { msgtype: MsgType.Text, body: 'later' } as const;
      await client._unstable_sendDelayedEvent(roomId, { delay: 3_300 }, null, EventType.RoomMessage, content);
    }

    /** The errors that Bob was answered while he armed, joined and restarted. */
    const refusals = (call: WatchedCall): readonly object[] =>
      call.proxy.exchanges
        .filter(({ status, path }) => status >= 400 && /delayed_events|call\.member/.test(path))
        .map(({ answer }) => JSON.parse(answer));

    const isArming = (method: string, target: string): boolean =>
      method === 'PUT' && target.includes('org.matrix.msc4140.delay=');

    const isRestart = (_method: string, target: string): boolean => target.includes('/restart');

    /** How long Bob waited after each 429 to an arming until he armed again, and how long he was told to wait. */
    const waits = ({ proxy }: WatchedCall): readonly { readonly taken: number; readonly told: number }[] => {
      const arms = proxy.exchanges.filter(({ query }) => query.has('org.matrix.msc4140.delay'));
      return arms.flatMap(({ status, answer, answeredAt }, index) =>
        status === 429
          ? {
              taken: (arms[index + 1]?.askedAt ?? NaN) - answeredAt,
              told: JSON.parse(answer).retry_after_ms,
            }
          : [],
      );
    };

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
          const arms = call.proxy.hold(isArming);
          const session = call.join(config);
          await arms;
          await schedule(call.elsewhere, call.roomId);
          call.proxy.letGo();
          await call.ends(0, 'arm 429');
          await schedule(call.ada, call.roomId);
          await call.settled();
          // More than one where the machine stood still when there was room again, each as late as he was told.
          const refused = call.steps.lastIndexOf('arm 429');
          expect(new Set(call.steps.slice(0, refused + 1))).toEqual(new Set(['arm 429']));
          expect(call.steps.slice(refused + 1).slice(0, joining.length)).toEqual(joining);
          for (const refusal of refusals(call)) expect(refusal).toEqual(limited);
          for (const wait of waits(call)) expect(wait.taken).toBeGreaterThan(wait.told - 1);
          expect(session.membershipStatus).toBe(Status.Connected);
          expect(await call.isArmed()).toBe(true);
        },
      );

      it('when the leave is gone and there is no room for another one arms it as soon as there is', async () => {
        await using server = await startServer('--max-futures-per-user', '1');
        await using call = await WatchedCall.on(server.url);
        const session = call.join(config);
        await call.settled();
        // Until the room is taken Bob does not hear that his leave is gone.
        await call.proxy.hold(isRestart);
        const before = call.steps.length;
        await call.elsewhere._unstable_cancelScheduledDelayedEvent(session.delayId ?? '');
        await schedule(call.elsewhere, call.roomId);
        call.proxy.letGo();
        await call.ends(before, 'arm 429', 'arm 200', 'restart 200');
        expect(call.steps[before]).toBe('restart 404');
        await call.caughtUp();
        expect(call.leaves).toBe(0);
        expect(session.membershipStatus).toBe(Status.Connected);
        expect(await call.isArmed()).toBe(true);
      });
    });
  });
}
