import { describe, expect, it, test } from 'vitest';
import { parseConfig } from '../src/config/config.ts';
import type { Config } from '../src/config/config.ts';
import { describeSettings, settings, variableOf } from '../src/config/settings.ts';
import { readSources } from '../src/config/sources.ts';

async function configure(
  argv: string[],
  env: Record<string, string> = {},
  file: unknown = null,
): Promise<Config> {
  return parseConfig(await readSources(argv, env, () => Promise.resolve(file)));
}

/** The fallback, and another value, of each setting. */
const others: Record<string, string> = {
  listen: '[::1]:0',
  'data-dir': '/elsewhere',
  'server-name': 'example.org',
  'public-url': 'https://matrix.example.org/',
  'open-registration': 'on',
  'registration-shared-secret': 'hush',
  'default-room-version': '10',
  'app-services': './services,bridge.yaml',
  quirks: 'dendrite',
  upstream: 'http://127.0.0.1:8448/',
  registration: './elsewhere',
  'upstream-kind': 'synapse',
  front: 'all',
  'delay-ids': 'on',
  'upstream-time-limit': '5s',
  'synapse-admin-token-file': './token',
  generations: 'futures',
  'max-timeout': '1h',
  'rate-limits': 'off',
  'max-futures-per-user': '2',
  'max-content-per-user': '1KiB',
  'max-futures-per-group': '3',
  'max-futures-per-state-key': '4',
  'max-schedules-at-once': '7',
  'max-schedules-per-second': '8',
  'max-lists-per-second': '9',
  'max-refreshes-per-second': '5',
  'keep-outcomes': '1d',
  'keep-outcomes-per-user': '6',
  'keep-transactions': '2d',
  'metrics-listen': '127.0.0.1:9100',
  'log-level': 'debug',
};

/** What a setting about a homeserver elsewhere has no effect without. */
const elsewhere = ['--upstream', 'http://127.0.0.1:8008', '--registration', './registration'];

function beside(name: string): string[] {
  const home = settings.map((setting) => ({ home: null, ...setting })).find((one) => one.name === name)?.home;
  if (home !== 'elsewhere') return name === 'upstream' ? elsewhere.slice(2) : [];
  return name === 'delay-ids' ? [...elsewhere, '--front', 'all'] : elsewhere;
}

describe('what can be configured', () => {
  it('has a fallback for everything', async () => {
    expect(await configure([])).toEqual({
      listen: { host: '127.0.0.1', port: 8008 },
      dataDir: './data',
      serverName: 'localhost',
      publicUrl: null,
      openRegistration: false,
      registrationSharedSecret: null,
      defaultRoomVersion: '12',
      appServices: [],
      quirks: null,
      gateway: null,
      generations: ['futures', 'delay-parameter', 'delayed-events'],
      limits: {
        perUser: true,
        maxTimeout: 30 * 86_400_000,
        pendingPerUser: 1_000,
        contentBytesPerUser: 16 * 1024 * 1024,
        futuresPerGroup: 64,
        futuresPerStateKey: 100,
        scheduleBurst: 2_000,
        schedulesPerSecond: 20,
        listsPerSecond: 4,
        refreshesPerSecond: 20,
      },
      retention: { listed: 7 * 86_400_000, listedPerOwner: 1_000, tombstones: 7 * 86_400_000 },
      metricsListen: null,
      logLevel: 'info',
    });
  });

  test.each(settings.map(({ name }) => name))(
    '%s can be a flag, a variable and a key of the file',
    async (name) => {
      const value = others[name] ?? '';
      const rest = beside(name).filter(
        (flag, index, all) => flag !== `--${name}` && all[index - 1] !== `--${name}`,
      );
      const byFlag = await configure([...rest, `--${name}=${value}`]);
      expect(byFlag).not.toEqual(await configure(name === 'upstream' ? [] : beside(name)));
      expect(await configure(rest, { [variableOf(name)]: value })).toEqual(byFlag);
      expect(await configure([...rest, '--config', 'a.yaml'], {}, { [name]: value })).toEqual(byFlag);
      expect(describeSettings()).toContain(`--${name}`);
    },
  );

  it('refuses what is about a homeserver inside beside one that is elsewhere, and the other way round', async () => {
    await expect(configure([...elsewhere, '--open-registration'])).rejects.toThrow(
      '--open-registration is about the homeserver inside, and --upstream names another one',
    );
    await expect(configure(['--front', 'all'])).rejects.toThrow(
      '--front is about a homeserver that is elsewhere',
    );
    await expect(configure(elsewhere.slice(0, 2))).rejects.toThrow('upstream needs registration');
    await expect(configure([...elsewhere, '--delay-ids'])).rejects.toThrow('needs --front all');
  });

  it('takes a homeserver that is elsewhere for what it says itself, and lets only futures come by', async () => {
    expect((await configure(elsewhere)).gateway).toEqual({
      upstream: 'http://127.0.0.1:8008',
      registration: './registration',
      kind: null,
      front: 'paths',
      delayIds: false,
      requestLimit: 10_000,
      synapseAdminTokenFile: null,
    });
  });

  it('cannot be changed once it is read', async () => {
    const config = await configure([]);
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.limits)).toBe(true);
  });
});

