import { makeRegistrations } from '@matrix-futures/gateway';
import { baseAddress, oneOf, serverName, text } from '../config/values.ts';
import { Flags, type Flag } from '../flags.ts';
import { randomness } from '../system.ts';
import { writeRegistrations } from './files.ts';
import { homeserverKinds, instructions } from './instructions.ts';

export const registrationFlags = [
  {
    name: 'server-name',
    value: 'NAME',
    help: "the homeserver's, as it stands after the colon of its user ids; needed",
  },
  { name: 'listener', value: 'URL', help: 'where the homeserver reaches the gateway; needed' },
  { name: 'out', value: 'DIRECTORY', help: 'where to write puppet.yaml and listener.yaml; needed' },
  {
    name: 'for',
    value: 'KIND',
    help: `says how this kind loads them only: ${homeserverKinds.join(', ')}; palpo needs it`,
  },
  { name: 'group', value: null, help: 'lets the group of the files read them (mode 0640 rather than 0600)' },
  { name: 'rotate', value: null, help: 'replaces registrations that are there by new tokens' },
] as const satisfies readonly Flag[];

/** Writes the registrations of the gateway for a homeserver, and says what to do with them. */
export async function registration(argv: readonly string[]): Promise<number> {
  const flags = new Flags(registrationFlags, argv);
  flags.forbidWords();
  const kind = flags.optional('for', oneOf(homeserverKinds));
  const options = {
    serverName: flags.required('server-name', serverName),
    listenerUrl: flags.required('listener', baseAddress),
    puppetHasUrl: kind === 'palpo',
  };
  const directory = flags.required('out', text);
  const { paths, replaced } = await writeRegistrations(makeRegistrations(options, randomness), {
    directory,
    forGroup: flags.isOn('group'),
    rotate: flags.isOn('rotate'),
  });
  process.stdout.write(instructions(paths, { kind, replaced }));
  return 0;
}
