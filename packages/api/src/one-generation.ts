import { type Endpoint, MatrixError } from '@matrix-futures/http';

/**
 * The same endpoint of plain `send` or `state`, refusing whoever asks for two generations in one request: whichever
 * served it would ignore the other's parameter, and send the event earlier or later than was asked for.
 * @param generations the query parameters of each
 */
export function ofOneGeneration(endpoint: Endpoint, generations: readonly (readonly string[])[]): Endpoint {
  if (endpoint.when === null) return endpoint;
  return {
    ...endpoint,
    answer: async (incoming) => {
      const [one, other] = generations.flatMap(
        (names) => names.find((name) => incoming.query.values.has(name)) ?? [],
      );
      // who has no login is told that first
      if (incoming.requester === null || other === undefined) return endpoint.answer(incoming);
      throw new MatrixError(
        'invalidParam',
        `${one} and ${other} are of two versions of the protocol; give one of them and leave the other out`,
      );
    },
  };
}
