import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ClientApi } from '../../client-api.ts';
import { join, register, type World } from '../gateway-world.ts';
import { accepted, never, Scene } from './scene.ts';

/** Who is asking, and whether they still may. */
export function loginsSuite(world: () => World): void {
  describe.concurrent('a login', () => {
    const future = (scene: Scene, mark: string, timeout: number): readonly ['PUT', string, object] => [
      'PUT',
      `${scene.path}/send_future/org.example.late/${randomUUID()}?future_timeout=${timeout}`,
      { mark },
    ];

    it('that ended schedules and lists nothing any more; what it has scheduled is sent', async () => {
      const scene = await Scene.in(world());
      const { token } = await register(world().front.upstream, 'carol');
      const carol = new ClientApi(world().front.gateway.url, token);
      await join(carol, scene.path);
      accepted(await carol.request(...future(scene, 'of a device that logged out', 5_000)));
      accepted(await carol.request('POST', '/v3/logout', {}));
      const unknown = { status: 401, body: { errcode: 'M_UNKNOWN_TOKEN' } };
      expect(await carol.request(...future(scene, 'never', 1))).toMatchObject(unknown);
      expect(await carol.request('GET', '/v3/futures')).toMatchObject(unknown);
      await scene.arrived('of a device that logged out');
      expect(await scene.marks()).toEqual(['of a device that logged out']);
    });

    it('is needed to schedule: without one, and with one of nobody, the answer is that of a homeserver', async () => {
      const scene = await Scene.in(world());
      for (const [token, errcode] of [
        [null, 'M_MISSING_TOKEN'],
        ['nobody', 'M_UNKNOWN_TOKEN'],
      ] as const) {
        const somebody = new ClientApi(world().front.gateway.url, token);
        const answer = await somebody.request(...future(scene, 'never', 1));
        expect(answer).toMatchObject({ status: 401, body: { errcode } });
      }
      expect(await scene.marks()).toEqual([]);
    });

    it("is its user's alone: nobody else lists or manages what it made", async () => {
      const scene = await Scene.in(world());
      const bob = new ClientApi(world().front.gateway.url, world().bob.token);
      const { future_group_id: group } = await scene.later('of alice', `future_timeout=${never}`);
      expect(JSON.stringify(accepted(await bob.request('GET', '/v3/futures')))).not.toContain(group);
      const path = `${scene.path}/send_future/org.example.late/1?future_group_id=${group}`;
      expect((await bob.request('PUT', path, { mark: 'of bob' })).status).toBe(409);
    });
  });
}
