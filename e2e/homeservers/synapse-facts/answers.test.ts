import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, ClientApi } from '../../client-api.ts';
import { membership, message, publicRoom, World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world[Symbol.asyncDispose]());

interface Fact {
  readonly fact: string;
  readonly ask: () => Promise<Answer>;
  readonly status: number;
  /** errcode, or the whole body */
  readonly says?: string | object;
}

function prove(facts: readonly Fact[]): void {
  it.each(facts)('$fact', async ({ ask, status, says }) => {
    const answer = await ask();
    expect(answer.status, JSON.stringify(answer.body)).toBe(status);
    if (typeof says === 'string') expect(answer.body.errcode).toBe(says);
    else if (says !== undefined) expect(answer.body).toEqual(says);
  });
}

/** A message of Alice through the puppet. */
const send = (query: string) =>
  world.as('alice', 'PUT', `${world.room}/send/m.room.message/x?${query}`, message('x'));
const nobody = () => new ClientApi(world.synapse.url);

describe('who the puppet is', () => {
  prove([
    {
      fact: 'whoami as a user names the user, without a device',
      ask: () => world.as('alice', 'GET', '/v3/account/whoami'),
      status: 200,
      says: { user_id: '@alice:localhost', is_guest: false },
    },
    {
      fact: "without user_id it is the service's own user",
      ask: () => world.puppet.request('GET', '/v3/account/whoami'),
      status: 200,
      says: { user_id: '@_puppet:localhost', is_guest: false },
    },
    {
      fact: 'a user who is not registered: whoami',
      ask: () => world.as('nobody', 'GET', '/v3/account/whoami'),
      status: 403,
      says: 'M_FORBIDDEN',
    },
    {
      fact: 'a user who is not registered: sending',
      ask: () => world.as('nobody', 'PUT', `${world.room}/send/m.room.message/1`, message('x')),
      status: 403,
      says: 'M_FORBIDDEN',
    },
    {
      fact: 'a user of another server',
      ask: () => world.puppet.request('GET', '/v3/account/whoami?user_id=%40alice%3Aelsewhere.org'),
      status: 403,
      says: 'M_FORBIDDEN',
    },
    {
      fact: 'another token than that of the registration',
      ask: () =>
        new ClientApi(world.synapse.url, 'guessed').request(
          'GET',
          '/v3/account/whoami?user_id=%40alice%3Alocalhost',
        ),
      status: 401,
      says: 'M_UNKNOWN_TOKEN',
    },
    {
      fact: 'a device that does not exist',
      ask: () => send('device_id=NONE'),
      status: 400,
      says: 'M_UNKNOWN_DEVICE',
    },
  ]);
});

describe('what a room refuses', () => {
  beforeAll(async () => {
    await Promise.all(['outsider', 'invited', 'banned'].map((name) => nobody().register(name)));
    await world.alice.request('POST', `${world.room}/invite`, { user_id: '@invited:localhost' });
    await world.alice.request('POST', `${world.room}/ban`, { user_id: '@banned:localhost' });
  });
  prove([
    {
      fact: 'a message of somebody who is not in the room',
      ask: () => world.as('outsider', 'PUT', `${world.room}/send/m.room.message/1`, message('x')),
      status: 403,
      says: 'M_FORBIDDEN',
    },
    {
      fact: 'a message of somebody who is banned',
      ask: () => world.as('banned', 'PUT', `${world.room}/send/m.room.message/2`, message('x')),
      status: 403,
      says: 'M_FORBIDDEN',
    },
    {
      fact: 'a banned user joins: another code than every other refusal',
      ask: () => world.as('banned', 'PUT', membership(world.room, 'banned'), { membership: 'join' }),
      status: 403,
      says: 'M_BAD_STATE',
    },
    {
      fact: 'a message into a room that does not exist',
      ask: () => world.as('alice', 'PUT', '/v3/rooms/!none/send/m.room.message/1', message('x')),
      status: 403,
      says: 'M_FORBIDDEN',
    },
    {
      fact: 'state of somebody without the power',
      ask: () => world.as('bob', 'PUT', `${world.room}/state/org.example/key`, {}),
      status: 403,
      says: 'M_FORBIDDEN',
    },
    {
      fact: "state under somebody else's user id",
      ask: () => world.as('alice', 'PUT', `${world.room}/state/org.example/%40bob%3Alocalhost`, {}),
      status: 403,
      says: 'M_FORBIDDEN',
    },
    {
      fact: 'too large',
      ask: () => world.as('alice', 'PUT', `${world.room}/send/m.room.message/3`, message('x'.repeat(70_000))),
      status: 413,
      says: 'M_TOO_LARGE',
    },
    {
      fact: 'a message without a body',
      ask: () => world.as('alice', 'PUT', `${world.room}/send/m.room.message/4`, {}),
      status: 400,
      says: 'M_UNKNOWN',
    },
    {
      fact: 'a redaction sent as an event, in room version 10',
      ask: async () => {
        const room = await publicRoom(world.alice, '10');
        const sent = await world.as('alice', 'PUT', `${room}/send/m.room.message/1`, message('x'));
        return world.as('alice', 'PUT', `${room}/send/m.room.redaction/1`, { redacts: sent.body.event_id });
      },
      status: 500,
      says: 'M_UNKNOWN',
    },
    {
      fact: 'a redaction of an event that does not exist is not refused',
      ask: () => world.as('alice', 'PUT', `${world.room}/redact/%24none/1`, {}),
      status: 200,
    },
  ]);
});

