import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deliverAtRandom } from './exactly-once/at-random.ts';
import type { Delivery } from './exactly-once/delivery.ts';
import { faults } from './exactly-once/faults.ts';
import { points } from './exactly-once/points.ts';
import { type Dying, roomsForWays, Trial } from './exactly-once/trial.ts';
import { startWorld, type World } from './gateway-world.ts';
import { upstreams } from './upstreams.ts';

describe.each(upstreams)('on $name, every way of sending makes exactly one event', (upstream) => {
  let world: World;
  let rooms: readonly string[];
  const all: Delivery[] = [];

  beforeAll(async () => {
    world = await startWorld(upstream);
    rooms = await roomsForWays(world);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  async function judge(deliveries: readonly Delivery[], mostMessages: number): Promise<void> {
    all.push(...deliveries);
    // In a room in which something is still sent, nobody knows what all of its events are.
    const ended = await Promise.all(
      deliveries.map(async (delivery) => [delivery, await delivery.ended()] as const),
    );
    const judged = await Promise.all(
      ended.map(async ([delivery, told]) => {
        const events = await delivery.events();
        const ids = events.map(({ event_id }) => event_id);
        const most = delivery.way.isMessage ? mostMessages : 1;
        return {
          way: delivery.way.name,
          isOnce: ids.includes(String(told.event)) && ids.length <= most,
          others: told.others,
          uses: told.uses,
          tooEarly: events.filter(({ origin_server_ts: at }) => at < delivery.deadline),
          onlyInOne: await delivery.onlyInOne(),
        };
      }),
    );
    const expected = deliveries.map(({ way: { name, by } }) => ({
      ...{ way: name, isOnce: true, others: 'group', tooEarly: [], onlyInOne: [] },
      uses: by === 'batch' ? [200, 200] : [410, 410],
    }));
    expect(judged).toEqual(expected);
  }

  async function judgeTrial(trial: Trial, mostMessages: number): Promise<void> {
    await judge(trial.deliveries, mostMessages);
    expect(trial.early).toEqual(new Map());
  }

  async function judgeDeath(point: (typeof points)[number], dying: Dying): Promise<void> {
    const trial = await Trial.schedule(world, rooms, upstream.timeLimit);
    await trial.die(point, dying);
    await judgeTrial(trial, dying !== 'the gateway' && upstream.losesMessagesInCrash ? 2 : 1);
  }

  it.each(faults)('when $name', async (fault) => {
    const trial = await Trial.schedule(world, rooms, upstream.timeLimit);
    await trial.strike(fault);
    await judgeTrial(trial, 1);
  });

  it('when the gateway is killed again and again, and the network does what it likes', async () => {
    await judge(await deliverAtRandom(world, rooms, upstream.timeLimit), 1);
  });

  describe.skipIf(upstream.isImitation)('(on one that is no imitation)', () => {
    it.each(points)('when the gateway is killed as $name', (point) => judgeDeath(point, 'the gateway'));

    // Once an answer has arrived it may be written down before the kill, and nothing is asked any more.
    it.each(points.slice(2, 4))(
      'when the gateway is killed as $name, and again as it asks what became of that',
      async (point) => {
        const trial = await Trial.schedule(world, rooms, upstream.timeLimit);
        await trial.dieTwice(point);
        await judgeTrial(trial, 1);
      },
    );
  });

  describe.skipIf(!upstream.isOurs)('(on one that the tests may kill)', () => {
    // Before the request is written, whatever is imitated has not heard of it.
    const told = upstream.isImitation ? points.slice(2) : points;
    it.each(told)('when the homeserver is killed as $name', (point) => judgeDeath(point, 'the homeserver'));
    it.each(told)('when both are killed as $name', (point) => judgeDeath(point, 'both'));
  });

  it('and never another one afterwards', async () => {
    const { losesMessagesInCrash } = upstream;
    const doubled: string[] = [];
    for (const delivery of all) {
      const most = losesMessagesInCrash && delivery.way.isMessage ? 2 : 1;
      if ((await delivery.events()).length > most) doubled.push(delivery.way.name);
    }
    expect(doubled).toEqual([]);
  });
});
