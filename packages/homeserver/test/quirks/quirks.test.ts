import type { Quirks } from '@matrix-futures/homeserver';
import { noQuirks, quirkProfiles } from '@matrix-futures/homeserver';
import { describe, expect, test } from 'vitest';
import { expectOk } from '../server/server.ts';
import { openScene, outcome, roomPath, text, type Scene } from './scene.ts';

/** What is seen with one switch set, and what without. */
interface Row {
  readonly quirks: Partial<Quirks>;
  readonly sees: (scene: Scene) => Promise<unknown>;
  readonly odd: unknown;
  readonly plain: unknown;
}

const whoami =
  (as: string, query = '') =>
  async ({ puppet }: Scene): Promise<unknown> => {
    const answer = await puppet(as, 'GET', `/account/whoami${query}`);
    return answer.status === 200 ? (answer.body.device_id ?? 'no device') : outcome(answer);
  };

/** Is the second request answered with the first one's event? */
const same = async (first: Promise<unknown>, second: () => Promise<unknown>): Promise<boolean> => {
  const event = await first;
  expect(event).toMatch(/^\$/);
  return (await second()) === event;
};

const setTopic = async (scene: Scene, as: string, query = ''): Promise<unknown> => {
  const path = roomPath(scene.room, `/state/m.room.topic/${query}`);
  const answer = await scene.puppet(as, 'PUT', path, { topic: 'the same' });
  return answer.status === 200 ? answer.body.event_id : outcome(answer);
};

const eventOf = async ({ puppet, room, alice }: Scene, event: unknown): Promise<any> =>
  expectOk(await puppet(alice.id, 'GET', roomPath(room, `/event/${String(event)}`)));

const oldRoom = ({ alice }: Scene): Promise<string> => alice.room({ room_version: '10' });

/** Sends a redaction by plain `/send`: what was answered, and whether anything was redacted. */
const sendRedaction = async ({ alice }: Scene, room: string): Promise<string> => {
  const target = await alice.say(room, 'to be redacted');
  const answer = await alice.put(roomPath(room, '/send/m.room.redaction/1'), { redacts: target });
  const { body } = await alice.get(roomPath(room, `/event/${target}`));
  return `${outcome(answer)}, ${body.content.body === undefined ? 'redacted' : 'not redacted'}`;
};

