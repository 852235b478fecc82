import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { message, userId, World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world[Symbol.asyncDispose]());

async function send(transaction: string): Promise<string> {
  const path = `${world.room}/send/m.room.message/${transaction}`;
  return (await world.as('alice', 'PUT', path, message(transaction))).body.event_id;
}

const ping = () => world.listenerService.request('POST', '/v1/appservice/listener/ping', {});

it('hears of messages, state and redactions, of the puppet and of users themselves', async () => {
  const byPuppet = await send('heard');
  const path = `${world.room}/redact/${encodeURIComponent(byPuppet)}/1`;
  const redaction = await world.as('alice', 'PUT', path, {});
  const own = await world.bob.request('PUT', `${world.room}/send/m.room.message/own`, message('own'));
  const state = await world.as('alice', 'PUT', `${world.room}/state/org.example/key`, { is: 'set' });

  expect((await world.listener.heard(byPuppet)).event).toMatchObject({
    type: 'm.room.message',
    sender: userId('alice'),
  });
  expect((await world.listener.heard(redaction.body.event_id)).event.type).toBe('m.room.redaction');
  expect((await world.listener.heard(own.body.event_id)).event.sender).toBe(userId('bob'));
  expect((await world.listener.heard(state.body.event_id)).event).toMatchObject({
    type: 'org.example',
    state_key: 'key',
    content: { is: 'set' },
  });
});

it('is told the token in the header, and in the path nothing but the number of the transaction', async () => {
  const { push } = await world.listener.heard(await send('token'));
  expect(push).toMatchObject({
    method: 'PUT',
    target: expect.stringMatching(/^\/_matrix\/app\/v1\/transactions\/\d+$/),
    headers: { authorization: 'Bearer hs-token-of-listener', 'content-type': 'application/json' },
  });
});

it('does not learn transaction ids', async () => {
  const { event } = await world.listener.heard(await send('secret'));
  expect(event.unsigned).toEqual({ age: expect.any(Number) });
});

it('is pinged with the id that the ping has', async () => {
  await world.listenerService.request('POST', '/v1/appservice/listener/ping', {
    transaction_id: 'are-you-there',
  });
  const isPing = ({ target }: { target: string | undefined }) => target === '/_matrix/app/v1/ping';
  expect((await world.listener.push(isPing)).body).toEqual({ transaction_id: 'are-you-there' });
});

it('hears of nothing twice and of everything in order after it was down, at once when it is pinged', async () => {
  const { listener } = world;
  const hearing = async (transactions: readonly string[]): Promise<number> => {
    const missed = await outage(transactions);
    const begin = performance.now();
    expect((await ping()).status).toBe(200);
    await Promise.all(missed.map((id) => listener.heard(id)));
    const took = performance.now() - begin;
    const ids = listener.pushes.flatMap(({ body }) => body.events ?? []).map(({ event_id }) => event_id);
    expect(ids.filter((id) => missed.includes(id))).toEqual(missed);
    return took;
  };
  // By itself Synapse would try again 4 s after the second attempt. The machine does not stand still three times running.
  let took = await hearing(['missed-1', 'missed-2', 'missed-3']);
  for (const again of ['again', 'once-more'])
    if (took >= 3_000) took = await hearing([`${again}-1`, `${again}-2`, `${again}-3`]);
  expect(took).toBeLessThan(3_000);
});

it('after a restart, is not given what it missed before somebody sends something', async () => {
  const { listener, synapse } = world;
  const [missed = ''] = await outage(['missed-4']);
  await synapse.kill();
  await synapse.start();
  expect((await ping()).status).toBe(200);
  // The 2 s after which it tries again have not even begun.
  await pause(3_000);
  expect(listener.pushes.some(({ body }) => JSON.stringify(body).includes(missed))).toBe(false);
  const next = await send('next');
  await listener.heard(missed);
  await listener.heard(next);
});

it('numbers of transactions do not grow for ever: a restart begins low again', async () => {
  const { listener, synapse } = world;
  const number = async (eventId: string): Promise<number> =>
    Number((await listener.heard(eventId)).push.target?.split('/').at(-1));
  const before = await number(await send('before'));
  await synapse.restart();
  expect(await number(await send('after'))).toBeLessThan(before);
});

it('what was being pushed when the server was killed comes with the next outage, not before', async () => {
  const { listener, synapse } = world;
  listener.does = 'is silent';
  const arrival = listener.notTaken();
  const cutOff = await send('cut-off');
  await arrival;
  await synapse.kill();
  listener.does = 'takes';
  await synapse.start();
  await listener.heard(await send('later'));
  expect((await ping()).status).toBe(200);
  await synapse.restart();
  await listener.heard(await send('much-later'));
  expect(listener.pushes.some(({ body }) => JSON.stringify(body).includes(cutOff))).toBe(false);

  const [missed = ''] = await outage(['missed-5']);
  await listener.heard(missed);
  const ids = listener.pushes.flatMap(({ body }) => body.events ?? []).map(({ event_id }) => event_id);
  expect(ids.slice(-2)).toEqual([cutOff, missed]);
});

/** Sends messages while the listener is down; it is up again when Synapse has tried twice: it counts as down by then. */
async function outage(transactions: readonly string[]): Promise<string[]> {
  world.listener.does = 'refuses';
  const refusal = world.listener.notTaken();
  const ids: string[] = [];
  for (const transaction of transactions) ids.push(await send(transaction));
  await refusal;
  await world.listener.notTaken();
  world.listener.does = 'takes';
  return ids;
}
