import { type Draft, HomeserverUnavailable, type Sent } from '@matrix-futures/engine';
import { expect, test } from 'vitest';
import type { Asked, Reply } from '../homeserver.ts';
import { gatewayTo, now } from './gateway-to.ts';

const minute = 60_000;
const [alice, room] = ['@alice:test', '!room'];

const message: Draft = {
  ...{ room, sender: alice, type: 'm.room.message', stateKey: null, extras: {} },
  content: { msgtype: 'm.text', body: 'later' },
};
const sent: Sent = {
  ...{ draft: message, transactionId: 'ours', timestamp: now, since: now },
  fence: { kind: 'untold' },
};

test('a homeserver that refuses the gateway is told of by whatever is asked first', async () => {
  const refuses = (): Reply => ({ status: 401, body: { errcode: 'M_UNKNOWN_TOKEN', error: 'Unknown' } });
  await using gateway = await gatewayTo(refuses);
  const { port, troubles } = gateway;
  const key = { room, type: 'm.call', key: '' };
  const questions = [
    () => port.judgeSender(message),
    () => port.fence(key, alice),
    () => port.newState(key, alice, { kind: 'absent' }),
    () => port.look(sent),
  ];
  for (const [count, ask] of questions.entries()) {
    await expect(ask()).rejects.toThrow(HomeserverUnavailable);
    expect(troubles).toHaveLength(count + 1);
  }
});

test('who sends by hand is told how long a homeserver that limits the rate wants to be left alone', async () => {
  await using gateway = await gatewayTo(() => ({
    ...{ status: 429, body: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 1_234.5 } },
  }));
  expect(await gateway.port.deliver(message, 'ours', now, minute)).toMatchObject({
    error: { status: 429, fields: { retry_after_ms: 1_235 } },
  });
});

test('a membership that cannot be read is nobody’s absence: it is asked for again', async () => {
  await using gateway = await gatewayTo(() => ({ status: 200, body: { membership: 'join' } }));
  await expect(gateway.port.judgeSender(message)).rejects.toThrow(HomeserverUnavailable);
});

test('whoever is asked about an invitation does not thereby look online', async () => {
  await using gateway = await gatewayTo(({ path }) =>
    path.endsWith('/sync')
      ? { status: 200, body: { rooms: { invite: { [room]: {} } } } }
      : { status: 404, body: { errcode: 'M_NOT_FOUND', error: 'None' } },
  );
  const type = 'm.room.member';
  const join: Draft = { ...message, type, stateKey: alice, content: { membership: 'join' } };
  expect(await gateway.port.judgeSender(join)).toBe(null);
  expect(gateway.asked.at(-1)).toMatchObject({
    path: '/_matrix/client/v3/sync',
    query: { set_presence: 'offline', user_id: alice },
  });
});

/** A room in which others say something every second, without beginning. */
function busyRoom(filtersFirst: boolean, own: readonly object[] = []): (asked: Asked) => Reply {
  return ({ query }) => {
    const from = Number(query['from'] ?? 0);
    const chunk = Array.from({ length: 100 }, (_, index) => ({
      ...{ event_id: `$${from + index}`, sender: '@bob:test', type: 'm.room.message' },
      ...{ content: { msgtype: 'm.text', body: 'busy' }, origin_server_ts: now - (from + index) * 1_000 },
    }));
    if (from === 0) chunk.splice(0, own.length, ...(own as typeof chunk));
    const passes = ({ sender }: { readonly sender: string }): boolean =>
      query['filter'] === undefined || JSON.parse(query['filter']).senders?.includes(sender) !== false;
    const shown = chunk.filter(passes);
    const end = String(from + 100);
    return { status: 200, body: filtersFirst && shown.length === 0 ? { chunk: [] } : { chunk: shown, end } };
  };
}

test('a look in a busy room ends where the claim began, though its pages are filtered after they were counted', async () => {
  await using gateway = await gatewayTo(busyRoom(false), 'dendrite');
  expect(await gateway.port.look(sent)).toEqual({ kind: 'absent' });
  // A second apart, and ten minutes back for clocks that differ.
  expect(gateway.asked.length).toBe(8);
  const earlier = { ...sent, timestamp: now - 5 * minute };
  expect(await gateway.port.look(earlier)).toEqual({ kind: 'absent' });
});

test('a look for state ends there, too, wherever its fence is, and where there is none', async () => {
  const current = {
    ...{ event_id: '$current', sender: alice, type: 'm.call', state_key: '', content: { newer: 1 } },
    origin_server_ts: now + 1,
  };
  const busy = busyRoom(false);
  await using gateway = await gatewayTo(
    (asked) => (asked.path.includes('/state/') ? { status: 200, body: current } : busy(asked)),
    'dendrite',
  );
  const draft: Draft = { ...message, type: 'm.call', stateKey: '' };
  for (const fence of [{ kind: 'event', event: '$long-ago' }, { kind: 'unreadable' }] as const)
    expect(await gateway.port.look({ ...sent, draft, fence })).toEqual({ kind: 'absent' });
});

test('what one’s own state may hide is not looked for through all of a busy room before each leave', async () => {
  const current = {
    ...{ event_id: '$current', sender: alice, type: 'm.call', state_key: '', content: {} },
    origin_server_ts: now,
  };
  const busy = busyRoom(false);
  await using gateway = await gatewayTo(
    (asked) => (asked.path.includes('/state/') ? { status: 200, body: current } : busy(asked)),
    'dendrite',
  );
  const key = { room, type: 'm.call', key: '' };
  expect(await gateway.port.newState(key, alice, { kind: 'absent' })).toBe('own');
  expect(gateway.asked.length).toBeLessThan(12);
});

test('where transaction ids are shown, the same event of another transaction is not taken for it', async () => {
  const twin = (transaction_id: string): object => ({
    ...{ event_id: `$${transaction_id}`, sender: alice, type: message.type, content: message.content },
    ...{ origin_server_ts: now, unsigned: { transaction_id } },
  });
  await using other = await gatewayTo(busyRoom(true, [twin('another')]), 'synapse');
  expect(await other.port.look(sent)).toEqual({ kind: 'absent' });
  await using both = await gatewayTo(busyRoom(true, [twin('another'), twin('ours')]), 'synapse');
  expect(await both.port.look(sent)).toEqual({ kind: 'accepted', event: '$ours' });
});
