import { setTimeout as pause } from 'node:timers/promises';
import type { Exchange } from '../between.ts';

/** Something that a network does to the first request of a delivery, while everybody is alive. */
export interface Fault {
  readonly name: string;
  /** @param limit after which the gateway gives a request up, in ms */
  strike(exchange: Exchange, limit: number): Promise<void>;
}

export const faults: readonly Fault[] = [
  {
    name: 'the answer is lost',
    strike: async (exchange) => {
      await exchange.forward();
      await exchange.reply();
      exchange.cut();
    },
  },
  {
    name: 'the connection is cut after 2 to 10 ms',
    strike: async (exchange) => {
      await exchange.forward();
      await pause(2 + 8 * Math.random());
      exchange.cut();
    },
  },
  {
    name: 'the answer comes after the time limit',
    strike: async (exchange, limit) => {
      await exchange.forward();
      const reply = await exchange.reply();
      await pause(1.5 * limit);
      await exchange.answer(reply);
    },
  },
  {
    name: 'the request arrives after the time limit',
    strike: async (exchange, limit) => {
      exchange.outlive();
      // For the answer to a question the gateway waits longer.
      await Promise.race([exchange.over(), pause(limit)]);
      await pause(0.4 * limit);
      // The gateway relies on it that nothing arrives after two limits: where this process stood still, it is lost.
      if (performance.now() - exchange.seen.at > 1.7 * limit) return;
      await exchange.forward();
      await exchange.reply();
    },
  },
];