describe('reading state', () => {
  prove([
    {
      fact: 'absent, for a member',
      ask: () => world.as('alice', 'GET', `${world.room}/state/org.example/none?format=event`),
      status: 404,
      says: 'M_NOT_FOUND',
    },
    {
      fact: 'absent, for somebody who was never in the room',
      ask: () => world.as('outsider', 'GET', `${world.room}/state/org.example/none?format=event`),
      status: 403,
      says: 'M_FORBIDDEN',
    },
    {
      fact: 'their own membership, for somebody who is invited',
      ask: () => world.as('invited', 'GET', `${membership(world.room, 'invited')}?format=event`),
      status: 403,
      says: 'M_FORBIDDEN',
    },
  ]);
});

describe('delayed events, when they are off', () => {
  const off = { errcode: 'M_FORBIDDEN', error: 'Sending delayed events has been disallowed' };
  const user = 'user_id=%40alice%3Alocalhost';
  const delayed = (method: string, path: string) =>
    world.puppet.request(
      method,
      `${path.replace('ROOM', world.room.slice('/v3'.length))}&${user}`,
      message('x'),
    );
  const spellings = [
    ['PUT', '/v3ROOM/send/m.room.message/d?org.matrix.msc4140.delay=1000'],
    ['PUT', '/v3ROOM/send/m.room.message/d?org%2Ematrix%2Emsc4140%2Edelay=1000'],
    ['PUT', '/r0ROOM/send/m.room.message/d?org.matrix.msc4140.delay=1000'],
    ['PUT', '/api/v1ROOM/send/m.room.message/d?org.matrix.msc4140.delay=1000'],
    ['POST', '/v3ROOM/send/m.room.message?org.matrix.msc4140.delay=1000'],
    ['PUT', '/v3ROOM/state/org.example/key?org.matrix.msc4140.delay=1000'],
  ] as const;
  prove(
    spellings.map(([method, path]) => ({
      fact: `${method} ${path} is refused`,
      ask: () => delayed(method, path),
      status: 403,
      says: off,
    })),
  );
  prove([
    {
      fact: 'the parameter of the first text is not known: the event is sent at once',
      ask: () => send('future_timeout=1000'),
      status: 200,
    },
    {
      fact: 'the route of the first text is not known',
      ask: () =>
        world.as('alice', 'PUT', `${world.room}/send_future/m.room.message/1?future_timeout=1000`, {}),
      status: 404,
      says: 'M_UNRECOGNIZED',
    },
    {
      fact: 'the list is there, and empty',
      ask: () => world.alice.request('GET', '/unstable/org.matrix.msc4140/delayed_events'),
      status: 200,
      says: { delayed_events: [] },
    },
    {
      fact: 'a restart by an id, without a login',
      ask: () => nobody().request('POST', '/unstable/org.matrix.msc4140/delayed_events/x/restart', {}),
      status: 404,
      says: 'M_NOT_FOUND',
    },
    {
      fact: 'the delegation of a leave is not known',
      ask: () =>
        nobody().request('POST', '/unstable/io.element.msc4195/rtc/livekit/delegate_delayed_leave', {}),
      status: 404,
      says: 'M_UNRECOGNIZED',
    },
  ]);

  it('the flag is false, and the capability is there with no time at all', async () => {
    const versions = await nobody().request('GET', '/versions');
    expect(versions.body.unstable_features['org.matrix.msc4140']).toBe(false);
    const { body } = await world.alice.request('GET', '/v3/capabilities');
    expect(body.capabilities['org.matrix.msc4140.delayed_events']).toEqual({
      max_delay_ms: 0,
      max_scheduled: 100,
    });
  });
});

describe('ping', () => {
  const ping = (service: ClientApi, id: string) => service.request('POST', `/v1/appservice/${id}/ping`, {});
  prove([
    {
      fact: 'the listener',
      ask: () => ping(world.listenerService, 'listener'),
      status: 200,
      says: { duration_ms: expect.any(Number) },
    },
    {
      fact: 'the puppet, which has no address',
      ask: () => ping(world.puppet, 'puppet'),
      status: 400,
      says: 'M_URL_NOT_SET',
    },
    {
      fact: 'with the token of another service',
      ask: () => ping(world.puppet, 'listener'),
      status: 403,
      says: 'M_FORBIDDEN',
    },
  ]);
});
