import { HomeserverUnavailable } from '@matrix-futures/engine';
import type { Upstream } from '../upstream/upstream.ts';
import type { kinds, KindName } from './kind.ts';
import Type from 'typebox';
import { Compile } from 'typebox/compile';

const versionAnswer = Compile(Type.Object({ server: Type.Object({ name: Type.String() }) }));

/**
 * Which homeserver it is: by what it says of itself (`GET /_matrix/federation/v1/version`, server-server specification),
 * or by the `Server` header where the federation API is served elsewhere.
 * @throws HomeserverUnavailable
 */
export async function recogniseKind(upstream: Upstream): Promise<KindName> {
  const { status, body, headers } = await upstream.ask({
    method: 'GET',
    path: '/_matrix/federation/v1/version',
    limit: 5_000,
  });
  // Of a proxy, while the homeserver behind it is starting: it says nothing about that.
  if (status >= 500)
    throw new HomeserverUnavailable(`The homeserver answered ${status} when asked what it is`);
  const name = versionAnswer.Check(body) ? body.server.name : String(headers.server ?? '');
  return names.find((known) => name.toLowerCase().includes(known)) ?? 'other';
}

const names = [
  'synapse',
  'dendrite',
  'tuwunel',
  'continuwuity',
  'palpo',
] as const satisfies readonly (keyof typeof kinds)[];
