import { expect, test } from 'vitest';
import { openGateway } from '../../src/index.ts';
import { type Reply, startHomeserver, timers } from '../homeserver.ts';

const registration = {
  ...{ id: 'one', asToken: 'as', hsToken: 'hs', url: null },
  ...{ senderLocalpart: 'one', users: [], rooms: [] },
};
const version = (name: string): Reply => ({ status: 200, body: { server: { name, version: '1' } } });
const badGateway: Reply = { status: 502, body: '<html>Bad gateway</html>' };

test('a proxy’s word does not change what the homeserver was recognised for; that of another homeserver does', async () => {
  let answer: Reply = version('Synapse');
  await using homeserver = await startHomeserver(({ path }) =>
    path === '/_matrix/federation/v1/version' ? answer : { status: 404, body: { errcode: 'M_UNRECOGNIZED' } },
  );
  await using gateway = openGateway({
    ...{ upstreamUrl: homeserver.url, kind: null, synapseAdminToken: null, timers },
    registrations: { puppet: registration, listener: registration },
    clock: { now: () => performance.now(), wall: () => Date.now() },
    onTrouble: () => {},
  });
  const recognised: string[] = [gateway.kind().name];
  for (answer of [version('Synapse'), badGateway, version('Dendrite'), version('Some Other')]) {
    await gateway.recognise();
    recognised.push(gateway.kind().name);
  }
  expect(recognised).toEqual(['unknown', 'Synapse', 'Synapse', 'Dendrite', 'unknown']);
});
