import type { Fence } from '@matrix-futures/engine';
import { expect, test } from 'vitest';
import type { Asked, Reply } from '../homeserver.ts';
import { gatewayTo, now } from './gateway-to.ts';

const [alice, bob, room] = ['@alice:test', '@bob:test', '!room'];
const key = { room, type: 'm.call', key: '' };

/** `$2` of Alice's is current, and replaced `$1` of Bob's, which replaced `$0` of Alice's, or nothing. */
function chain(first: '$0' | null): (asked: Asked) => Reply {
  const event = (event_id: string, sender: string, replaces: string | null): object => ({
    ...{ event_id, sender, type: key.type, state_key: key.key, content: {}, origin_server_ts: now },
    unsigned: replaces === null ? {} : { replaces_state: replaces },
  });
  const events = [event('$0', alice, null), event('$1', bob, first), event('$2', alice, '$1')];
  return ({ path }) => ({
    ...{ status: 200, body: path.includes('/state/') ? events[2] : events[Number(path.at(-1))] },
  });
}

test.each<[string, '$0' | null, Fence]>([
  ['after the fence', '$0', { kind: 'event', event: '$0' }],
  ['where there was nothing', null, { kind: 'absent' }],
])('somebody else’s state counts that came %s, though one’s own hides it', async (_, first, fence) => {
  await using gateway = await gatewayTo(chain(first), 'synapse');
  expect(await gateway.port.newState(key, alice, fence)).toBe('others');
});

test('links that do not lead to the fence say of the current event alone that it is newer', async () => {
  await using gateway = await gatewayTo(chain(null), 'synapse');
  const dropped: Fence = { kind: 'event', event: '$dropped' };
  expect(await gateway.port.newState(key, alice, dropped)).toBe('own');
  expect(await gateway.port.newState(key, bob, dropped)).toBe('others');
});
