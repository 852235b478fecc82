import { examine, loadRegistrations } from '@matrix-futures/gateway';
import { baseAddress, text, userId } from '../config/values.ts';
import { Flags, type Flag } from '../flags.ts';
import { machine, timers } from '../system.ts';
import { everyEndpoint } from './every-endpoint.ts';
import { probesOf } from './probes.ts';
import { lineOf } from './report.ts';

export const doctorFlags = [
  { name: 'upstream', value: 'URL', help: 'the homeserver itself, behind every proxy; needed' },
  {
    name: 'registration',
    value: 'DIRECTORY',
    help: 'where puppet.yaml and listener.yaml are; needed',
  },
  { name: 'gateway', value: 'URL', help: 'where the gateway listens' },
  { name: 'public-url', value: 'URL', help: 'what clients reach' },
  { name: 'data-dir', value: 'DIRECTORY', help: "the gateway's" },
  { name: 'user', value: 'USER', help: 'somebody who is registered, as whom the gateway asks who it is' },
] as const satisfies readonly Flag[];

/** Looks at a running set-up and says what is wrong with it. Resolves with 1 if anything is. */
export async function doctor(argv: readonly string[]): Promise<number> {
  const flags = new Flags(doctorFlags, argv);
  flags.forbidWords();
  const setUp = {
    upstream: flags.required('upstream', baseAddress),
    loaded: await loadRegistrations(flags.required('registration', text)),
    gateway: flags.optional('gateway', baseAddress),
    publicUrl: flags.optional('public-url', baseAddress),
    dataDirectory: flags.optional('data-dir', text),
    user: flags.optional('user', userId),
    probes: probesOf(everyEndpoint()),
  };
  let failures = 0;
  for await (const examined of examine(setUp, { clock: machine, timers, elapsed: machine.running })) {
    process.stdout.write(lineOf(examined));
    if (examined.finding.kind === 'failed') failures++;
  }
  process.stdout.write(failures === 0 ? '\nNothing failed.\n' : `\n${failures} failed.\n`);
  return failures === 0 ? 0 : 1;
}
