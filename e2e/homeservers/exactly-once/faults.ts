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
      await pause(1.4 * limit);
      await exchange.forward();
      await exchange.reply();
    },
  },
];
