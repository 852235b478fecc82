import { ClientEvent, type MatrixClient, Preset } from 'matrix-js-sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ServerProcess, startServerProcess } from '../server-process.ts';
import { joined, makeRoom, signUp } from './sdk-client.ts';
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

const forbidden = expect.objectContaining({ httpStatus: 403, errcode: 'M_FORBIDDEN' }) as object;
const membership = (client: MatrixClient, roomId: string, userId: string): string | undefined =>
  client.getRoom(roomId)?.getMember(userId)?.membership;

describe('a room', () => {
  it('is made as asked: preset, name, topic, power levels and first state', async () => {
    const { room_id } = await ada.createRoom({
      preset: Preset.PrivateChat,
      name: 'Analytical Engine',
      topic: 'It weaves',
      power_level_content_override: { events: { 'org.example.open': 0 } },
      initial_state: [{ type: 'org.example.first', state_key: 'k', content: { n: 1 } }],
    });
    const room = await joined(ada, room_id);
    expect(room.name).toBe('Analytical Engine');
    expect(room.getJoinRule()).toBe('invite');
    expect(room.currentState.getStateEvents('org.example.first', 'k')?.getContent()).toEqual({ n: 1 });
    expect(room.currentState.maySendStateEvent('org.example.open', '@nobody:localhost')).toBe(true);
    expect(await ada.getStateEvent(room_id, 'm.room.topic', '')).toMatchObject({ topic: 'It weaves' });
  });

  it('is joined on an invitation, which says who invites and to what', async () => {
    const { room_id } = await ada.createRoom({ name: 'Salon' });
    await expect(bob.joinRoom(room_id)).rejects.toEqual(forbidden);
    await ada.invite(room_id, '@bob:localhost');
    const room = await until(
      bob,
      ClientEvent.Sync,
      () => bob.getRooms().find(({ roomId }) => roomId === room_id),
      'the invitation',
    );
    expect(room.getMyMembership()).toBe('invite');
    expect(room.name).toBe('Salon');
    expect(room.getMember('@bob:localhost')?.events.member?.getSender()).toBe('@ada:localhost');
    await bob.joinRoom(room_id);
    await joined(bob, room_id);
    await until(
      ada,
      ClientEvent.Sync,
      () => membership(ada, room_id, '@bob:localhost') === 'join',
      'bob to join',
    );
  });

  it('is left by who leaves, is kicked or is banned, and both sides see it', async () => {
    const room = await makeRoom([ada, bob]);
    const both = async (expected: string): Promise<void> => {
      for (const client of [ada, bob])
        await until(
          client,
          ClientEvent.Sync,
          () => membership(client, room, '@bob:localhost') === expected,
          `bob: ${expected}`,
        );
    };
    await bob.leave(room);
    await both('leave');
    await ada.invite(room, '@bob:localhost');
    await both('invite');
    await bob.joinRoom(room);
    await both('join');
    await ada.kick(room, '@bob:localhost', 'noise');
    await both('leave');
    await ada.ban(room, '@bob:localhost', 'more noise');
    await both('ban');
    await expect(bob.joinRoom(room)).rejects.toEqual(forbidden);
    await ada.unban(room, '@bob:localhost');
    await until(ada, ClientEvent.Sync, () => membership(ada, room, '@bob:localhost') === 'leave', 'unbanned');
  });
});
