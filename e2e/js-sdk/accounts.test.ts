import {
  ClientEvent,
  HttpApiEvent,
  type MatrixClient,
  MatrixError,
  PushRuleKind,
  RoomEvent,
  RoomStateEvent,
} from 'matrix-js-sdk';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ServerProcess, startServerProcess } from '../server-process.ts';
import { logIn, makeRoom, password, register, sdkClient, seen, signUp, start } from './sdk-client.ts';
import { until } from './signal.ts';

let server: ServerProcess;
let ada: MatrixClient;
let bob: MatrixClient;

beforeAll(async () => {
  server = await startServerProcess({ flags: ['--open-registration', '--rate-limits', 'off'] });
  [ada, bob] = await Promise.all([signUp(server.url, 'ada'), signUp(server.url, 'bob')]);
});
afterAll(async () => {
  for (const client of [ada, bob]) client?.stopClient();
  await server?.[Symbol.asyncDispose]();
});

const refused = (status: number, errcode: string): object =>
  expect.objectContaining({ name: errcode, httpStatus: status, errcode }) as object;

describe('a login', () => {
  it('is of the user and the device that the server says it is of', async () => {
    expect(await ada.whoami()).toMatchObject({ user_id: '@ada:localhost', device_id: ada.getDeviceId() });
  });

  it('needs the right password', async () => {
    await expect(logIn(server.url, 'ada', `${password}?`)).rejects.toThrow(MatrixError);
    await expect(logIn(server.url, 'ada', `${password}?`)).rejects.toEqual(refused(403, 'M_FORBIDDEN'));
  });

  it('is over for the client that logs out, and for no other', async () => {
    await register(server.url, 'eve');
    const [first, second] = [
      await start(await logIn(server.url, 'eve')),
      await start(await logIn(server.url, 'eve')),
    ];
    await first.logout(true);
    await expect(first.whoami()).rejects.toEqual(refused(401, 'M_UNKNOWN_TOKEN'));
    expect((await second.getDevices()).devices.map(({ device_id }) => device_id)).toEqual([
      second.getDeviceId(),
    ]);
    second.stopClient();
  });

  it('is over for a device that another one removed, and its client is told so', async () => {
    await register(server.url, 'mallory');
    const kept = await start(await logIn(server.url, 'mallory'));
    const removed = sdkClient({ ...(await logIn(server.url, 'mallory')) });
    const told = vi.fn<() => void>();
    removed.on(HttpApiEvent.SessionLoggedOut, told);
    const credentials = {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user: 'mallory' },
      password,
    };
    const remove = (auth?: object): Promise<unknown> => kept.deleteDevice(removed.getDeviceId() ?? '', auth);
    const { data } = (await remove().catch((error: unknown) => error)) as MatrixError;
    expect(data).toMatchObject({ flows: [{ stages: ['m.login.password'] }] });
    await remove({ ...credentials, session: data['session'] });
    await expect(removed.whoami()).rejects.toEqual(refused(401, 'M_UNKNOWN_TOKEN'));
    expect(told).toHaveBeenCalledOnce();
    kept.stopClient();
  });
});

describe('a profile', () => {
  it('is read by others, and its name reaches the rooms its user is in', async () => {
    const room = await makeRoom([ada, bob]);
    await ada.setDisplayName('Ada Lovelace');
    await ada.setAvatarUrl('mxc://localhost/engine');
    expect(await bob.getProfileInfo('@ada:localhost')).toEqual({
      displayname: 'Ada Lovelace',
      avatar_url: 'mxc://localhost/engine',
    });
    await until(
      bob,
      RoomStateEvent.Members,
      () => bob.getRoom(room)?.getMember('@ada:localhost')?.name === 'Ada Lovelace',
      'the new name',
    );
  });
});

describe('account data', () => {
  const type = 'org.example.notes' as never;

  it('that one device sets, another reads and is told of', async () => {
    const other = await start(await logIn(server.url, 'ada'));
    // Resolves when its own sync has brought it back.
    await ada.setAccountData(type, { loom: 'Jacquard' } as never);
    await until(
      other,
      ClientEvent.AccountData,
      () => other.getAccountData(type)?.getContent()['loom'] === 'Jacquard',
      'the other device to be told',
    );
    expect(await other.getAccountDataFromServer(type)).toEqual({ loom: 'Jacquard' });
    other.stopClient();
  });

  it('of a room stays with its user', async () => {
    const room = await makeRoom([ada, bob]);
    await ada.setRoomAccountData(room, type, { page: 3 } as never);
    await until(
      ada,
      RoomEvent.AccountData,
      () => ada.getRoom(room)?.getAccountData(type)?.getContent()['page'] === 3,
      'what was kept of the room',
    );
    const { event_id } = await ada.sendTextMessage(room, 'after it');
    await seen(bob, room, event_id);
    expect(bob.getRoom(room)?.getAccountData(type)).toBeUndefined();
  });
});

describe('push rules', () => {
  it('are there from the first sync, the defaults of the specification', () => {
    const rules = ada.pushRules?.global;
    const ids = [...(rules?.override ?? []), ...(rules?.underride ?? [])].map(({ rule_id }) => rule_id);
    expect(ids).toEqual(
      expect.arrayContaining(['.m.rule.master', '.m.rule.suppress_notices', '.m.rule.message']),
    );
  });

  it('decide what a client makes of an event: a message notifies, in a muted room it does not', async () => {
    const room = await makeRoom([ada, bob]);
    const notifies = async (body: string): Promise<boolean> => {
      const { event_id } = await bob.sendTextMessage(room, body);
      return until(
        ada,
        ClientEvent.Sync,
        () => {
          const event = ada.getRoom(room)?.findEventById(event_id);
          return event && { answer: ada.getPushActionsForEvent(event)?.notify === true };
        },
        'the message',
      ).then(({ answer }) => answer);
    };
    expect(await notifies('heard')).toBe(true);
    await ada.setRoomMutePushRule('global', room, true);
    await until(
      ada,
      ClientEvent.AccountData,
      () => ada.pushRules?.global.room?.some(({ rule_id }) => rule_id === room),
      'the new rule',
    );
    expect(await notifies('not heard')).toBe(false);
    await ada.deletePushRule('global', PushRuleKind.RoomSpecific, room);
  });
});
