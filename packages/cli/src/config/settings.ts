/**
 * Everything that can be configured. Each setting is a flag (`--data-dir`), an environment variable
 * (`MATRIX_FUTURES_DATA_DIR`) and a key of the configuration file (`data-dir:`); a flag wins over a variable, a variable
 * over the file.
 */
interface Setting {
  readonly name: string;
  /** what stands for the value in the help; null: a switch */
  readonly value: string | null;
  /** as somebody would write it; null: unset */
  readonly fallback: string | null;
  readonly help: string;
  /** It is about the homeserver inside, or about one elsewhere (`--upstream`); left out: about both. */
  readonly home?: 'inside' | 'elsewhere';
}

/** Every setting of `serve`, in the order of the help. */
export const settings = [
  {
    name: 'listen',
    value: 'HOST:PORT',
    fallback: '127.0.0.1:8008',
    help: 'where to listen; port 0 picks a free one',
  },
  {
    name: 'data-dir',
    value: 'DIRECTORY',
    fallback: './data',
    help: 'where everything is kept; made if it is missing',
  },
  {
    name: 'server-name',
    value: 'NAME',
    fallback: 'localhost',
    home: 'inside',
    help: 'the part after the colon of user ids; cannot be changed later',
  },
  {
    name: 'public-url',
    value: 'URL',
    fallback: null,
    home: 'inside',
    help: 'where clients reach the server, if a proxy stands in front of it',
  },
  {
    name: 'open-registration',
    value: null,
    fallback: 'off',
    home: 'inside',
    help: 'let anybody register an account',
  },
  {
    name: 'registration-shared-secret',
    value: 'SECRET',
    fallback: null,
    home: 'inside',
    help: 'whoever knows it may register accounts; other users of the machine can read flags, so rather a variable or the file',
  },
  {
    name: 'default-room-version',
    value: 'VERSION',
    fallback: '12',
    home: 'inside',
    help: 'of new rooms: 10, 11 or 12',
  },
  {
    name: 'app-services',
    value: 'PATH,…',
    fallback: null,
    home: 'inside',
    help: 'registrations of application services: YAML files, or directories of them',
  },
  {
    name: 'quirks',
    value: 'SERVER',
    fallback: 'off',
    home: 'inside',
    help: 'imitate synapse, dendrite, tuwunel, continuwuity or palpo, without futures, for tests of clients and gateways',
  },
  {
    name: 'upstream',
    value: 'URL',
    fallback: null,
    help: 'the homeserver to stand in front of, instead of the one inside; its own listener rather than a proxy',
  },
  {
    name: 'registration',
    value: 'DIRECTORY',
    fallback: null,
    home: 'elsewhere',
    help: 'where puppet.yaml and listener.yaml are; matrix-futures registration writes them',
  },
  {
    name: 'upstream-kind',
    value: 'NAME',
    fallback: 'auto',
    home: 'elsewhere',
    help: 'what the upstream is: auto, synapse, dendrite, tuwunel, continuwuity, palpo or other',
  },
  {
    name: 'front',
    value: 'paths|all',
    fallback: 'paths',
    home: 'elsewhere',
    help: 'whether only what futures need comes here, or everything',
  },
  {
    name: 'delay-ids',
    value: null,
    fallback: 'off',
    home: 'elsewhere',
    help: 'with --front all: show senders the delay ids of their events in /sync and wherever events are read',
  },
  {
    name: 'upstream-time-limit',
    value: 'DURATION',
    fallback: '10s',
    home: 'elsewhere',
    help: 'how long the upstream may take for one event',
  },
  {
    name: 'synapse-admin-token-file',
    value: 'FILE',
    fallback: null,
    home: 'elsewhere',
    help: 'access token of an administrator of Synapse: nothing is sent for the locked and the shadow-banned then',
  },
  {
    name: 'generations',
    value: 'A,B,C',
    fallback: 'futures,delay-parameter,delayed-events',
    help: 'versions of the protocol to serve',
  },
  {
    name: 'max-timeout',
    value: 'DURATION',
    fallback: '30d',
    help: 'longest timeout of a future; 0: 100 years',
  },
  { name: 'rate-limits', value: 'on|off', fallback: 'on', help: 'off lifts every limit per user, for tests' },
  { name: 'max-futures-per-user', value: 'COUNT', fallback: '1000', help: 'pending at once' },
  { name: 'max-content-per-user', value: 'SIZE', fallback: '16MiB', help: 'of pending futures, as JSON' },
  { name: 'max-futures-per-group', value: 'COUNT', fallback: '64', help: 'finished ones included' },
  { name: 'max-futures-per-state-key', value: 'COUNT', fallback: '100', help: 'of one user, pending' },
  {
    name: 'max-schedules-at-once',
    value: 'COUNT',
    fallback: '2000',
    help: 'futures that one user may schedule faster than the next setting says',
  },
  {
    name: 'max-schedules-per-second',
    value: 'COUNT',
    fallback: '20',
    help: 'of one user, in the long run',
  },
  {
    name: 'max-lists-per-second',
    value: 'COUNT',
    fallback: '4',
    help: 'of one user; ten times as many at once',
  },
  { name: 'max-refreshes-per-second', value: 'COUNT', fallback: '20', help: 'of one future' },
  { name: 'keep-outcomes', value: 'DURATION', fallback: '7d', help: 'how long finished futures are listed' },
  { name: 'keep-outcomes-per-user', value: 'COUNT', fallback: '1000', help: 'how many are listed at most' },
  {
    name: 'keep-transactions',
    value: 'DURATION',
    fallback: '7d',
    help: 'how long transaction ids and names of groups that were sent stay known',
  },
  {
    name: 'metrics-listen',
    value: 'HOST:PORT',
    fallback: null,
    help: 'where Prometheus finds /metrics; nowhere unless told',
  },
  {
    name: 'log-level',
    value: 'LEVEL',
    fallback: 'info',
    help: 'trace, debug, info, warn, error, fatal or silent',
  },
] as const satisfies readonly Setting[];

export type SettingName = (typeof settings)[number]['name'];

/** Where the file itself is named; not a key of the file. */
export const fileSetting = {
  name: 'config',
  value: 'FILE',
  fallback: null,
  help: 'a YAML file of the settings below, without the dashes',
} as const satisfies Setting;

/** `data-dir` as an environment variable: `MATRIX_FUTURES_DATA_DIR`. */
export const variableOf = (name: string): string =>
  `MATRIX_FUTURES_${name.toUpperCase().replaceAll('-', '_')}`;

/** A line for each, for the help. */
export function describeSettings(): string {
  const rows = [fileSetting, ...settings].map((setting: Setting) => {
    const flag = `  --${setting.name}${setting.value === null ? '' : ` ${setting.value}`}`;
    return { flag, text: setting.help + (setting.fallback === null ? '' : ` (${setting.fallback})`) };
  });
  const width = Math.max(...rows.map(({ flag }) => flag.length)) + 2;
  return rows.map(({ flag, text }) => flag.padEnd(width) + text).join('\n');
}
