import { setTimeout as pause } from 'node:timers/promises';
import { type Act, passOn } from '../between.ts';
import type { World } from '../gateway-world.ts';
import { Delivery } from './delivery.ts';
import { faults } from './faults.ts';
import { ways } from './ways.ts';

/** deliveries of each way; of leaves one, since who left has to come back before the next */
const ofEachWay = 8;
/** In ms: to schedule everything in, from the first delivery to the last one, and how long nobody dies. */
const lead = 6_000;
const span = 4_000;
const life = 1_000;
/** how many of the requests something is done to */
const struckShare = 0.15;

/**
 * Many deliveries, while the gateway is killed again and again, now and then politely, and the network between it and the homeserver does what
 * it likes. Resolves when that is over; what becomes of the deliveries after it is theirs.
 * @param rooms from `roomsForWays`
 * @param limit after which the gateway gives a request up, in ms
 */
export async function deliverAtRandom(
  world: World,
  rooms: readonly string[],
  limit: number,
): Promise<readonly Delivery[]> {
  const deliveries = ways.flatMap((way, place) =>
    Array.from({ length: way.leaves ? 1 : ofEachWay }, () => new Delivery(world, way, rooms[place] ?? '')),
  );
  for (const delivery of deliveries) await delivery.prepare();
  const begin = performance.now() + lead;
  const moments = await Promise.all(
    deliveries.map(async (delivery) => {
      const at = begin + span * Math.random();
      await delivery.schedule(Math.ceil(at - performance.now()));
      return at;
    }),
  );

  using _ = world.front.toUpstream.rule(() => true, strikeSome(limit));
  const fired = deliveries.map(async (delivery, place) => {
    await pause((moments[place] ?? 0) - performance.now());
    delivery.fire();
  });
  const { gateway } = world.front;
  while (performance.now() < begin + span + life) {
    await pause(life * (0.5 + Math.random()));
    await gateway.stop(Math.random() < 0.3 ? 'SIGTERM' : 'SIGKILL');
    await gateway.startAgain();
  }
  await Promise.all(fired);
  return deliveries;
}

function strikeSome(limit: number): Act {
  return (exchange) => {
    if (Math.random() > struckShare) return passOn(exchange);
    const fault = faults[Math.floor(Math.random() * faults.length)];
    return fault === undefined ? passOn(exchange) : fault.strike(exchange, limit);
  };
}
