import type { Clock } from '@matrix-futures/engine';
import { endpoint, MatrixError, type Endpoint } from '@matrix-futures/http';
import { createRateLimiter } from '../limits/rate-limiter.ts';
import { delaysRefused } from './delay-parameter.ts';
import type { Quirks } from './quirks.ts';

/** Serves what the server with these quirks serves, the way it does. */
export function oddEndpoints(quirks: Quirks, all: readonly Endpoint[], clock: Clock): readonly Endpoint[] {
  const { software, serverHeader, whoamiRate, hasPing, delayParameter } = quirks;
  const served = [
    ...all.filter((one) => hasPing || !isAt(one, '/appservice/:id/ping')),
    ...(software === null ? [] : [getServerVersion(software)]),
    ...(delayParameter === 'refused' ? delaysRefused() : []),
  ];
  const whoami = whoamiRate === null ? null : createRateLimiter(clock, whoamiRate);
  return served
    .map((one) =>
      whoami === null || !isAt(one, '/account/whoami')
        ? one
        : before(one, ({ requester }) => whoami.take(requester?.user ?? '')),
    )
    .map((one) => (serverHeader === null ? one : withHeader(one, serverHeader)));
}

const isAt = ({ paths }: Endpoint, end: string): boolean => paths.some((path) => path.endsWith(end));

/** `GET /_matrix/federation/v1/version` (server-server API, "Server implementation") */
function getServerVersion(server: { readonly name: string; readonly version: string }): Endpoint {
  return endpoint({
    method: 'GET',
    paths: ['/_matrix/federation/v1/version'],
    authentication: 'none',
    summary: 'Tells what software the server is',
    handle: () => ({ body: { server } }),
  });
}

function before(one: Endpoint, first: (incoming: Parameters<Endpoint['answer']>[0]) => void): Endpoint {
  return {
    ...one,
    answer: async (incoming) => {
      first(incoming);
      return one.answer(incoming);
    },
  };
}

function withHeader(one: Endpoint, server: string): Endpoint {
  const header = { Server: server };
  return {
    ...one,
    answer: async (incoming) => {
      try {
        const answer = await one.answer(incoming);
        return { ...answer, headers: { ...answer.headers, ...header } };
      } catch (error) {
        if (!(error instanceof MatrixError)) throw error;
        const { message, fields, headers } = error;
        throw new MatrixError(error, message, fields, { ...headers, ...header });
      }
    },
  };
}
