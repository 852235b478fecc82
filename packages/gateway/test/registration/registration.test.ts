import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { loadRegistrations, makeRegistrations, readRegistrations } from '@matrix-futures/gateway';

const randomness = { bytes: (length: number) => randomBytes(length) };
const options = {
  serverName: 'example.org',
  listenerUrl: 'http://127.0.0.1:8010',
  puppetHasUrl: false,
};
const made = (changes: Partial<typeof options> = {}) =>
  makeRegistrations({ ...options, ...changes }, randomness);

describe('registrations that are made', () => {
  it('are what a homeserver expects: power without an address, an address without power', () => {
    const { puppet, listener } = made();
    const token = expect.stringMatching(/^[\da-f]{64}$/);
    const tokens = { as_token: token, hs_token: token };
    expect(parse(puppet)).toEqual({
      id: 'matrix-futures-puppet',
      url: null,
      ...tokens,
      sender_localpart: '_matrix-futures-puppet',
      rate_limited: false,
      namespaces: {
        users: [{ exclusive: false, regex: String.raw`^@.*:example\.org$` }],
        aliases: [],
        rooms: [],
      },
    });
    expect(parse(listener)).toEqual({
      id: 'matrix-futures-listener',
      url: 'http://127.0.0.1:8010',
      ...tokens,
      sender_localpart: '_matrix-futures-listener',
      rate_limited: false,
      namespaces: { users: [], aliases: [], rooms: [{ exclusive: false, regex: '.*' }] },
    });
  });

  it('write the missing address out: Synapse refuses a registration without the key', () => {
    expect(made().puppet).toMatch(/^url: null$/m);
  });

  it('have other tokens every time', () => {
    const tokens = [made(), made()].flatMap(({ puppet, listener }) =>
      [parse(puppet), parse(listener)].flatMap((one) => [one.as_token, one.hs_token]),
    );
    expect(new Set(tokens).size).toBe(8);
  });

  test.each([
    [
      'example.org',
      '@alice:example.org',
      ['@alice:exampleXorg', '@alice:example.org.evil.org', 'x@alice:example.org'],
    ],
    ['example.org:8448', '@alice:example.org:8448', ['@alice:example.org']],
    ['[2001:db8::1]:8448', '@alice:[2001:db8::1]:8448', ['@alice:2', '@alice:[2001:db8::1]']],
  ])('give power over the users of %s and of no other server', (serverName, own, others) => {
    const users = new RegExp(parse(made({ serverName }).puppet).namespaces.users[0].regex);
    expect(users.test(own)).toBe(true);
    for (const other of others) expect(users.test(other)).toBe(false);
  });

  it('give the puppet an address where the homeserver insists on one', () => {
    expect(parse(made({ puppetHasUrl: true }).puppet).url).toBe('http://127.0.0.1:8010');
  });
});

describe('registrations that are read', () => {
  it('are the ones that were made', () => {
    const texts = made();
    const { puppet, listener } = readRegistrations(texts);
    expect(puppet.asToken).toBe(parse(texts.puppet).as_token);
    expect(puppet.url).toBeNull();
    expect(listener.hsToken).toBe(parse(texts.listener).hs_token);
    expect(listener.url).toBe('http://127.0.0.1:8010');
  });

  const shared = 'a-token-of-both-registrations';
  test.each<[string, object, object, string]>([
    ['an address of the listener', {}, { url: null }, 'listener.yaml: url is null'],
    ['an address that is one', {}, { url: '127.0.0.1:8010' }, 'listener.yaml: url must be'],
    ['a token', { as_token: undefined }, {}, 'puppet.yaml: as_token is missing'],
    ['a token of some length', { hs_token: 'secret' }, {}, 'puppet.yaml: hs_token must be 16 to 500'],
    [
      'a token of its own',
      { as_token: shared },
      { as_token: shared },
      'listener.yaml: as_token and hs_token must differ',
    ],
    [
      'an id of its own',
      { id: 'matrix-futures-listener' },
      {},
      "listener.yaml: id must be another than the puppet's",
    ],
    ['users', { namespaces: { users: [] } }, {}, 'puppet.yaml: namespaces.users is empty'],
    ['rooms', {}, { namespaces: {} }, 'listener.yaml: namespaces.rooms is empty'],
    ['namespaces', { namespaces: undefined }, {}, 'puppet.yaml: namespaces is missing'],
    [
      'a pattern',
      { namespaces: { users: [{ exclusive: false }] } },
      {},
      'puppet.yaml: namespaces.users.0.regex is missing',
    ],
  ])('must have %s', (_what, puppet, listener, message) => {
    const texts = made();
    const changed = {
      puppet: stringify({ ...parse(texts.puppet), ...puppet }),
      listener: stringify({ ...parse(texts.listener), ...listener }),
    };
    expect(() => readRegistrations(changed)).toThrow(message);
  });

  test.each(['- a\n- list', 'text', '', 'as_token: "hush-hush-hush-hush\n  : ]'])(
    'are refused without being quoted: %j',
    (puppet) => {
      const read = () => readRegistrations({ ...made(), puppet });
      expect(read).toThrow(/^puppet\.yaml is not/);
      expect(read).not.toThrow('hush');
    },
  );
});

describe('the directory of registrations', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'registrations-'));
    for (const [name, text] of Object.entries(made()))
      await writeFile(join(directory, `${name}.yaml`), text, { mode: 0o600 });
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('is loaded without a word where only its owner can read it', async () => {
    const { registrations, warnings } = await loadRegistrations(directory);
    expect(registrations.puppet.id).toBe('matrix-futures-puppet');
    expect(warnings).toEqual([]);
  });

  it('is loaded with a warning where anybody can read it, and may be shared with a group', async () => {
    await chmod(join(directory, 'puppet.yaml'), 0o644);
    await chmod(join(directory, 'listener.yaml'), 0o640);
    const { warnings } = await loadRegistrations(directory);
    expect(warnings).toEqual([expect.stringMatching(/puppet\.yaml can be read by every user.*chmod o-rwx/)]);
  });

  it('is loaded with a warning where others can change it', async () => {
    await chmod(join(directory, 'listener.yaml'), 0o660);
    const { warnings } = await loadRegistrations(directory);
    expect(warnings).toEqual([expect.stringMatching(/listener\.yaml can be changed by others.*chmod go-w/)]);
  });

  it('is refused where a file is missing, with how to make it', async () => {
    await rm(join(directory, 'listener.yaml'));
    await expect(loadRegistrations(directory)).rejects.toThrow(
      /listener\.yaml is missing; "matrix-futures registration --out DIRECTORY"/,
    );
  });
});
