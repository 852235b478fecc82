import { MembershipManagerEvent, Status } from 'matrix-js-sdk/lib/matrixrtc/index.js';
import { describe, expect, it } from 'vitest';
import { absent, callIn, present } from '../call.ts';
import type { Place, ServerOfPlace } from '../place.ts';
import { MemberProcess } from '../member-process.ts';
import { logIn, joined, register, start } from '../sdk-client.ts';
import { until } from '../signal.ts';
import { WatchedCall } from '../watched-call.ts';

export function callOutageSuite(place: Place): void {
  describe(`calls over outages of ${place.name}`, () => {
    /** What the SDK does in 8 s, every 5 s and after 3 s; a busy machine has most of the delay to start a server in. */
    const config = {
      delayedLeaveEventDelayMs: 4_000,
      delayedLeaveEventRestartMs: 500,
      networkErrorRetryMs: 200,
      // As patient as the SDK's 10 times 3 s.
      maximumNetworkErrorRetryCount: 150,
    };
    const delay = config.delayedLeaveEventDelayMs;

    const startServer = (): Promise<ServerOfPlace> => place.open(['--rate-limits', 'off']);

    /** As applications do when the network is back; the SDK by itself tries again after 2 to 7 s. */
    function syncAgain(call: WatchedCall): void {
      for (const client of [call.ada, call.bob]) client.retryImmediately();
    }

    describe.each(['SIGTERM', 'SIGKILL'] as const)(
      'a server that is ended by %s and started again',
      (signal) => {
        it('within the delay: nobody sees a member leave, whose armed leave is the same as before', async () => {
          await using server = await startServer();
          await using call = await WatchedCall.on(server.url);
          const session = call.join(config);
          await call.settled();
          const armed = session.delayId;

          await server.stop(signal);
          await server.startAgain();
          syncAgain(call);
          await call.keptFor(delay);
          await call.caughtUp();
          expect(call.leaves).toBe(0);
          expect(call.steps.filter((step) => !step.startsWith('restart'))).toEqual(['arm 200', 'join 200']);
          expect(call.steps).not.toContain('restart 404');
          expect(session.delayId).toBe(armed);
          expect(session.membershipStatus).toBe(Status.Connected);
          expect(await call.isArmed()).toBe(true);
        });

        it('after the delay: who lives is in the call with a leave armed, and who died meanwhile is not', async () => {
          await using server = await startServer();
          await using call = await WatchedCall.on(server.url);
          await register(server.url, 'eve');
          const login = await logIn(server.url, 'eve');
          const eve = await start(login);
          await call.ada.invite(call.roomId, login.userId);
          await eve.joinRoom(call.roomId);
          await joined(eve, call.roomId);
          eve.stopClient();
          await using member = await MemberProcess.join({ login, roomId: call.roomId, config });
          const session = call.join(config);
          await call.settled();
          await present(call.view, login.userId);

          await server.stop(signal);
          await member.kill();
          await until(
            session,
            MembershipManagerEvent.ProbablyLeft,
            () => session.probablyLeft,
            'the delay to be over',
          );
          const before = call.steps.length;
          await server.startAgain();
          syncAgain(call);
          for (const client of [call.ada, call.bob]) await absent(callIn(client, call.roomId), login.userId);
          // Whether Bob was in time for his leave or not: he does not go on arming and joining.
          await call.ends(before, 'restart 200', 'restart 200', 'restart 200');
          await call.caughtUp();
          for (const client of [call.ada, call.bob])
            expect(callIn(client, call.roomId).memberships.map(({ userId }) => userId)).toEqual([
              '@bob:localhost',
            ]);
          expect(session.membershipStatus).toBe(Status.Connected);
          expect(session.probablyLeft).toBe(false);
          expect(await call.isArmed()).toBe(true);
        });
      },
    );
  });
}
