// oxlint-disable eslint/no-underscore-dangle -- names of the SDK
import { EventType, type MatrixClient, UnsupportedDelayedEventsEndpointError } from 'matrix-js-sdk';
import { describe, expect, it } from 'vitest';
import type { Place, ServerOfPlace } from '../place.ts';
import { callRoom, joinCall, present, stepsOf } from '../call.ts';
import { RecordingProxy } from '../recording-proxy.ts';
import { makeRoom, signUp } from '../sdk-client.ts';
import { until } from '../signal.ts';

export function delaySupportSuite(place: Place): void {
  describe(`what is said of delays by ${place.name}`, () => {
    const startServer = (...flags: string[]): Promise<ServerOfPlace> => place.open(flags);

    const arm = (client: MatrixClient, roomId: string, delay: number): Promise<unknown> =>
      client._unstable_sendDelayedStateEvent(
        roomId,
        { delay },
        EventType.GroupCallMemberPrefix,
        {},
        '_other',
      );

    it('a maximum is said in the words the SDK understands: a session arms its leave with it, then joins', async () => {
      await using server = await startServer('--max-timeout', '6s');
      await using proxy = await RecordingProxy.start(server.url);
      const client = await signUp(proxy.url, 'ada');
      const roomId = await makeRoom([client], callRoom);
      await expect(arm(client, roomId, 6_001)).rejects.toMatchObject({
        httpStatus: 400,
        errcode: 'M_UNKNOWN',
        data: { 'org.matrix.msc4140.errcode': 'M_MAX_DELAY_EXCEEDED', 'org.matrix.msc4140.max_delay': 6_000 },
      });
      proxy.exchanges.length = 0;

      const session = joinCall(client, roomId, { delayedLeaveEventRestartMs: 500 });
      await present(session, client.getSafeUserId());
      await until(proxy, 'exchange', () => stepsOf(proxy.exchanges).length >= 4, 'the first restart');
      expect(stepsOf(proxy.exchanges).slice(0, 4)).toEqual(['arm 400', 'arm 200', 'join 200', 'restart 200']);
      const delays = proxy.exchanges.map(({ query }) => query.get('org.matrix.msc4140.delay'));
      expect(delays.filter((delay) => delay !== null)).toEqual(['8000', '6000']);
      expect(await session.leaveRoomSession()).toBe(true);
      expect(stepsOf(proxy.exchanges).at(-1)).toBe('send 200');
      client.stopClient();
    });

    it('a server that does not delay events has the SDK ask for none', async () => {
      await using server = await startServer('--generations', 'futures');
      const client = await signUp(server.url, 'ada');
      const roomId = await makeRoom([client], callRoom);
      await expect(arm(client, roomId, 1_000)).rejects.toThrow(UnsupportedDelayedEventsEndpointError);
      client.stopClient();
    });
  });
}
