import { Status } from 'matrix-js-sdk/lib/matrixrtc/index.js';
import { expect, it } from 'vitest';
import { absent, callIn, present } from '../../js-sdk/call.ts';
import { MemberProcess } from '../../js-sdk/member-process.ts';
import { joined, logIn, register, start } from '../../js-sdk/sdk-client.ts';
import { WatchedCall } from '../../js-sdk/watched-call.ts';
import { gatewayBefore } from './gateway-place.ts';
import { synapseWith } from '../upstreams.ts';

const config = {
  delayedLeaveEventDelayMs: 4_000,
  delayedLeaveEventRestartMs: 500,
  networkErrorRetryMs: 200,
  maximumNetworkErrorRetryCount: 150,
};
const delay = config.delayedLeaveEventDelayMs;

it('a homeserver that is away for longer than the delay: who lives stays in the call, who died leaves it', async () => {
  await using server = await gatewayBefore(synapseWith({})).open(['--rate-limits', 'off']);
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
  const armed = session.delayId;

  const homeserver = server.front.upstream.process;
  await homeserver?.kill();
  await member.kill();
  // Restarted all the time: that needs nobody but the gateway.
  await call.keptFor(delay + 1_000);
  await homeserver?.start();
  for (const client of [call.ada, call.bob]) client.retryImmediately();

  for (const client of [call.ada, call.bob]) await absent(callIn(client, call.roomId), login.userId);
  await call.caughtUp();
  expect(call.leaves).toBe(0);
  expect(call.steps.filter((step) => step !== 'restart 200')).toEqual(['arm 200', 'join 200']);
  expect(session.delayId).toBe(armed);
  expect(session.membershipStatus).toBe(Status.Connected);
  expect(await call.isArmed()).toBe(true);
});
