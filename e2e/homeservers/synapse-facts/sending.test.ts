import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClientApi } from '../../client-api.ts';
import { membership, message, messageFilter, publicRoom, userId, World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world[Symbol.asyncDispose]());

async function send(user: string, transaction: string, query = ''): Promise<string> {
  const path = `${world.room}/send/m.room.message/${transaction}${query}`;
  const { status, body } = await world.as(user, 'PUT', path, message(transaction));
  expect(status, JSON.stringify(body)).toBe(200);
  return body.event_id;
}

async function setState(user: string, key: string, query = ''): Promise<string> {
  const { status, body } = await world.as(user, 'PUT', `${world.room}/state/org.example/${key}${query}`, {});
  expect(status, JSON.stringify(body)).toBe(200);
  return body.event_id;
}

describe('a transaction id', () => {
  it('gives one event, however often it is used and however many at once', async () => {
    const ids = await Promise.all(Array.from({ length: 8 }, () => send('alice', 'often')));
    expect(new Set([...ids, await send('alice', 'often')]).size).toBe(1);
  });

  it('is shared by all users of the puppet: the event of the first comes back', async () => {
    const id = await send('alice', 'shared');
    expect(await send('bob', 'shared')).toBe(id);
    expect((await world.event('bob', id)).body.sender).toBe(userId('alice'));
  });

  it('does not remember a refusal', async () => {
    const carol = await new ClientApi(world.synapse.url).register('carol');
    const path = `${world.room}/send/m.room.message/refused`;
    expect((await world.as('carol', 'PUT', path, message('x'))).status).toBe(403);
    await carol.request('POST', `${world.room}/join`, {});
    expect((await world.as('carol', 'PUT', path, message('x'))).status).toBe(200);
  });

  it.each([1, 5, 20])('gives one event when the connection is cut after %i ms', async (ms) => {
    const transaction = `cut-${ms}`;
    await cutOff(`${world.room}/send/m.room.message/${transaction}`, message(transaction), ms);
    const id = await send('alice', transaction);
    const { body } = await world.messagesOf('alice', 'alice');
    const found = body.chunk.filter((event: any) => event.content.body === transaction);
    expect(found.map(({ event_id }: any) => event_id)).toEqual([id]);
  });

  it('is shown to the puppet as that user, and to nobody else', async () => {
    const id = await send('alice', 'shown');
    const path = `${world.room}/event/${encodeURIComponent(id)}`;
    const shown = (answer: any) => answer.body.unsigned.transaction_id;
    expect(shown(await world.event('alice', id))).toBe('shown');
    expect(shown(await world.event('bob', id))).toBeUndefined();
    expect(shown(await world.alice.request('GET', path))).toBeUndefined();
  });

  it('is forgotten by kill -9 without a device, and found in the room by a filter', async () => {
    const { device_id: device } = (await world.alice.request('GET', '/v3/account/whoami')).body;
    const [without, withDevice] = [
      await send('alice', 'no-device'),
      await send('alice', 'device', `?device_id=${device}`),
    ];
    await world.synapse.kill();
    await world.synapse.start();
    const filter = messageFilter('alice');
    const look = async (reader: (path: string) => Promise<any>) => {
      const { body } = await reader(`${world.room}/messages?dir=b&limit=50&filter=${filter}`);
      return body.chunk
        .filter(({ event_id }: any) => event_id === without || event_id === withDevice)
        .map(({ event_id, unsigned }: any) => [event_id, unsigned.transaction_id]);
    };
    expect(await look((path) => world.as('alice', 'GET', path))).toEqual([
      [withDevice, undefined],
      [without, 'no-device'],
    ]);
    expect(await look((path) => world.alice.request('GET', path))).toEqual([
      [withDevice, 'device'],
      [without, undefined],
    ]);
    expect(await send('alice', 'no-device')).not.toBe(without);
    expect(await send('alice', 'device', `?device_id=${device}`)).toBe(withDevice);
  });
});

