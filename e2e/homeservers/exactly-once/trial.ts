import { setTimeout as pause } from 'node:timers/promises';
import { type Act, passOn, type Seen } from '../between.ts';
import { Delivery } from './delivery.ts';
import type { Fault } from './faults.ts';
import type { Point } from './points.ts';
import { ways } from './ways.ts';
import { newRoom, type World } from '../gateway-world.ts';

/** Who is killed, and started again. */
export type Dying = 'the gateway' | 'the homeserver' | 'both';

/** Long enough to schedule everything before anything is due: so many time limits of the homeserver. */
const lead = 1.2;

/** A room for each way of sending. */
export async function roomsForWays(world: World): Promise<readonly string[]> {
  const rooms: string[] = [];
  for (const _ of ways) rooms.push(await newRoom(world));
  return rooms;
}

/** One delivery of each way at once, whose first requests something is done to. */
export class Trial {
  readonly deliveries: readonly Delivery[];
  /** what was sent too early, by name of its way, in ms */
  readonly early = new Map<string, number>();
  readonly #world: World;
  readonly #limit: number;

  /**
   * @param rooms from `roomsForWays`
   * @param limit after which the gateway gives a request up, in ms
   */
  constructor(world: World, rooms: readonly string[], limit: number) {
    this.#world = world;
    this.#limit = limit;
    this.deliveries = ways.map((way, place) => new Delivery(world, way, rooms[place] ?? ''));
  }

  /**
   * Brings every delivery to that point, kills, and starts again what was killed.
   * @param between the two it does this
   */
  async die(point: Point, dying: Dying, between = (): void => {}): Promise<void> {
    const due = await this.#schedule();
    const atPoint = new Gathering(this.deliveries);
    const before = new Gathering(this.deliveries);
    {
      using _ = this.#rules(
        point.request,
        (delivery) => (exchange) =>
          point.reach(
            exchange,
            () => atPoint.arrived(delivery),
            () => {
              before.arrived(delivery);
              return before.complete;
            },
          ),
      );
      await this.#fire(due);
      await atPoint.complete;
      await this.#kill(dying);
    }
    between();
    await this.#startAgain(dying);
  }

  /** The gateway is killed at that point, and again as soon as it has asked about every delivery after its start. */
  async dieTwice(point: Point): Promise<void> {
    const asked = new Gathering(this.deliveries);
    using rules = new DisposableStack();
    await this.die(point, 'the gateway', () => {
      const hold: Act = async (exchange) => {
        for (const delivery of this.deliveries) if (delivery.isAbout(exchange.seen)) asked.arrived(delivery);
        await exchange.over();
      };
      const isAboutAny = (seen: Seen): boolean => this.deliveries.some((delivery) => delivery.isAbout(seen));
      rules.use(this.#world.front.toUpstream.rule(isAboutAny, hold));
    });
    await asked.complete;
    await this.#kill('the gateway');
    rules.dispose();
    await this.#startAgain('the gateway');
  }

  /** Does that to the first request of every delivery. */
  async strike(fault: Fault): Promise<void> {
    const due = await this.#schedule();
    const struck = new Gathering(this.deliveries);
    using _ = this.#rules('put', (delivery) => (exchange) => {
      if (!struck.arrived(delivery)) return passOn(exchange);
      return fault.strike(exchange, this.#limit);
    });
    await this.#fire(due);
    await struck.complete;
  }

  /** Answers when the timers run out, by `performance.now()`. */
  async #schedule(): Promise<number> {
    await Promise.all(this.deliveries.map((delivery) => delivery.prepare()));
    const due = performance.now() + lead * this.#limit;
    await Promise.all(
      this.deliveries.map((delivery) => delivery.schedule(Math.ceil(due - performance.now()))),
    );
    if (performance.now() > due) throw new Error(`scheduling took more than ${lead * this.#limit} ms`);
    return due;
  }

  /** All at the same moment: the gateway gives a request up that is held for long. */
  async #fire(due: number): Promise<void> {
    await pause(due - performance.now());
    for (const delivery of this.deliveries) delivery.fire();
  }

  #rules(request: Point['request'], actFor: (delivery: Delivery) => Act): Disposable {
    const rules = new DisposableStack();
    for (const delivery of this.deliveries) {
      const act = actFor(delivery);
      const isIts = request === 'put' ? delivery.isPut.bind(delivery) : delivery.isGuard.bind(delivery);
      rules.use(
        this.#world.front.toUpstream.rule(isIts, (exchange) => {
          const early = delivery.earliness(exchange.seen.at);
          if (request === 'put' && early > 0) this.early.set(delivery.way.name, early);
          return act(exchange);
        }),
      );
    }
    return rules;
  }

  async #kill(dying: Dying): Promise<void> {
    const { gateway, upstream, toUpstream } = this.#world.front;
    await Promise.all([
      dying !== 'the homeserver' && gateway.stop('SIGKILL'),
      dying !== 'the gateway' && upstream.process?.kill(),
    ]);
    if (dying !== 'the gateway') await toUpstream.refuse();
  }

  async #startAgain(dying: Dying): Promise<void> {
    const { gateway, upstream, toUpstream } = this.#world.front;
    if (dying !== 'the gateway') {
      await upstream.process?.start();
      await toUpstream.listen();
      this.#world.observer.serverAt(upstream.url);
    }
    if (dying !== 'the homeserver') await gateway.startAgain();
  }
}

/** Waits for everybody. */
class Gathering {
  readonly complete: Promise<void>;
  readonly #missing: Set<Delivery>;
  readonly #resolve: () => void;

  constructor(all: readonly Delivery[]) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.complete = promise;
    this.#missing = new Set(all);
    this.#resolve = resolve;
  }

  /** false: it was here before. */
  arrived(one: Delivery): boolean {
    const isNew = this.#missing.delete(one);
    if (this.#missing.size === 0) this.#resolve();
    return isNew;
  }
}
