import { endpoint, type Endpoint } from '@matrix-futures/http';

/**
 * Versions of the specification whose client-server API is served as far as clients of that version ask of every
 * server. Newer ones are served in parts only, and a part that clients ask for by name is a flag below.
 */
const servedVersions: readonly string[] = ['r0.6.1', 'v1.1'];

/** What is served although no served version has it: `unstable_features` of `/versions`. */
const servedFeatures: Readonly<Record<string, boolean>> = {
  // private read receipts
  'org.matrix.msc2285.stable': true,
  // receipts of threads, and their notification counts
  'org.matrix.msc3771': true,
  'org.matrix.msc3773': true,
  // profile fields of any name
  'uk.tcpip.msc4133': true,
  'uk.tcpip.msc4133.stable': true,
  // `state_after` in `/sync`
  'org.matrix.msc4222': true,
};

const paths = ['/_matrix/client/versions'] as const;

/**
 * `GET /_matrix/client/versions` (client-server API, "API versions").
 * @param features further flags, by those who serve what they stand for: asked at every request
 */
export function getVersions(features: () => Readonly<Record<string, boolean>>): Endpoint {
  return endpoint({
    method: 'GET',
    paths,
    authentication: 'none',
    summary: 'Tells which versions of the specification are served',
    handle: () => ({
      body: { versions: servedVersions, unstable_features: { ...servedFeatures, ...features() } },
    }),
  });
}
