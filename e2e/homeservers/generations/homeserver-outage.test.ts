import { Status } from 'matrix-js-sdk/lib/matrixrtc/index.js';
import { expect, it } from 'vitest';
import { absent, callIn, outageConfig, present } from '../../js-sdk/call.ts';
import { WatchedCall } from '../../js-sdk/watched-call.ts';
import { gatewayBefore } from './gateway-place.ts';
import { synapseWith } from '../upstreams.ts';

it('a homeserver that is away for longer than the delay: who lives stays in the call, who died leaves it', async () => {
  await using server = await gatewayBefore(synapseWith({})).open(['--rate-limits', 'off']);
  await using call = await WatchedCall.on(server.url);
  await using eve = await call.eveJoins(outageConfig);
  const session = call.join(outageConfig);
  await call.settled();
  await present(call.view, eve.userId);
  const armed = session.delayId;

  const homeserver = server.front.upstream.process;
  await homeserver?.kill();
  await eve.kill();
  // Restarted all the time: that needs nobody but the gateway.
  await call.keptFor(outageConfig.delayedLeaveEventDelayMs + 1_000);
  await homeserver?.start();
  call.syncAgain();

  for (const client of [call.ada, call.bob]) await absent(callIn(client, call.roomId), eve.userId);
  await call.caughtUp();
  expect(call.leaves).toBe(0);
  expect(call.steps.filter((step) => step !== 'restart 200')).toEqual(['arm 200', 'join 200']);
  expect(session.delayId).toBe(armed);
  expect(session.membershipStatus).toBe(Status.Connected);
  expect(await call.isArmed()).toBe(true);
});
