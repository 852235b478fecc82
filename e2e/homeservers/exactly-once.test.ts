import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faults } from './exactly-once/faults.ts';
import { points } from './exactly-once/points.ts';
import { type Dying, roomsForWays, Trial } from './exactly-once/trial.ts';
import { ways } from './exactly-once/ways.ts';
import { startWorld, type World } from './gateway-world.ts';
import { upstreams } from './upstreams.ts';

describe.each(upstreams)('on $name, every way of sending makes exactly one event', (upstream) => {
  let world: World;
  let rooms: readonly string[];
  const trials: Trial[] = [];

  beforeAll(async () => {
    world = await startWorld(upstream);
    rooms = await roomsForWays(world);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  async function judge(trial: Trial, mostMessages: number): Promise<void> {
    trials.push(trial);
    const judged = await Promise.all(
      trial.deliveries.map(async (delivery) => {
        const told = await delivery.ended();
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
    const expected = ways.map(({ name, by }) => ({
      ...{ way: name, isOnce: true, others: 'group', tooEarly: [], onlyInOne: [] },
      uses: by === 'batch' ? [200, 200] : [410, 410],
    }));
    expect(judged).toEqual(expected);
    expect(trial.early).toEqual(new Map());
  }

  async function judgeDeath(point: (typeof points)[number], dying: Dying): Promise<void> {
    const trial = new Trial(world, rooms);
    await trial.die(point, dying);
    await judge(trial, dying !== 'the gateway' && upstream.losesMessagesInCrash ? 2 : 1);
  }

  it.each(points)('when the gateway is killed as $name', (point) => judgeDeath(point, 'the gateway'));

  it.each(points.slice(-3))(
    'when the gateway is killed as $name, and again as it asks what became of that',
    async (point) => {
      const trial = new Trial(world, rooms);
      await trial.dieTwice(point);
      await judge(trial, 1);
    },
  );

  it.each(faults)('when $name', async (fault) => {
    const trial = new Trial(world, rooms);
    await trial.strike(fault, upstream.timeLimit);
    await judge(trial, 1);
  });

  const itIfOurs = it.skipIf(!upstream.isOurs);
  itIfOurs.each(points)('when the homeserver (one we may kill) is killed as $name', (point) =>
    judgeDeath(point, 'the homeserver'),
  );
  itIfOurs.each(points)('when both (of which we may kill both) are killed as $name', (point) =>
    judgeDeath(point, 'both'),
  );

  it('and never another one afterwards', async () => {
    const { losesMessagesInCrash } = upstream;
    const doubled: string[] = [];
    for (const { deliveries } of trials)
      for (const delivery of deliveries) {
        const most = losesMessagesInCrash && delivery.way.isMessage ? 2 : 1;
        if ((await delivery.events()).length > most) doubled.push(delivery.way.name);
      }
    expect(doubled).toEqual([]);
  });
});
