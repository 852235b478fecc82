import type { MatrixClient } from 'matrix-js-sdk';
import {
  type CallMembership,
  type JoinSessionConfig,
  type MatrixRTCSession,
  MatrixRTCSessionEvent,
} from 'matrix-js-sdk/lib/matrixrtc/index.js';
import type { Exchange } from './recording-proxy.ts';
import { until } from './signal.ts';

/** The state event that says who is in a call. */
export const memberType = 'org.matrix.msc3401.call.member';

/** Rooms with calls let everybody in them say that they are in the call. */
export const callRoom = { power_level_content_override: { events: { [memberType]: 0 } } };

/**
 * For calls that an outage comes over: the SDK's delay, and in less time what it does every 5 s and after 3 s. A machine
 * that is busy, or stands still for a while, has most of the delay to start a server in.
 */
export const outageConfig = {
  delayedLeaveEventDelayMs: 8_000,
  delayedLeaveEventRestartMs: 500,
  networkErrorRetryMs: 200,
  // As patient as the SDK's 10 times 3 s.
  maximumNetworkErrorRetryCount: 150,
};

/** The call of a room as that client knows it. */
export function callIn(client: MatrixClient, roomId: string): MatrixRTCSession {
  const room = client.getRoom(roomId);
  if (room === null) throw new Error(`${client.getUserId()} does not know ${roomId}`);
  return client.matrixRTC.getRoomSession(room);
}

/** Goes on in the background: the session arms its leave, joins, and keeps on restarting the leave. */
export function joinCall(
  client: MatrixClient,
  roomId: string,
  config: JoinSessionConfig = {},
): MatrixRTCSession {
  const [userId, deviceId] = [client.getSafeUserId(), client.getDeviceId() ?? ''];
  const session = callIn(client, roomId);
  const focus = { type: 'livekit', livekit_service_url: 'https://sfu.example', livekit_alias: roomId };
  session.joinRTCSession({ userId, deviceId, memberId: `${userId}:${deviceId}` }, [focus], undefined, {
    manageMediaKeys: false,
    ...config,
  });
  return session;
}

/** The membership of that user, as soon as the session has it. */
export const present = (session: MatrixRTCSession, userId: string): Promise<CallMembership> =>
  until(
    session,
    MatrixRTCSessionEvent.MembershipsChanged,
    () => session.memberships.find((member) => member.userId === userId),
    `${userId} in the call`,
  );

/** Resolves as soon as the session has no membership of that user. */
export const absent = (session: MatrixRTCSession, userId: string): Promise<true> =>
  until(
    session,
    MatrixRTCSessionEvent.MembershipsChanged,
    () => !session.memberships.some((member) => member.userId === userId),
    `${userId} out of the call`,
  );

/** What a session asked for, as `arm 200`, `join 200`, `restart 404`, in the order of the answers. */
export const stepsOf = (exchanges: readonly Exchange[]): readonly string[] =>
  exchanges.flatMap(({ method, path, query, status }) => {
    if (path.includes('/delayed_events/')) return [`${path.split('/').at(-1)} ${status}`];
    if (method !== 'PUT' || !path.includes(memberType)) return [];
    return [`${query.has('org.matrix.msc4140.delay') ? 'arm' : 'join'} ${status}`];
  });
