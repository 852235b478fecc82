import { setTimeout as pause } from 'node:timers/promises';
import { type Act, passOn } from '../between.ts';
import { Delivery } from './delivery.ts';
import type { Fault } from './faults.ts';
import type { Point } from './points.ts';
import { ways } from './ways.ts';
import { newRoom, type World } from '../gateway-world.ts';

/** Who is killed, and started again. */
export type Dying = 'the gateway' | 'the homeserver' | 'both';

/** As a rule long enough to schedule everything before anything is due: so many time limits of the homeserver. */
const shortestLead = 1.2;

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
  /** when the timers run out, by `performance.now()` */
  readonly #due: number;

  private constructor(world: World, limit: number, deliveries: readonly Delivery[], due: number) {
    this.#world = world;
    this.#limit = limit;
    this.deliveries = deliveries;
    this.#due = due;
  }

  /**
   * Resolves before anything is due. What is, on a machine that stood still meanwhile, is let be, and others are
   * scheduled with twice the time.
   * @param rooms from `roomsForWays`
   * @param limit after which the gateway gives a request up, in ms
   */
  static async schedule(world: World, rooms: readonly string[], limit: number): Promise<Trial> {
    for (let lead = shortestLead * limit; ; lead *= 2) {
      const deliveries = ways.map((way, place) => new Delivery(world, way, rooms[place] ?? ''));
      await Promise.all(deliveries.map((delivery) => delivery.prepare()));
      const due = performance.now() + lead;
      const scheduled = await Promise.allSettled(
        deliveries.map((delivery) => delivery.schedule(Math.ceil(due - performance.now()))),
      );
      if (performance.now() < due) {
        const failed = scheduled.find(({ status }) => status === 'rejected');
        if (failed?.status === 'rejected') throw failed.reason;
        return new Trial(world, limit, deliveries, due);
      }
      await Promise.all(deliveries.map((delivery) => delivery.letBe()));
    }
  }

  /**
   * Brings every delivery to that point, kills, and starts again what was killed.
   * @param between the two it does this
   */
  async die(point: Point, dying: Dying, between = (): void => {}): Promise<void> {
    const atPoint = new Gathering(this.deliveries);
    const before = new Gathering(this.deliveries);
    const onTheirWay = new Set<Delivery>();
    {
      using rules = new DisposableStack();
      rules.use(
        this.#rules(point.request, (delivery) => (exchange) => {
          onTheirWay.add(delivery);
          const reached = point.reach(
            exchange,
            () => atPoint.arrived(delivery),
            () => {
              before.arrived(delivery);
              return before.complete;
            },
          );
          // The next request comes there, if this one does not.
          return reached.finally(() => atPoint.has(delivery) || onTheirWay.delete(delivery));
        }),
      );
      // Nobody comes further while the others come as far, however long that takes them.
      if (!point.goesOn) rules.use(this.#hold((delivery) => onTheirWay.has(delivery)));
      await this.#fire();
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
      rules.use(
        this.#hold((delivery) => {
          asked.arrived(delivery);
          return true;
        }),
      );
    });
    await asked.complete;
    await this.#kill('the gateway');
    rules.dispose();
    await this.#startAgain('the gateway');
  }

  /** Does that to the first request of every delivery. */
  async strike(fault: Fault): Promise<void> {
    const struck = new Gathering(this.deliveries);
    using _ = this.#rules('put', (delivery) => (exchange) => {
      if (!struck.arrived(delivery)) return passOn(exchange);
      return fault.strike(exchange, this.#limit);
    });
    await this.#fire();
    await struck.complete;
  }

  /** All at the same moment: the gateway gives a request up that is held for long. */
  async #fire(): Promise<void> {
    await pause(this.#due - performance.now());
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

  /** Requests that have to do with those deliveries stay where they are. */
  #hold(isHeld: (delivery: Delivery) => boolean): Disposable {
    return this.#world.front.toUpstream.rule(
      (seen) => this.deliveries.some((delivery) => delivery.isAbout(seen) && isHeld(delivery)),
      (exchange) => exchange.over(),
    );
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

  has(one: Delivery): boolean {
    return !this.#missing.has(one);
  }

  /** false: it was here before. */
  arrived(one: Delivery): boolean {
    const isNew = this.#missing.delete(one);
    if (this.#missing.size === 0) this.#resolve();
    return isNew;
  }
}
