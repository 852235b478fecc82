import { ClientEvent, EventType, MsgType, Preset, ReceiptType, RoomMemberEvent } from 'matrix-js-sdk';
import { MatrixRTCSessionEvent } from 'matrix-js-sdk/lib/matrixrtc/index.js';
import { expect, it } from 'vitest';
import { startServerProcess } from '../server-process.ts';
import { absent, callIn, callRoom, joinCall, memberType, present } from './call.ts';
import { type Exchange, RecordingProxy } from './recording-proxy.ts';
import { joined, logIn, register, seen, start } from './sdk-client.ts';
import { until } from './signal.ts';

const inWords = ({ method, pattern, status }: Exchange): string => `${method} ${pattern} ${status}`;

it('every request of two clients in a call, from their registration to their log-out, is answered', async () => {
  await using server = await startServerProcess({ flags: ['--open-registration'] });
  await using proxy = await RecordingProxy.start(server.url);
  for (const name of ['ada', 'bob']) await register(proxy.url, name);
  const ada = await start(await logIn(proxy.url, 'ada'));
  const bob = await start(await logIn(proxy.url, 'bob'));

  const { room_id: room } = await ada.createRoom({
    ...callRoom,
    preset: Preset.PrivateChat,
    name: 'Contract',
    initial_state: [{ type: 'm.room.guest_access', state_key: '', content: { guest_access: 'forbidden' } }],
  });
  await ada.invite(room, bob.getSafeUserId());
  await until(bob, ClientEvent.Sync, () => bob.getRoom(room) !== null, 'the invitation');
  await bob.joinRoom(room);
  await Promise.all([joined(ada, room), joined(bob, room)]);

  const { event_id } = await ada.sendMessage(room, { msgtype: MsgType.Text, body: 'hello' });
  const message = await seen(bob, room, event_id);
  await bob.sendTyping(room, true, 10_000);
  await until(
    ada,
    RoomMemberEvent.Typing,
    () => ada.getRoom(room)?.getMember(bob.getSafeUserId())?.typing,
    'typing',
  );
  await bob.sendReceipt(message, ReceiptType.Read);
  await ada.redactEvent(room, event_id);
  await bob.scrollback(await joined(bob, room), 10);
  await ada.sendStateEvent(room, EventType.RoomTopic, { topic: 'everything' }, '');

  const notified = Promise.withResolvers<void>();
  callIn(ada, room).once(MatrixRTCSessionEvent.DidSendCallNotification, () => notified.resolve());
  const first = joinCall(ada, room, { notificationType: 'ring' });
  await present(first, ada.getSafeUserId());
  await notified.promise;
  const second = joinCall(bob, room);
  await present(first, bob.getSafeUserId());
  await present(second, ada.getSafeUserId());
  await second.leaveRoomSession();
  await absent(first, bob.getSafeUserId());
  await first.leaveRoomSession();
  for (const client of [ada, bob]) client.stopClient();
  const stopped = performance.now();
  for (const client of [ada, bob]) await client.logout(true);

  // A long poll that its client gave up may be told of the log-out, 401, before it is taken back.
  const heard = proxy.exchanges.filter(
    ({ pattern, answeredAt }) => pattern !== '/v3/sync' || answeredAt < stopped,
  );
  expect([...new Set(heard.map(inWords))].sort()).toEqual(
    [
      'POST /v3/register 200',
      'POST /v3/login 200',
      'GET /versions 200',
      'GET /v3/pushrules/ 200',
      'GET /v3/capabilities 200',
      'GET /unstable/org.matrix.msc4143/rtc/transports 200',
      'POST /v3/user/{user}/filter 200',
      'GET /v3/sync 200',
      'POST /v3/createRoom 200',
      'POST /v3/rooms/{room}/invite 200',
      'POST /v3/join/{room} 200',
      'PUT /v3/rooms/{room}/send/m.room.message/{txn} 200',
      'PUT /v3/rooms/{room}/typing/{user} 200',
      'POST /v3/rooms/{room}/receipt/m.read/{event} 200',
      'PUT /v3/rooms/{room}/redact/{event}/{txn} 200',
      'GET /v3/rooms/{room}/messages 200',
      'PUT /v3/rooms/{room}/state/m.room.topic/ 200',
      // With a delay, and without.
      `PUT /v3/rooms/{room}/state/${memberType}/{member} 200`,
      'POST /unstable/org.matrix.msc4140/delayed_events/{delay}/restart 200',
      'PUT /v3/rooms/{room}/send/org.matrix.msc4075.rtc.notification/{txn} 200',
      'POST /unstable/org.matrix.msc4140/delayed_events/{delay}/send 200',
      'POST /v3/logout 200',
    ].sort(),
  );
});