const rows: Readonly<Record<string, Row>> = {
  'software: it says what it is': {
    quirks: { software: { name: 'Dendrite', version: '0.15.2' } },
    sees: async ({ server }) =>
      (await server.call('GET', '/_matrix/federation/v1/version')).body.server?.name,
    odd: 'Dendrite',
    plain: undefined,
  },
  'serverHeader: on answers and on errors': {
    quirks: { serverHeader: 'Synapse/1.163.2' },
    sees: async ({ server, as }) => {
      const answers = [await server.call('GET', '/_matrix/client/versions'), await as('x', 'GET', '/sync')];
      return answers.map(({ headers }) => headers.server);
    },
    odd: ['Synapse/1.163.2', undefined],
    plain: [undefined, undefined],
  },
  'defaultRoomVersion: of rooms whose creator names none': {
    quirks: { defaultRoomVersion: '10' },
    sees: async ({ alice }) =>
      expectOk(await alice.get(roomPath(await alice.room(), '/state/m.room.create'))).room_version,
    odd: '10',
    plain: '12',
  },
  'delayParameter: refused on every way of sending, and a listing of nothing': {
    quirks: { delayParameter: 'refused' },
    sees: async ({ alice, room, server }) => {
      const delay = 'org.matrix.msc4140.delay=1000';
      const list = '/_matrix/client/unstable/org.matrix.msc4140/delayed_events';
      const answers = [
        await alice.put(roomPath(room, `/send/m.room.message/1?${delay}`), text),
        await alice.put(roomPath(room, `/send/m.room.message/2?org%2Ematrix%2Emsc4140%2Edelay=1000`), text),
        await alice.put(roomPath(room, `/state/m.room.topic?${delay}`), { topic: 'x' }),
        await alice.put(roomPath(room, `/send/m.room.message/1?${delay}x`), text),
        await server.call('GET', list, { token: alice.token }),
        await server.call('POST', `${list}/some/send`, {}),
      ];
      return answers.map(outcome);
    },
    odd: [
      '403 M_FORBIDDEN',
      '403 M_FORBIDDEN',
      '403 M_FORBIDDEN',
      '400 M_INVALID_PARAM',
      '200',
      '404 M_NOT_FOUND',
    ],
    plain: ['200', '200', '200', '200', '404 M_UNRECOGNIZED', '404 M_UNRECOGNIZED'],
  },

  'unregisteredUsers: a service makes the user by acting as them': {
    quirks: { unregisteredUsers: 'made' },
    sees: whoami('@new:test'),
    odd: 'no device',
    plain: '403 M_FORBIDDEN',
  },
  'foreignUsers: the token is said to be unknown': {
    quirks: { foreignUsers: 'unknown-token' },
    sees: whoami('@alice:elsewhere'),
    odd: '401 M_UNKNOWN_TOKEN',
    plain: '403 M_FORBIDDEN',
  },
  'devices: not looked at': {
    quirks: { devices: 'ignored' },
    sees: whoami('@alice:test', '?device_id=NOPE'),
    odd: 'no device',
    plain: '400 M_UNKNOWN_DEVICE',
  },
  'devices: made': {
    quirks: { devices: 'made' },
    sees: whoami('@alice:test', '?device_id=NEW'),
    odd: 'NEW',
    plain: '400 M_UNKNOWN_DEVICE',
  },
  'serviceDevice: every user that a service acts as has it': {
    quirks: { serviceDevice: 'AS_Device' },
    sees: whoami('@alice:test'),
    odd: 'AS_Device',
    plain: 'no device',
  },
  'whoamiRate: the puppet is limited, too': {
    quirks: { whoamiRate: { burst: 20, perSecond: 2 } },
    sees: async (scene) => {
      const answers = [];
      for (let asked = 0; asked < 21; asked += 1) answers.push(await whoami('@alice:test')(scene));
      return answers.slice(19);
    },
    odd: ['no device', '429 M_LIMIT_EXCEEDED'],
    plain: ['no device', 'no device'],
  },
  'everybodyDates: ts is for everybody': {
    quirks: { everybodyDates: true },
    sees: async (scene) => {
      const sent = await scene.alice.put(roomPath(scene.room, '/send/m.room.message/1?ts=1234'), text);
      return (await eventOf(scene, sent.body.event_id)).origin_server_ts === 1234;
    },
    odd: true,
    plain: false,
  },
  'partsLater: deactivating is answered before the rooms are left': {
    quirks: { partsLater: true },
    sees: async ({ alice, puppet }) => {
      for (let made = 0; made < 60; made += 1) await alice.room();
      const auth = {
        type: 'm.login.password',
        identifier: { type: 'm.id.user', user: 'alice' },
        password: 'password of alice',
      };
      expectOk(await alice.post('/account/deactivate', { auth }));
      return expectOk(await puppet(alice.id, 'GET', '/joined_rooms')).joined_rooms.length > 0;
    },
    odd: true,
    plain: false,
  },

  'forgetsTransactions: those without a device, at a restart': {
    quirks: { forgetsTransactions: 'without-device' },
    sees: async (scene) => {
      const device = `?device_id=${scene.alice.device}`;
      const before = [await scene.send(scene.alice, '1'), await scene.send(scene.alice, '2', device)];
      const repeated = await scene.send(scene.alice, '1');
      await scene.restart();
      const after = [await scene.send(scene.alice, '1'), await scene.send(scene.alice, '2', device)];
      return [repeated === before[0], ...after.map((event, index) => event === before[index])];
    },
    odd: [true, false, true],
    plain: [true, true, true],
  },
  'forgetsTransactions: all, at a restart': {
    quirks: { forgetsTransactions: 'always' },
    sees: (scene) => {
      const device = `?device_id=${scene.alice.device}`;
      return same(scene.send(scene.alice, '1', device), async () => {
        await scene.restart();
        return scene.send(scene.alice, '1', device);
      });
    },
    odd: false,
    plain: true,
  },
  'transactionScope: the room, so that another type is the same': {
    quirks: { transactionScope: 'room' },
    sees: ({ alice, room }) =>
      same(
        alice.put(roomPath(room, '/send/a/1')).then(({ body }) => body.event_id),
        async () => alice.put(roomPath(room, '/send/b/1')).then(({ body }) => body.event_id),
      ),
    odd: true,
    plain: false,
  },
  'transactionScope: the user, so that another room is the same': {
    quirks: { transactionScope: 'user' },
    sees: async ({ alice, room }) => {
      const other = await alice.room();
      return same(
        alice.put(roomPath(room, '/send/a/1')).then(({ body }) => body.event_id),
        async () => alice.put(roomPath(other, '/send/a/1')).then(({ body }) => body.event_id),
      );
    },
    odd: true,
    plain: false,
  },
  'transactionsCollide: with those of another user of the service': {
    quirks: { transactionsCollide: true },
    sees: (scene) => same(scene.send(scene.alice, '1'), () => scene.send(scene.bob, '1')),
    odd: true,
    plain: false,
  },
  'redactsWithoutMemory: the same redaction again is another event': {
    quirks: { redactsWithoutMemory: true },
    sees: async ({ alice, room }) => {
      const target = await alice.say(room, 'x');
      const redact = async () => expectOk(await alice.put(roomPath(room, `/redact/${target}/1`))).event_id;
      return same(redact(), redact);
    },
    odd: false,
    plain: true,
  },
  'sendTakes: so long until the event': {
    quirks: { sendTakes: 10_000 },
    sees: async ({ alice, room, timers }) => {
      expectOk(await alice.put(roomPath(room, '/send/a/1')));
      return timers.ranOut(10_000) === 1;
    },
    odd: true,
    plain: false,
  },
  'sharesConcurrentSends: off, the same request twice at once is two events': {
    quirks: { sharesConcurrentSends: false, sendTakes: 500 },
    sees: (scene) => {
      const both = [scene.send(scene.alice, '1'), scene.send(scene.alice, '1')] as const;
      return same(both[0], () => both[1]);
    },
    odd: false,
    plain: true,
  },
  'forgetsCancelledSends: a request whose client went away has its event, and is not remembered': {
    quirks: { forgetsCancelledSends: true, sendTakes: 3_000 },
    sees: async ({ server, alice, room, heard, service, timers }) => {
      const { port } = await server.http.listen('127.0.0.1', 0);
      const client = `http://127.0.0.1:${port}/_matrix/client`;
      const put = (signal: AbortSignal | null) =>
        fetch(`${client}/v3${roomPath(room, '/send/m.room.message/1')}`, {
          method: 'PUT',
          headers: { authorization: `Bearer ${alice.token}` },
          body: JSON.stringify(text),
          signal,
        });
      const isIt = ({ content }: any) => content.body === text.body;
      timers.hold(3_000);
      const hangUp = new AbortController();
      const gone = put(hangUp.signal).catch(() => {});
      await Promise.race([timers.held(), heard(isIt)]);
      hangUp.abort();
      await gone;
      // Asked after the connection was ended and answered: the server knows of it by now.
      await (await fetch(`${client}/versions`)).text();
      timers.letGo();
      await heard(isIt);
      const again: any = await (await put(null)).json();
      return again.event_id === service.events.find(isIt).event_id;
    },
    odd: false,
    // Without a delay the event is there before the client can go: the repeat finds it.
    plain: true,
  },
  'lateAnswers: the listener hears before the sender is answered': {
    quirks: { lateAnswers: { every: 1, by: 5_000 } },
    sees: async ({ alice, room, heard, timers }) => {
      const order: string[] = [];
      const isIt = ({ content }: any) => content.body === text.body;
      timers.hold(5_000);
      const told = heard(isIt).then(() => {
        order.push('heard');
        timers.letGo();
      });
      await alice.put(roomPath(room, '/send/m.room.message/1'), text).then(() => order.push('answered'));
      await told;
      return order[0];
    },
    odd: 'heard',
    plain: 'answered',
  },

  'identicalState: of anybody, without being allowed': {
    quirks: { identicalState: 'anybody' },
    sees: async (scene) => same(setTopic(scene, scene.alice.id), () => setTopic(scene, scene.bob.id)),
    odd: true,
    plain: false,
  },
  'identicalState: new': {
    quirks: { identicalState: 'new' },
    sees: (scene) => same(setTopic(scene, scene.alice.id), () => setTopic(scene, scene.alice.id)),
    odd: false,
    plain: true,
  },
  'identicalState: new where it is dated': {
    quirks: { identicalState: 'same-sender-undated' },
    sees: async (scene) => [
      await same(setTopic(scene, scene.alice.id), () => setTopic(scene, scene.alice.id)),
      await same(setTopic(scene, scene.alice.id), () => setTopic(scene, scene.alice.id, '?ts=1234')),
    ],
    odd: [true, false],
    plain: [true, true],
  },
  'sentRedactions: fail in version 10': {
    quirks: { sentRedactions: 'fail-in-version-10' },
    sees: async (scene) => [
      await sendRedaction(scene, await oldRoom(scene)),
      await sendRedaction(scene, scene.room),
    ],
    odd: ['500 M_UNKNOWN, not redacted', '200, redacted'],
    plain: ['200, redacted', '200, redacted'],
  },
  'sentRedactions: are accepted, and redact nothing': {
    quirks: { sentRedactions: 'do-nothing' },
    sees: (scene) => sendRedaction(scene, scene.room),
    odd: '200, not redacted',
    plain: '200, redacted',
  },
  'redactsUnknownEvents: with an event of its own': {
    quirks: { redactsUnknownEvents: true },
    sees: async ({ alice, room }) => outcome(await alice.put(roomPath(room, '/redact/$nothing/1'))),
    odd: '200',
    plain: '404 M_NOT_FOUND',
  },
  'incompleteMessages: accepted': {
    quirks: { incompleteMessages: 'accepted' },
    sees: async ({ alice, room }) => outcome(await alice.put(roomPath(room, '/send/m.room.message/1'))),
    odd: '200',
    plain: '400 M_BAD_JSON',
  },
  'incompleteMessages: M_UNKNOWN': {
    quirks: { incompleteMessages: 'unknown' },
    sees: async ({ alice, room }) => outcome(await alice.put(roomPath(room, '/send/m.room.message/1'))),
    odd: '400 M_UNKNOWN',
    plain: '400 M_BAD_JSON',
  },
  'tooLarge: M_BAD_JSON': {
    quirks: { tooLarge: 'bad-json' },
    sees: async ({ alice, room }) =>
      outcome(await alice.put(roomPath(room, '/send/a/1'), { long: 'x'.repeat(70_000) })),
    odd: '413 M_BAD_JSON',
    plain: '413 M_TOO_LARGE',
  },
  'unknownRooms: the version is said to be unsupported': {
    quirks: { unknownRooms: 'unsupported-version' },
    sees: async ({ alice }) => outcome(await alice.put(roomPath('!nowhere:test', '/send/a/1'))),
    odd: '400 M_UNSUPPORTED_ROOM_VERSION',
    plain: '403 M_FORBIDDEN',
  },
  'bannedJoins: M_BAD_STATE': {
    quirks: { bannedJoins: 'bad-state' },
    sees: async ({ alice, bob, room }) => {
      expectOk(await alice.post(roomPath(room, '/ban'), { user_id: bob.id }));
      return outcome(await bob.put(roomPath(room, `/state/m.room.member/${bob.id}`), { membership: 'join' }));
    },
    odd: '403 M_BAD_STATE',
    plain: '403 M_FORBIDDEN',
  },

  'transactionIdsShown: in /sync alone': {
    quirks: { transactionIdsShown: 'in-sync' },
    sees: async (scene) => {
      const event = await scene.send(scene.alice, 'mine');
      const sync = expectOk(await scene.puppet(scene.alice.id, 'GET', '/sync'));
      const synced = sync.rooms.join[scene.room].timeline.events.at(-1);
      return [synced, await eventOf(scene, event)].map(({ unsigned }) => unsigned.transaction_id);
    },
    odd: ['mine', undefined],
    plain: ['mine', 'mine'],
  },
  'showsReplacedState: off': {
    quirks: { showsReplacedState: false },
    sees: async (scene) => {
      const { alice, room } = scene;
      const set = async (topic: string) =>
        expectOk(await alice.put(roomPath(room, '/state/m.room.topic/'), { topic })).event_id;
      const first = await set('one');
      const { unsigned } = await eventOf(scene, await set('two'));
      return [unsigned.replaces_state === first, unsigned.prev_sender === alice.id, unsigned.prev_content];
    },
    odd: [false, false, { topic: 'one' }],
    plain: [true, true, { topic: 'one' }],
  },
  'filtersAfterLimit: a page may be empty with more behind it': {
    quirks: { filtersAfterLimit: true },
    sees: async ({ alice, room }) => {
      await alice.put(roomPath(room, '/send/wanted/1'));
      for (let index = 0; index < 5; index += 1) await alice.say(room, `later ${index}`);
      const filter = encodeURIComponent(JSON.stringify({ types: ['wanted'] }));
      const page = expectOk(await alice.get(roomPath(room, `/messages?dir=b&limit=3&filter=${filter}`)));
      return [page.chunk.length, typeof page.end];
    },
    odd: [0, 'string'],
    plain: [1, 'undefined'],
  },
  'hidesMessagesAfterLeaving: 403': {
    quirks: { hidesMessagesAfterLeaving: true },
    sees: async ({ bob, room }) => {
      expectOk(await bob.post(roomPath(room, '/leave')));
      return outcome(await bob.get(roomPath(room, '/messages?dir=b')));
    },
    odd: '403 M_FORBIDDEN',
    plain: '200',
  },
  'showsOwnInvite: to who is invited': {
    quirks: { showsOwnInvite: true },
    sees: async ({ alice, bob }) => {
      const room = await alice.room({ invite: [bob.id] });
      return [
        outcome(await bob.get(roomPath(room, `/state/m.room.member/${bob.id}`))),
        outcome(await bob.get(roomPath(room, `/state/m.room.member/${alice.id}`))),
      ];
    },
    odd: ['200', '403 M_FORBIDDEN'],
    plain: ['403 M_FORBIDDEN', '403 M_FORBIDDEN'],
  },
  'hasPing: off': {
    quirks: { hasPing: false },
    sees: async ({ server }) =>
      outcome(
        await server.call('POST', '/_matrix/client/v1/appservice/listener/ping', {
          token: 'as-listener',
          body: {},
        }),
      ),
    odd: '404 M_UNRECOGNIZED',
    plain: '200',
  },
};

describe.each(Object.entries(rows))('%s', (_name, { quirks, sees, odd, plain }) => {
  test('with the switch', async () => {
    await using scene = await openScene(quirks);
    expect(await sees(scene)).toEqual(odd);
  });
  test('without', async () => {
    await using scene = await openScene({});
    expect(await sees(scene)).toEqual(plain);
  });
});

test('every switch is set by a profile', () => {
  const unset = Object.entries(noQuirks).filter(([name, value]) =>
    Object.values(quirkProfiles).every((profile) => Reflect.get(profile, name) === value),
  );
  expect(unset).toEqual([]);
});
