// oxlint-disable eslint/no-underscore-dangle -- names of the SDK
import { EventType, MsgType } from 'matrix-js-sdk';
import { expect, it } from 'vitest';
import { ClientApi } from '../../client-api.ts';
import { logIn, makeRoom, register, sdkClient, signUp, start } from '../../js-sdk/sdk-client.ts';
import { gatewayBefore } from './gateway-place.ts';
import { accepted, never } from './scene.ts';
import { synapseWith } from '../upstreams.ts';

const feature = 'org.matrix.msc4140';

it('a client is told of the delayed events of the gateway, and of all else that Synapse has', async () => {
  await using server = await gatewayBefore(synapseWith({})).open(['--max-timeout', '2h']);
  const client = await signUp(server.url, 'ada');
  const theirs = new ClientApi(server.front.upstream.url, client.getAccessToken());
  const versions = accepted(await theirs.request('GET', '/versions'));
  expect(versions.unstable_features[feature]).toBe(false);
  expect(await client.getVersions()).toMatchObject({
    versions: versions.versions,
    unstable_features: { ...versions.unstable_features, [feature]: true, [`${feature}.stable`]: true },
  });
  expect(await client.doesServerSupportUnstableFeature(feature)).toBe(true);

  const { capabilities } = accepted(await theirs.request('GET', '/v3/capabilities'));
  const told: Record<string, any> = await client.fetchCapabilities();
  expect(told['m.room_versions']).toEqual(capabilities['m.room_versions']);
  for (const [name, value] of Object.entries(told))
    if (name.endsWith('delayed_events')) expect(value).toMatchObject({ max_delay_ms: 7_200_000 });
  expect(told).toHaveProperty(['m.delayed_events', 'max_delay_ms'], 7_200_000);
  client.stopClient();
});

it('Synapse may have delayed events of its own: a client never reaches them', async () => {
  const own = { max_event_delay_duration: '24h' };
  await using server = await gatewayBefore(synapseWith(own)).open(['--rate-limits', 'off']);
  const client = await signUp(server.url, 'ada');
  const room = await makeRoom([client]);
  const content = { msgtype: MsgType.Text, body: 'later' } as const;
  const { delay_id } = await client._unstable_sendDelayedEvent(
    room,
    // more than Synapse allows
    { delay: 25 * 3_600_000 },
    null,
    EventType.RoomMessage,
    content,
  );
  await client._unstable_sendDelayedStateEvent(
    room,
    { delay: never },
    EventType.RoomTopic,
    { topic: 'later' },
    '',
  );
  const theirs = new ClientApi(server.front.upstream.url, client.getAccessToken());
  expect(accepted(await theirs.request('GET', '/versions')).unstable_features[feature]).toBe(true);
  const scheduled = await theirs.request('GET', `/unstable/${feature}/delayed_events`);
  expect(scheduled).toMatchObject({ status: 200, body: { delayed_events: [] } });
  expect((await theirs.request('POST', `/unstable/${feature}/delayed_events/${delay_id}/send`)).status).toBe(
    404,
  );
  await client._unstable_sendScheduledDelayedEvent(delay_id);
  expect((await client._unstable_getDelayedEvent(delay_id)).finalised).toHaveProperty('event_id');
  client.stopClient();
});

it('a gateway that does not serve delays has the SDK ask for none, whatever Synapse has itself', async () => {
  const own = { max_event_delay_duration: '24h' };
  await using server = await gatewayBefore(synapseWith(own)).open(['--generations', 'futures']);
  const client = await signUp(server.url, 'ada');
  expect(await client.doesServerSupportUnstableFeature(feature)).toBe(false);
  expect(await client.doesServerSupportUnstableFeature('dev.matrix-futures')).toBe(true);
  client.stopClient();
});

it('guests may delay what they may send', async () => {
  const place = gatewayBefore(synapseWith({ allow_guest_access: true }));
  await using server = await place.open(['--rate-limits', 'off']);
  await register(server.url, 'ada');
  const ada = await start(await logIn(server.url, 'ada'));
  const answer = await new ClientApi(server.url).request('POST', '/v3/register?kind=guest', {});
  const { user_id: userId, access_token: accessToken, device_id: deviceId } = accepted(answer);
  const guest = sdkClient({ baseUrl: server.url, userId, accessToken, deviceId });
  guest.setGuest(true);
  const { room_id: room } = await ada.createRoom({
    invite: [userId],
    initial_state: [{ type: 'm.room.guest_access', state_key: '', content: { guest_access: 'can_join' } }],
  });
  await guest.joinRoom(room);
  const content = { msgtype: MsgType.Text, body: 'of a guest' } as const;
  const { delay_id } = await guest._unstable_sendDelayedEvent(
    room,
    { delay: never },
    null,
    EventType.RoomMessage,
    content,
  );
  await guest._unstable_restartScheduledDelayedEvent(delay_id);
  await guest._unstable_sendScheduledDelayedEvent(delay_id);
  const { finalised } = await guest._unstable_getDelayedEvent(delay_id);
  expect(await ada.fetchRoomEvent(room, finalised?.event_id ?? '')).toMatchObject({
    sender: userId,
    content,
  });
  ada.stopClient();
});
