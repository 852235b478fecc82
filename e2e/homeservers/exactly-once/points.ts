import type { Exchange } from '../between.ts';

/** A point of a delivery, as it can be told from outside of the gateway. */
export interface Point {
  readonly name: string;
  /** which request tells it: the last question before the attempt, or the attempt itself */
  readonly request: 'guard' | 'put';
  /** The gateway has its answer there, and goes on; without it, it may only give up and ask what became of it. */
  readonly goesOn?: true;
  /**
   * Brings a request to the point, and stays there.
   * @param all resolves when the requests of all deliveries have come as far as to call it
   */
  reach(exchange: Exchange, reached: () => void, all: () => Promise<void>): Promise<void>;
}

export const points: readonly Point[] = [
  {
    name: 'the claim is made',
    request: 'guard',
    reach: async (exchange, reached) => {
      reached();
      await exchange.over();
    },
  },
  {
    name: 'the attempt is written down',
    request: 'put',
    reach: async (exchange, reached) => {
      reached();
      await exchange.over();
    },
  },
  {
    name: 'the request is written',
    request: 'put',
    reach: async (exchange, reached) => {
      await exchange.forward();
      reached();
      await exchange.over();
    },
  },
  {
    name: 'the homeserver has answered',
    request: 'put',
    reach: async (exchange, reached) => {
      // Its answer is waited for even if the gateway has given it up by then.
      exchange.outlive();
      await exchange.forward();
      await exchange.reply();
      reached();
      await exchange.over();
    },
  },
  {
    name: 'the answer arrives',
    request: 'put',
    goesOn: true,
    // A commit follows the answer within a millisecond or two, so nobody may wait for anybody else after it.
    reach: async (exchange, reached, all) => {
      exchange.outlive();
      await exchange.forward();
      const reply = await exchange.reply();
      await all();
      // On a very busy machine the gateway may have given it up while the others came here.
      await exchange.answer(reply).finally(reached);
    },
  },
];
