import { MembershipManagerEvent, Status } from 'matrix-js-sdk/lib/matrixrtc/index.js';
import { describe, expect, it } from 'vitest';
import { absent, callIn, outageConfig, present } from '../call.ts';
import type { Place, ServerOfPlace } from '../place.ts';
import { until } from '../signal.ts';
import { WatchedCall } from '../watched-call.ts';

export function callOutageSuite(place: Place): void {
  describe(`calls over outages of ${place.name}`, () => {
    const startServer = (): Promise<ServerOfPlace> => place.open(['--rate-limits', 'off']);

    describe.each(['SIGTERM', 'SIGKILL'] as const)(
      'a server that is ended by %s and started again',
      (signal) => {
        it('within the delay: nobody sees a member leave, whose armed leave is the same as before', async () => {
          await using server = await startServer();
          await using call = await WatchedCall.on(server.url);
          const session = call.join(outageConfig);
          await call.settled();
          const armed = session.delayId;

          await server.stop(signal);
          await server.startAgain();
          call.syncAgain();
          await call.keptFor(outageConfig.delayedLeaveEventDelayMs);
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
          await using eve = await call.eveJoins(outageConfig);
          const session = call.join(outageConfig);
          await call.settled();
          await present(call.view, eve.userId);

          await server.stop(signal);
          await eve.kill();
          await until(
            session,
            MembershipManagerEvent.ProbablyLeft,
            () => session.probablyLeft,
            'the delay to be over',
          );
          const before = call.steps.length;
          await server.startAgain();
          call.syncAgain();
          for (const client of [call.ada, call.bob]) await absent(callIn(client, call.roomId), eve.userId);
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