describe('state', () => {
  beforeAll(async () => {
    const path = `${world.room}/state/m.room.power_levels/`;
    const { body } = await world.alice.request('GET', path);
    await world.alice.request('PUT', path, { ...body, state_default: 0 });
  });

  it('identical, of the same sender: the event that is there, whatever its time', async () => {
    const id = await setState('alice', 'same');
    expect(await setState('alice', 'same')).toBe(id);
    expect(await setState('alice', 'same', '?ts=1700000000123')).toBe(id);
  });

  it('identical, of another sender: a new event that names the one it replaces', async () => {
    const id = await setState('alice', 'other');
    const path = `${world.room}/state/org.example/other?format=event`;
    const next = await setState('bob', 'other');
    const { body } = await world.as('alice', 'GET', path);
    expect(body).toMatchObject({
      event_id: next,
      unsigned: { replaces_state: id, prev_sender: userId('alice') },
    });
    expect(next).not.toBe(id);
  });

  it('of a member can be sent as state: they leave and join', async () => {
    await world.member('dora');
    const put = (value: string) =>
      world.as('dora', 'PUT', membership(world.room, 'dora'), { membership: value });
    expect((await put('leave')).status).toBe(200);
    expect((await world.as('dora', 'GET', '/v3/joined_rooms')).body.joined_rooms).toEqual([]);
    expect((await put('join')).status).toBe(200);
  });
});

describe('ts', () => {
  const ts = 1_700_000_000_123;
  const time = async (id: string): Promise<unknown> => (await world.event('alice', id)).body.origin_server_ts;

  it('is kept to the millisecond for the puppet, of messages and of state', async () => {
    expect(await time(await send('alice', 'timed', `?ts=${ts}`))).toBe(ts);
    expect(await time(await setState('alice', 'timed', `?ts=${ts}`))).toBe(ts);
  });

  it('of a redaction is ignored', async () => {
    const id = await send('alice', 'to-redact');
    const path = `${world.room}/redact/${encodeURIComponent(id)}/timed?ts=${ts}`;
    const { body } = await world.as('alice', 'PUT', path, {});
    expect(await time(body.event_id)).not.toBe(ts);
  });

  it('of users themselves is ignored', async () => {
    const path = `${world.room}/send/m.room.message/own?ts=${ts}`;
    const { body } = await world.alice.request('PUT', path, message('own'));
    expect(await time(body.event_id)).not.toBe(ts);
  });
});

it.each(['10', '11', '12'])('redacts in room version %s, once for one transaction id', async (version) => {
  const room = await publicRoom(world.alice, version);
  const sent = await world.as('alice', 'PUT', `${room}/send/m.room.message/1`, message('x'));
  const id = encodeURIComponent(sent.body.event_id);
  const redact = () => world.as('alice', 'PUT', `${room}/redact/${id}/2`, { reason: 'why' });
  const redaction = await redact();
  expect(redaction.status).toBe(200);
  expect(await redact()).toEqual(redaction);
  const { body } = await world.as('alice', 'GET', `${room}/event/${id}`);
  expect(body.content).toEqual({});
  expect(body.unsigned.redacted_because).toMatchObject({
    event_id: redaction.body.event_id,
    sender: userId('alice'),
    content: { reason: 'why' },
  });
});

describe('somebody who left', () => {
  it('reads the room as it was, finds what they sent, and after forgetting nothing', async () => {
    await world.member('eve');
    const id = await send('eve', 'last-words');
    await setState('alice', 'while-there');
    await world.as('eve', 'PUT', membership(world.room, 'eve'), { membership: 'leave' });
    const state = () => world.as('eve', 'GET', `${world.room}/state/org.example/while-there?format=event`);
    expect((await state()).status).toBe(200);
    const { body } = await world.messagesOf('eve', 'eve');
    expect(body.chunk).toMatchObject([{ event_id: id, unsigned: { transaction_id: 'last-words' } }]);

    await world.as('eve', 'POST', `${world.room}/forget`, {});
    expect((await state()).status).toBe(403);
    expect((await world.messagesOf('eve', 'eve')).status).toBe(403);
    const seen = await world.messagesOf('eve', 'alice');
    expect(seen.body.chunk).toMatchObject([{ event_id: id }]);
    expect(seen.body.chunk[0].unsigned.transaction_id).toBeUndefined();
  });
});

/** Sends a request as Alice and closes its connection after `ms` milliseconds, answered or not. */
async function cutOff(path: string, body: unknown, ms: number): Promise<void> {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const url = `${world.synapse.url}/_matrix/client${path}?user_id=${encodeURIComponent(userId('alice'))}`;
  const headers = { authorization: `Bearer ${world.puppet.token}` };
  const asked = request(url, { method: 'PUT', headers, agent: false });
  asked.on('error', () => {}).on('close', resolve);
  asked.end(JSON.stringify(body), () => setTimeout(() => asked.destroy(), ms));
  await closed;
}
