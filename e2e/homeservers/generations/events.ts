import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ClientApi } from '../../client-api.ts';
import { historyOf, join, roomPath, type World } from '../gateway-world.ts';
import { accepted, Scene } from './scene.ts';

/** Events that servers treat unlike others, as futures. */
export function eventsSuite(world: () => World): void {
  describe.concurrent('what is sent later', () => {
    it.for(['10', '11', '12'])(
      'can be a redaction, in rooms of version %s',
      async (room_version, { expect }) => {
        const { alice, bob, client } = world();
        const made = await bob.request('POST', '/v3/createRoom', { preset: 'public_chat', room_version });
        const path = roomPath(accepted(made).room_id);
        await join(alice, path);
        const message = { msgtype: 'm.text', body: 'regret' };
        const said = await client.request('PUT', `${path}/send/m.room.message/${randomUUID()}`, message);
        const { event_id: redacts } = accepted(said);
        const redaction = `${path}/send_future/m.room.redaction/${randomUUID()}?future_timeout=300`;
        accepted(await client.request('PUT', redaction, { redacts, reason: 'it is over' }));
        const content = async (): Promise<unknown> =>
          (await historyOf(bob, path)).find(({ event_id }) => event_id === redacts)?.content;
        await expect.poll(content).toEqual({});
      },
    );

    it('can be encrypted: its content is what the client made of it', async () => {
      const scene = await Scene.in(world());
      accepted(
        await world().bob.request('PUT', `${scene.path}/state/m.room.encryption`, {
          algorithm: 'm.megolm.v1.aes-sha2',
        }),
      );
      const content = {
        algorithm: 'm.megolm.v1.aes-sha2',
        ciphertext: 'AwgAEnAoA+tLuHXzRpZm',
        sender_key: 'q5aBLQ',
        device_id: 'ADEVICE',
        session_id: randomUUID(),
        mark: 'encrypted',
      };
      await scene.put(`send_future/m.room.encrypted/${randomUUID()}?future_timeout=300`, content);
      expect(await scene.arrived('encrypted')).toMatchObject({ type: 'm.room.encrypted', content });
    });

    it("can be the sender's own leave", async () => {
      const scene = await Scene.in(world());
      const { aliceId, alice } = world();
      const member = `m.room.member/${encodeURIComponent(aliceId)}`;
      await scene.put(`state_future/${member}?future_timeout=300`, { membership: 'leave', mark: 'left' });
      expect(await scene.arrived('left')).toMatchObject({ sender: aliceId, state_key: aliceId });
      expect(accepted(await alice.request('GET', '/v3/joined_rooms')).joined_rooms).not.toContain(
        scene.roomId,
      );
    });

    it('can be the join of somebody who is invited', async ({ expect }) => {
      const { alice, aliceId, bob, client } = world();
      const made = await bob.request('POST', '/v3/createRoom', { invite: [aliceId] });
      const roomId = accepted(made).room_id;
      const member = `m.room.member/${encodeURIComponent(aliceId)}`;
      accepted(
        await client.request('PUT', `${roomPath(roomId)}/state_future/${member}?future_timeout=300`, {
          membership: 'join',
        }),
      );
      const rooms = async (): Promise<unknown> =>
        accepted(await alice.request('GET', '/v3/joined_rooms')).joined_rooms;
      await expect.poll(rooms).toContain(roomId);
    });

    it('can be the end of a ban', async ({ expect }) => {
      const { alice, aliceId, bob, front } = world();
      const { path } = await Scene.in(world());
      accepted(await bob.request('POST', `${path}/ban`, { user_id: aliceId, reason: 'for a while' }));
      expect(await alice.request('POST', `${path}/join`, {})).toMatchObject({ status: 403 });
      const moderator = new ClientApi(front.gateway.url, bob.token);
      const member = `m.room.member/${encodeURIComponent(aliceId)}`;
      const end = `${path}/state_future/${member}?future_timeout=300`;
      accepted(await moderator.request('PUT', end, { membership: 'leave' }));
      const joining = async (): Promise<number> => (await alice.request('POST', `${path}/join`, {})).status;
      await expect.poll(joining).toBe(200);
    });

    it('can be power that somebody has for a while: it is taken back', async ({ expect }) => {
      const { alice, aliceId, bob, front } = world();
      const { path } = await Scene.in(world());
      const at = `${path}/state/m.room.power_levels`;
      const before = accepted(await bob.request('GET', at));
      const moderator = new ClientApi(front.gateway.url, bob.token);
      accepted(await moderator.request('PUT', at, { ...before, users: { ...before.users, [aliceId]: 50 } }));
      const back = `${path}/state_future/m.room.power_levels/?future_timeout=6000`;
      accepted(await moderator.request('PUT', back, before));
      accepted(await alice.request('PUT', `${path}/state/m.room.topic`, { topic: 'in power' }));
      const levels = async (): Promise<any> => accepted(await bob.request('GET', at)).users ?? {};
      await expect.poll(levels).not.toHaveProperty([aliceId]);
      expect((await alice.request('PUT', `${path}/state/m.room.topic`, { topic: 'too late' })).status).toBe(
        403,
      );
    });

    it('is not sent for whoever has left meanwhile, and is for whoever has come back', async ({ expect }) => {
      const scene = await Scene.in(world());
      await scene.later('away', 'future_timeout=6000');
      const back = await scene.later('back', 'future_timeout=600000');
      accepted(await world().alice.request('POST', `${scene.path}/leave`, {}));
      const path = `/v1/delayed_events?room_id=${encodeURIComponent(scene.roomId)}&status=failed`;
      const failed = async (): Promise<unknown> =>
        accepted(await scene.alice.request('GET', path)).delayed_events;
      await expect.poll(failed).toMatchObject([{ content: { mark: 'away' } }]);
      await join(world().alice, scene.path);
      expect(await scene.use(back.send_token)).toBe(200);
      expect(await scene.marks()).toEqual(['back']);
    });
  });
}
