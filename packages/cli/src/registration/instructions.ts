import type { KindName, RegistrationName } from '@matrix-futures/gateway';
import { dirname, resolve } from 'node:path';

type Paths = Readonly<Record<RegistrationName, string>>;
type KnownKind = Exclude<KindName, 'other'>;

const inYaml = (paths: Paths): string =>
  `[${JSON.stringify(paths.puppet)}, ${JSON.stringify(paths.listener)}]`;
const inDirectory =
  (setting: string) =>
  ({ puppet }: Paths): string =>
    `its configuration: ${setting} = ${JSON.stringify(dirname(puppet))}, with nothing else in there; then restart it`;

/** How each homeserver is told of the registrations, given their paths. */
const loading = {
  synapse: (paths) => `homeserver.yaml: app_service_config_files: ${inYaml(paths)}; then restart it`,
  dendrite: (paths) => `dendrite.yaml: app_service_api: { config_files: ${inYaml(paths)} }; then restart it`,
  tuwunel: inDirectory('appservice_dir'),
  continuwuity: () =>
    `in its admin room, once for each file: !admin appservices register, and the file below it in a block of code`,
  palpo: inDirectory('appservice_registration_dir'),
} as const satisfies Record<KnownKind, (paths: Paths) => string>;

/** Those whose way of loading registrations is known. */
export const homeserverKinds = [
  'synapse',
  'dendrite',
  'tuwunel',
  'continuwuity',
  'palpo',
] as const satisfies readonly KnownKind[];

/**
 * What to do with the files that were written, for whoever runs the servers.
 * @param kind null: nobody said which homeserver it is
 */
export function instructions(
  paths: Paths,
  { kind, replaced }: { readonly kind: KnownKind | null; readonly replaced: boolean },
): string {
  const absolute = { puppet: resolve(paths.puppet), listener: resolve(paths.listener) };
  const kinds = kind === null ? homeserverKinds : [kind];
  const ways = kinds.map((one) => `  ${one.padEnd(12)}  ${loading[one](absolute)}`);
  return `Wrote ${absolute.puppet}
  and ${absolute.listener}

The as_token in puppet.yaml is the power over every account of the server: whoever has it can read and write as anybody.
Only the homeserver and the gateway may be able to read the two files. Where they run as different users: --group, and
chgrp to a group that has both.

How the homeserver loads them:
${ways.join('\n')}

${replaced ? rotation : `Then start the gateway with --registration ${JSON.stringify(dirname(absolute.puppet))}`}
`;
}

const rotation = `The old tokens work until the homeserver restarts. Restart the homeserver first, then at once the gateway: in between
the two refuse one another, and what is due or pushed then is tried again.`;
