import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClientApi } from '../client-api.ts';
import { type Act, passOn, type Seen } from './between.ts';
import { historyOf, newRoom, roomIdIn, startWorld, type World } from './gateway-world.ts';
import { endingNow, endingOf, laterState, markOf, scheduleLater } from './later.ts';
import { upstreams } from './upstreams.ts';

const hour = 3_600_000;

describe.each(upstreams)('on $name', (upstream) => {
  let world: World;
  beforeAll(async () => {
    // No request is given up because the machine stands still: nothing here waits for that.
    world = await startWorld({ ...upstream, timeLimit: 10_000 }, ['--front', 'all']);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  /** Bob asking the gateway. */
  const bobInFront = (): ClientApi => new ClientApi(world.front.gateway.url, world.bob.token);

  /** Sets state on the key that `laterState` uses. Answers the event's id. */
  async function set(user: ClientApi, room: string, mark: string, key: string): Promise<string> {
    const { type, stateKey, content } = laterState(mark, key);
    const { status, body } = await user.request('PUT', `${room}/state/${type}/${stateKey}`, content);
    if (status !== 200) throw new Error(`no new state: ${status} ${JSON.stringify(body)}`);
    return body.event_id;
  }

  /** Marks of the state events on that key, oldest first. */
  async function marksOn(room: string, key: string): Promise<readonly unknown[]> {
    const history = await historyOf(world.bob, room);
    return history.filter(({ state_key }) => state_key === key).map(({ content }) => markOf(content));
  }

  const isTransaction = ({ path }: Seen): boolean => path.startsWith('/_matrix/app/v1/transactions/');
  const isPutIn =
    (room: string) =>
    ({ method, path }: Seen): boolean =>
      method === 'PUT' && path.includes(`/rooms/${roomIdIn(room)}/state/`);
  const cancelledByState = { 'dev.matrix-futures.reason': 'state' };

  it('new state cancels, though the listener was down when it came', async () => {
    const { client, bob, front } = world;
    const room = await newRoom(world);
    await scheduleLater(client, room, laterState('late', 'key'), { timeout: hour });
    await front.toListener.refuse();
    await set(bob, room, 'newer', 'key');
    await pause(1_000);
    await front.toListener.listen();
    // tuwunel and continuwuity push what they have kept when there is something new.
    await set(bob, room, 'something', 'another key');
    expect(await endingOf(client, room, 'late')).toMatchObject(cancelledByState);
  });

  it('new state cancels, though it was pushed twice and in the wrong order', async () => {
    const { client, bob, front } = world;
    const room = await newRoom(world);
    await scheduleLater(client, room, laterState('late', 'key'), { timeout: hour });
    const twiceAndReversed: Act = async (exchange) => {
      const { events } = JSON.parse(exchange.seen.body.toString());
      const reversed = Buffer.from(JSON.stringify({ events: events.toReversed() }));
      await exchange.forward(reversed);
      await exchange.reply();
      await exchange.forward(reversed);
      await exchange.answer(await exchange.reply());
    };
    using _ = front.toListener.rule(isTransaction, twiceAndReversed);
    await Promise.all([set(bob, room, 'newer', 'key'), set(bob, room, 'newest', 'key')]);
    expect(await endingOf(client, room, 'late')).toMatchObject(cancelledByState);
  });

  it('what was current when a future was made does not cancel it, however late it is pushed', async () => {
    const { client, bob, front } = world;
    const room = await newRoom(world);
    const { promise: isScheduled, resolve: scheduled } = Promise.withResolvers<void>();
    const { promise: isPushed, resolve: pushed } = Promise.withResolvers<void>();
    const held = front.toListener.rule(isTransaction, async (exchange) => {
      await isScheduled;
      await passOn(exchange);
      if (exchange.seen.body.includes('"current"')) pushed();
    });
    using _ = held;
    await set(bob, room, 'older', 'key');
    await set(bob, room, 'current', 'key');
    await scheduleLater(client, room, laterState('late', 'key'), { timeout: hour });
    scheduled();
    await isPushed;
    expect(await endingNow(client, room, 'late')).toBeNull();
  });

  it.concurrent('new state that is never pushed cancels when the future is due', async () => {
    const { client, bob, front } = world;
    const room = await newRoom(world);
    using _ = front.toListener.rule(isTransaction, (exchange) =>
      exchange.answer({ status: 200, headers: [], body: Buffer.from('{}') }),
    );
    await scheduleLater(client, room, laterState('late', 'key'), { timeout: 5_000 });
    await set(bob, room, 'newer', 'key');
    expect(await endingOf(client, room, 'late')).toMatchObject(cancelledByState);
    expect(await marksOn(room, 'key')).toEqual(['newer']);
  });

  it.concurrent("its sender's own newer state hides nobody else's", async () => {
    const { alice, client, bob, front } = world;
    const room = await newRoom(world);
    using _ = front.toListener.rule(isTransaction, (exchange) =>
      exchange.answer({ status: 200, headers: [], body: Buffer.from('{}') }),
    );
    const { type, stateKey, content } = laterState('late', 'key');
    const delay = 'org.matrix.msc4140.delay=5000';
    await client.request('PUT', `${room}/state/${type}/${stateKey}?${delay}`, content);
    await set(bob, room, "Bob's", 'key');
    await set(alice, room, "Alice's", 'key');
    expect(await endingOf(client, room, 'late')).toMatchObject(cancelledByState);
    expect(await marksOn(room, 'key')).toEqual(["Bob's", "Alice's"]);
  });

  it('new state that comes while the gateway is down cancels what is due when it starts', async () => {
    const { client, bob, front } = world;
    const room = await newRoom(world);
    const timeout = 5_000;
    await scheduleLater(client, room, laterState('late', 'key'), { timeout });
    const due = performance.now() + timeout;
    await front.gateway.stop('SIGKILL');
    await set(bob, room, 'newer', 'key');
    await pause(due - performance.now());
    await front.gateway.startAgain();
    expect(await endingOf(client, room, 'late')).toMatchObject(cancelledByState);
    expect(await marksOn(room, 'key')).toEqual(['newer']);
  });

  it('newer state is not overwritten while it is unknown whether the future was sent: it was', async () => {
    const { client, bob, front } = world;
    const room = await newRoom(world);
    let attempts = 0;
    using _ = front.toUpstream.rule(isPutIn(room), async (exchange) => {
      attempts += 1;
      await exchange.forward();
      await exchange.reply();
      await set(bob, room, 'newer', 'key');
      exchange.cut();
    });
    await scheduleLater(client, room, laterState('late', 'key'), { timeout: 500 });
    const { event_id } = await endingOf(client, room, 'late');
    const events = (await historyOf(bob, room)).filter(({ state_key }) => state_key === 'key');
    expect(events.map(({ content }) => markOf(content))).toEqual(['late', 'newer']);
    expect(event_id).toBe(events[0]?.event_id);
    expect(attempts).toBe(1);
  });

  it('newer state is not overwritten while it is unknown whether the future was sent: it was not', async () => {
    const { client, bob, front } = world;
    const room = await newRoom(world);
    let attempts = 0;
    using _ = front.toUpstream.rule(isPutIn(room), async (exchange) => {
      attempts += 1;
      await set(bob, room, 'newer', 'key');
      exchange.cut();
    });
    await scheduleLater(client, room, laterState('late', 'key'), { timeout: 500 });
    expect(await endingOf(client, room, 'late')).toMatchObject(cancelledByState);
    expect(await marksOn(room, 'key')).toEqual(['newer']);
    expect(attempts).toBe(1);
  });

  it('state that is set through the gateway as a future is due comes after it, or cancels it', async () => {
    const { client } = world;
    const rooms = [await newRoom(world), await newRoom(world), await newRoom(world), await newRoom(world)];
    const racing = rooms.flatMap((room) =>
      Array.from({ length: 6 }, async () => {
        const key = randomUUID();
        const due = 1_000;
        await scheduleLater(client, room, laterState(`late ${key}`, key), { timeout: due });
        await pause(due - 40 + 0.3 * upstream.timeLimit * Math.random());
        await set(bobInFront(), room, 'newer', key);
        const { event_id } = await endingOf(client, room, `late ${key}`);
        return { key, wasSent: event_id !== undefined, marks: await marksOn(room, key) };
      }),
    );
    for (const { key, wasSent, marks } of await Promise.all(racing))
      expect(marks).toEqual(wasSent ? [`late ${key}`, 'newer'] : ['newer']);
  });
});
