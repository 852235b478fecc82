import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import type { SetUp } from '@matrix-futures/gateway';
import { type Answer, type Clocks, error, findings, instant, ok, startWorld, type World } from './set-up.ts';

let world: World;
let data: string;
beforeEach(async () => {
  world = await startWorld();
  data = await mkdtemp(join(tmpdir(), 'doctor-'));
  await writeFile(join(data, 'token-key'), Buffer.alloc(32), { mode: 0o600 });
});
afterEach(async () => {
  await world[Symbol.asyncDispose]();
  await rm(data, { recursive: true });
});

describe('a set-up in which everything is right', () => {
  it('passes every check', async () => {
    // The disk of the machine that runs the tests is not what is judged.
    const elapsed = (
      (now = 0) =>
      () =>
        (now += 0.1)
    )();
    const found = await findings(world.setUp({ dataDirectory: data }), { elapsed });
    expect(found.size).toBe(17);
    for (const [name, finding] of found) expect(finding, name).toMatchObject({ kind: 'ok' });
  });

  it('is not touched: the data directory has what it had', async () => {
    await findings(world.setUp({ dataDirectory: data }));
    await expect(rm(join(data, '.doctor'))).rejects.toThrow('ENOENT');
  });
});

/** When a path of a server is asked, this comes instead. */
const at =
  (part: string, reply: ReturnType<Answer>): Answer =>
  ({ url }) =>
    url.includes(part) ? reply : null;

interface Broken {
  readonly check: string;
  readonly how: string;
  readonly seen: RegExp;
  readonly change: RegExp;
  readonly breaks: (world: World) => void | Promise<void>;
  readonly setUp?: (world: World) => Partial<SetUp>;
  readonly clocks?: Clocks;
}

