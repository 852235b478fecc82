import type { Draft } from '@matrix-futures/engine';
import { expect, test } from 'vitest';
import type { KindName } from '../../src/index.ts';
import type { Reply } from '../homeserver.ts';
import { gatewayTo, now } from './gateway-to.ts';

const draft: Draft = {
  ...{ room: '!room', sender: '@alice:test', type: 'm.room.message', stateKey: null, extras: {} },
  content: { msgtype: 'm.text', body: 'later' },
};
const own = (status: number): Reply => ({ status, body: { errcode: 'M_UNKNOWN', error: 'Internal error' } });
const page = (status: number): Reply => ({ status, body: '<html>Sorry</html>' });

test.each<[string, KindName, Reply, number | null]>([
  ['over soon where Synapse says so itself', 'synapse', own(500), 2_000],
  ['running for all that Synapse knows of its workers', 'synapse', own(502), null],
  ['running for all that a proxy knows', 'synapse', page(500), null],
  ['running for all that a proxy knows that waited for too long', 'synapse', page(504), null],
  ['running for all that is known of Dendrite', 'dendrite', own(500), null],
  ['running for all that is known of others', 'other', own(500), null],
  ['over soon where the connection was ended', 'other', null, 2_000],
])('after an error, a request is %s', async (_, kind, reply, mayRunFor) => {
  await using gateway = await gatewayTo(() => reply, kind);
  expect(await gateway.port.deliver(draft, 'ours', now, 60_000)).toEqual({ kind: 'unknown', mayRunFor });
});