describe('where it is written', () => {
  it('takes the flag over the variable over the file', async () => {
    const env = { MATRIX_FUTURES_CONFIG: 'a.yaml', MATRIX_FUTURES_SERVER_NAME: 'variable', OTHER: 'x' };
    const file = { 'server-name': 'file', 'data-dir': 'file', listen: 'localhost:1' };
    const config = await configure(
      ['--server-name', 'flag'],
      { ...env, MATRIX_FUTURES_DATA_DIR: 'variable' },
      file,
    );
    expect(config.serverName).toBe('flag');
    expect(config.dataDir).toBe('variable');
    expect(config.listen).toEqual({ host: 'localhost', port: 1 });
  });

  it('takes the last of a flag given twice', async () => {
    expect((await configure(['--server-name', 'a', '--server-name', 'b'])).serverName).toBe('b');
  });

  it('takes numbers, switches and lists in the file as they are', async () => {
    const file = { 'open-registration': true, 'max-futures-per-user': 7, generations: ['delay-parameter'] };
    const config = await configure(['--config', 'a.yaml'], {}, file);
    expect(config).toMatchObject({ openRegistration: true, generations: ['delay-parameter'] });
    expect(config.limits.pendingPerUser).toBe(7);
  });

  it('takes a switch without a value as on', async () => {
    expect((await configure(['--open-registration'])).openRegistration).toBe(true);
  });
});

describe('what cannot be used', () => {
  test.each([
    [['--data-dri', 'x'], {}, 'There is no flag --data-dri; the nearest is --data-dir'],
    [['--openregistration'], {}, 'There is no flag --openregistration; the nearest is --open-registration'],
    [
      [],
      { MATRIX_FUTURES_LISTN: 'x' },
      'There is no variable MATRIX_FUTURES_LISTN; the nearest is MATRIX_FUTURES_LISTEN',
    ],
    [['extra'], {}, '"extra" is neither a flag nor the value of one'],
    [['--listen'], {}, '--listen needs a value'],
    [['--listen', '8008'], {}, '--listen: "8008" is not HOST:PORT, as in 127.0.0.1:8008 or [::1]:8008'],
    [['--listen', 'a:65536'], {}, '--listen: "a:65536" is not HOST:PORT, as in 127.0.0.1:8008 or [::1]:8008'],
    [
      [],
      { MATRIX_FUTURES_MAX_TIMEOUT: 'long' },
      'MATRIX_FUTURES_MAX_TIMEOUT: "long" is not a duration, as in 500ms, 30s, 10m, 12h or 30d',
    ],
    [
      ['--max-content-per-user', '1kb'],
      {},
      '--max-content-per-user: "1kb" is not a size, as in 65536, 512KiB or 16MiB',
    ],
    [['--max-futures-per-user', '0'], {}, '--max-futures-per-user: "0" is not a whole number from 1 on'],
    [
      ['--generations', 'futures,past'],
      {},
      '--generations: "futures,past" is not a list of futures or delay-parameter or delayed-events',
    ],
    [
      ['--server-name', 'a b'],
      {},
      '--server-name: "a b" is not a server name, as in example.org or example.org:8448',
    ],
    [['--default-room-version', '9'], {}, '--default-room-version: "9" is not 10 or 11 or 12'],
    [
      ['--public-url', 'example.org'],
      {},
      '--public-url: "example.org" is not a web address, as in https://matrix.example.org',
    ],
    [['--rate-limits', 'maybe'], {}, '--rate-limits: "maybe" is not on or off'],
    [['--data-dir', ''], {}, '--data-dir: "" is not a text of at least one character'],
  ])('%j with %j', async (argv, env, message) => {
    await expect(configure(argv, env)).rejects.toThrow(
      expect.objectContaining({ name: 'ConfigError', message }),
    );
  });

  test.each([
    [{ 'data-dri': 'x' }, 'There is no setting in a.yaml named data-dri; the nearest is data-dir'],
    [{ config: 'b.yaml' }, /^There is no setting in a.yaml named config; the nearest is /],
    [{ listen: { host: 'a' } }, 'listen must be a text, a number, a switch or a list of these'],
    [['listen'], 'The configuration file a.yaml is not a list of "setting: value"'],
    ['listen', 'The configuration file a.yaml is not a list of "setting: value"'],
  ])('a file that says %j', async (file, message) => {
    await expect(configure(['--config', 'a.yaml'], {}, file)).rejects.toThrow(message);
  });

  it('says which file cannot be read', async () => {
    const reading = readSources(['--config', 'gone.yaml'], {}, () => Promise.reject(new Error('ENOENT')));
    await expect(reading).rejects.toThrow('The configuration file gone.yaml cannot be read: Error: ENOENT');
  });
});