const broken: readonly Broken[] = [
  {
    check: 'the registrations are kept from others',
    how: 'a file that everybody can read',
    seen: /others than their owner/,
    change: /chmod o-rwx x/,
    breaks: () => {},
    setUp: ({ registrations }) => ({
      loaded: { registrations, warnings: ['x can be read by every user of this machine: chmod o-rwx x'] },
    }),
  },
  {
    check: 'the homeserver answers',
    how: 'something else at its address',
    seen: /answers \/versions with 404/,
    change: /--upstream/,
    breaks: ({ homeserver }) => homeserver.before(at('/versions', error(404, 'M_UNRECOGNIZED'))),
  },
  {
    check: 'the homeserver answers',
    how: 'nobody there',
    seen: /does not answer \(connect ECONNREFUSED/,
    change: /start it, or correct --upstream/,
    breaks: () => {},
    setUp: () => ({ upstream: 'http://127.0.0.1:9' }),
  },
  {
    check: 'the homeserver has loaded puppet.yaml',
    how: 'another token',
    seen: /401 M_UNKNOWN_TOKEN/,
    change: /have the homeserver load puppet.yaml/,
    breaks: ({ homeserver, registrations }) =>
      homeserver.before(({ token }) =>
        token === registrations.puppet.asToken ? error(401, 'M_UNKNOWN_TOKEN') : null,
      ),
  },
  {
    check: 'the homeserver has loaded listener.yaml',
    how: 'another token',
    seen: /401 M_UNKNOWN_TOKEN/,
    change: /have the homeserver load listener.yaml/,
    breaks: ({ homeserver, registrations }) =>
      homeserver.before(({ token }) =>
        token === registrations.listener.asToken ? error(401, 'M_UNKNOWN_TOKEN') : null,
      ),
  },
  {
    check: 'the gateway can act as a user',
    how: 'somebody who is not registered',
    seen: /whoami as @nobody:example.org is answered with 403 M_FORBIDDEN/,
    change: /let --user be somebody who is registered/,
    breaks: () => {},
    setUp: () => ({ user: '@nobody:example.org' }),
  },
  {
    check: 'the gateway can act as a user',
    how: 'registrations for another server',
    seen: /leaves out @alice:example.com/,
    change: /--server-name/,
    breaks: () => {},
    setUp: () => ({ user: '@alice:example.com' }),
  },
  {
    check: 'the gateway can act as a user',
    how: 'the parameter lost on the way',
    seen: /takes the gateway for @_matrix-futures-puppet:example.org/,
    change: /remove parameters/,
    breaks: ({ homeserver }) =>
      homeserver.before(at('user_id=', ok({ user_id: '@_matrix-futures-puppet:example.org' }))),
  },
  {
    check: 'the homeserver reaches the gateway',
    how: 'no connection between them',
    seen: /502 M_CONNECTION_FAILED when it is to call http:\/\/127/,
    change: /start the gateway where listener.yaml says/,
    breaks: ({ homeserver }) => homeserver.before(at('/ping', error(502, 'M_CONNECTION_FAILED'))),
  },
  {
    check: 'the homeserver reaches the gateway',
    how: 'a token that the gateway does not know',
    seen: /does not take its hs_token/,
    change: /restart homeserver and gateway/,
    breaks: ({ homeserver }) => homeserver.before(at('/ping', error(502, 'M_BAD_STATUS'))),
  },
  {
    check: 'the homeserver reaches the gateway',
    how: 'a homeserver that cannot be asked, and a gateway that takes another token',
    seen: /answers 403 M_FORBIDDEN to the hs_token/,
    change: /restart homeserver and gateway/,
    breaks: ({ homeserver, gateway }) => {
      homeserver.before(at('/ping', error(404, 'M_UNRECOGNIZED')));
      gateway.before(at('/ping', error(403, 'M_FORBIDDEN')));
    },
  },
  {
    check: 'the gateway hears nobody else',
    how: 'something that takes any token',
    seen: /takes any hs_token/,
    change: /url in listener.yaml/,
    breaks: ({ gateway }) => gateway.before(at('/ping', ok({}))),
  },
  {
    check: 'clocks agree',
    how: 'ten seconds between them',
    seen: /the homeserver is 9\.5 s behind/,
    change: /set their clocks by the network/,
    breaks: () => {},
    clocks: { wall: () => instant + 10_000 },
  },
  {
    check: 'clocks agree',
    how: 'a date of its own',
    seen: /s ahead/,
    change: /set their clocks/,
    breaks: ({ homeserver }) =>
      homeserver.before(
        at('/versions', {
          ...ok({ versions: [] }),
          headers: { Date: 'Fri, 01 Jan 2100 00:00:00 GMT' },
        }),
      ),
  },
  {
    check: "the homeserver's own delayed events are off",
    how: 'the flag',
    seen: /delays events itself/,
    change: /max_event_delay_duration/,
    breaks: ({ homeserver }) =>
      homeserver.before(
        at('/versions', ok({ versions: [], unstable_features: { 'org.matrix.msc4140': true } })),
      ),
  },
  {
    check: "the homeserver's own delayed events are off",
    how: 'the capability',
    seen: /delays events itself/,
    change: /max_event_delay_duration/,
    breaks: ({ homeserver }) =>
      homeserver.before(
        at(
          '/capabilities',
          ok({ capabilities: { 'org.matrix.msc4140.delayed_events': { max_delay_ms: 5 } } }),
        ),
      ),
  },
  {
    check: 'the gateway answers',
    how: 'the homeserver in its place',
    seen: /and not as a gateway/,
    change: /--gateway/,
    breaks: () => {},
    setUp: ({ homeserver }) => ({ gateway: homeserver.url }),
  },
  {
    check: 'clients are told of futures',
    how: 'the answer of the homeserver',
    seen: /by the homeserver itself/,
    change: /proxy-config/,
    breaks: ({ front }) => front.before(at('/versions', ok({ versions: ['v1.11'] }))),
  },
  {
    check: 'clients are told of futures',
    how: 'no generation',
    seen: /names no generation/,
    change: /--generations/,
    breaks: ({ front }) =>
      front.before(
        at('/versions', { ...ok({ versions: ['v1.11'] }), headers: { 'X-Matrix-Futures': 'gateway' } }),
      ),
  },
  {
    check: 'futures reach the gateway',
    how: 'a path of theirs that the homeserver answers',
    seen: /PUT .*send_future.* is answered with 404 M_UNRECOGNIZED, not by the gateway/,
    change: /proxy-config/,
    breaks: ({ front }) => front.before(at('/send_future/', error(404, 'M_UNRECOGNIZED'))),
  },
  {
    check: 'no other spelling slips by the gateway',
    how: 'a name that is encoded, and that the proxy does not know',
    seen: /%64elay=1 is answered with 401 M_UNKNOWN_TOKEN, not by the gateway/,
    change: /proxy-config/,
    breaks: ({ front }) => front.before(at('%64elay', error(401, 'M_UNKNOWN_TOKEN'))),
  },
  {
    check: 'everything else reaches the homeserver',
    how: 'all of it at a gateway for paths',
    seen: /GET .*whoami ends at the gateway \(404/,
    change: /--front all/,
    breaks: ({ front }) =>
      front.before(
        at('/whoami', { ...error(404, 'M_UNRECOGNIZED'), headers: { 'X-Matrix-Futures': 'gateway' } }),
      ),
  },
  {
    check: 'everything else reaches the homeserver',
    how: 'a proxy that passes nothing on',
    seen: /joined_rooms is answered with 404/,
    change: /pass \/_matrix\/ on/,
    breaks: ({ front }) => front.before(at('/joined_rooms', { status: 404, body: [] })),
  },
  {
    check: 'the listener is not public',
    how: 'a proxy that passes it on',
    seen: /can be reached by everybody/,
    change: /404 to \/_matrix\/app/,
    breaks: ({ front }) =>
      front.before(
        at('/_matrix/app', { ...error(403, 'M_FORBIDDEN'), headers: { 'X-Matrix-Futures': 'gateway' } }),
      ),
  },
  {
    check: 'the disk syncs in time',
    how: 'a clock on which every sync takes 6 ms',
    seen: /^6\.0 ms at the median of 20/,
    change: /local disk/,
    breaks: () => {},
    setUp: () => ({ dataDirectory: data }),
    clocks: {
      elapsed: (
        (now = 0) =>
        () =>
          (now += 6)
      )(),
    },
  },
  {
    check: 'the disk syncs in time',
    how: 'no such directory',
    seen: /does not exist/,
    change: /--data-dir/,
    breaks: () => {},
    setUp: () => ({ dataDirectory: join(data, 'elsewhere') }),
  },
  {
    check: 'the token key is safe',
    how: 'no key',
    seen: /token-key is missing/,
    change: /put the copy of the key back/,
    breaks: () => rm(join(data, 'token-key')),
    setUp: () => ({ dataDirectory: data }),
  },
  {
    check: 'the token key is safe',
    how: 'half a key',
    seen: /damaged: it has 16 bytes/,
    change: /put the copy/,
    breaks: () => writeFile(join(data, 'token-key'), Buffer.alloc(16)),
    setUp: () => ({ dataDirectory: data }),
  },
  {
    check: 'the token key is safe',
    how: 'a key for everybody',
    seen: /can be read by others/,
    change: /chmod 600 /,
    breaks: () => chmod(join(data, 'token-key'), 0o644),
    setUp: () => ({ dataDirectory: data }),
  },
  {
    check: 'the token key is safe',
    how: 'a copy among backups',
    seen: /backup\/token-key is a copy of the key/,
    change: /elsewhere/,
    breaks: async () => {
      await mkdir(join(data, 'backup'));
      await writeFile(join(data, 'backup/token-key'), Buffer.alloc(32));
    },
    setUp: () => ({ dataDirectory: data }),
  },
];

describe('a set-up in which something is wrong', () => {
  test.each(broken)('$check: fails over $how', async ({ check, seen, change, breaks, setUp, clocks }) => {
    await breaks(world);
    const finding = (await findings(world.setUp(setUp?.(world)), clocks)).get(check);
    expect(finding).toEqual({
      kind: 'failed',
      seen: expect.stringMatching(seen),
      change: expect.stringMatching(change),
    });
  });

  it('is told of without a token of a registration', async () => {
    world.homeserver.before(() => error(401, 'M_UNKNOWN_TOKEN'));
    world.gateway.before(() => error(403, 'M_FORBIDDEN'));
    const told = JSON.stringify([...(await findings(world.setUp())).values()]);
    const { puppet, listener } = world.registrations;
    for (const token of [puppet.asToken, puppet.hsToken, listener.asToken, listener.hsToken])
      expect(told).not.toContain(token);
  });
});

describe('what cannot be known is not called wrong', () => {
  it('says what to name, for what was not named', async () => {
    const found = await findings(world.setUp({ gateway: null, publicUrl: null }));
    const unchecked = [...found.values()].filter(({ kind }) => kind === 'unchecked');
    expect(unchecked).toEqual([
      { kind: 'unchecked', because: 'say where: --gateway' },
      { kind: 'unchecked', because: 'say where: --public-url' },
      { kind: 'unchecked', because: 'say where: --data-dir' },
    ]);
  });

  it('acts as the listener where no user is named, and asks for one where that is not registered', async () => {
    const check = 'the gateway can act as a user';
    expect((await findings(world.setUp({ user: null }))).get(check)).toEqual({
      kind: 'ok',
      seen: 'as @_matrix-futures-listener:example.org',
    });
    world.homeserver.before(at('user_id=', error(403, 'M_FORBIDDEN')));
    expect((await findings(world.setUp({ user: null }))).get(check)).toMatchObject({ kind: 'unchecked' });
  });

  it('takes a homeserver that cannot ping for what it is, and looks whether the gateway is there', async () => {
    world.homeserver.before(at('/ping', error(404, 'M_UNRECOGNIZED')));
    expect((await findings(world.setUp())).get('the homeserver reaches the gateway')).toMatchObject({
      kind: 'unchecked',
      because: expect.stringContaining('with the right token'),
    });
  });

  it('takes a limit of the rate for no failure', async () => {
    world.homeserver.before(at('/whoami', error(429, 'M_LIMIT_EXCEEDED')));
    const found = await findings(world.setUp());
    for (const check of ['the homeserver has loaded puppet.yaml', 'the gateway can act as a user'])
      expect(found.get(check), check).toMatchObject({ kind: 'unchecked' });
  });

  it('takes a spelling that nobody knows for no harm, and one that ends at a gateway that is away', async () => {
    const check = 'no other spelling slips by the gateway';
    world.front.before(at('%64elay', error(404, 'M_UNRECOGNIZED')));
    expect((await findings(world.setUp())).get(check)).toMatchObject({ kind: 'ok' });
    world.front.before(at('%64elay', error(503, 'M_UNKNOWN')));
    expect((await findings(world.setUp())).get(check)).toMatchObject({ kind: 'ok' });
    world.front.before(at('%64elay', ok({ event_id: '$sent' })));
    expect((await findings(world.setUp())).get(check)).toMatchObject({ kind: 'failed' });
  });
});
