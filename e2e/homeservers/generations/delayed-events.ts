import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Answer, ClientApi } from '../../client-api.ts';
import type { World } from '../gateway-world.ts';
import { accepted, never, Scene } from './scene.ts';

const list = '/v1/delayed_events';

/** The generation `delayed-events`, as merged, asked by plain HTTP. */
export function delayedEventsAsMergedSuite(world: () => World): void {
  const schedule = async (scene: Scene, event: object): Promise<string> =>
    (await scene.put(`delayed_event/org.example.late/${randomUUID()}`, event)).delay_id;
  const act = (user: ClientApi, id: string, action: string): Promise<Answer> =>
    user.request('POST', `${list}/${id}/${action}`);
  const statuses = async (user: ClientApi, id: string): Promise<readonly number[]> => {
    const answers = [];
    for (const action of ['send', 'cancel', 'restart']) answers.push((await act(user, id, action)).status);
    return answers;
  };

  describe.concurrent('a delayed event, as merged', () => {
    it('is sent when its delay is over, and its id is told to its sender', async ({ expect }) => {
      const scene = await Scene.in(world());
      const asked = Date.now();
      const id = await schedule(scene, { delay_ms: 600, content: { mark: 'late' } });
      const { event_id, origin_server_ts } = await scene.arrived('late');
      expect(origin_server_ts).toBeGreaterThanOrEqual(asked + 600);
      const told = async (): Promise<unknown> => accepted(await scene.alice.request('GET', `${list}/${id}`));
      await expect.poll(told).toMatchObject({ delay_id: id, finalised: { event_id } });
      const event = await scene.alice.request('GET', `${scene.path}/event/${encodeURIComponent(event_id)}`);
      expect(accepted(event).unsigned).toMatchObject({ delay_id: id });
      expect(await statuses(scene.alice, id)).toEqual([200, 409, 409]);
    });

    it('is managed by its owner alone, with a login', async () => {
      const scene = await Scene.in(world());
      const id = await schedule(scene, { delay_ms: never, content: { mark: 'mine' } });
      const bob = new ClientApi(world().front.gateway.url, world().bob.token);
      expect(await statuses(world().delegate, id)).toEqual([401, 401, 401]);
      expect(await statuses(bob, id)).toEqual([404, 404, 404]);
      expect((await bob.request('GET', `${list}/${id}`)).status).toBe(404);
      expect((await act(scene.alice, id, 'restart')).status).toBe(200);
      expect((await act(scene.alice, id, 'cancel')).status).toBe(200);
      expect(await statuses(scene.alice, id)).toEqual([409, 200, 409]);
      expect(await scene.marks()).toEqual([]);
    });

    it('that the room refuses when it is sent by hand stays as it was', async () => {
      const scene = await Scene.in(world());
      const path = `${scene.path}/delayed_event/org.example.of-moderators/${randomUUID()}`;
      const event = { delay_ms: never, state_key: '', content: {} };
      const { delay_id } = accepted(await scene.alice.request('PUT', path, event));
      expect(await act(scene.alice, delay_id, 'send')).toMatchObject({
        status: 403,
        body: { errcode: 'M_FORBIDDEN' },
      });
      const { finalised } = accepted(await scene.alice.request('GET', `${list}/${delay_id}`));
      expect(finalised).toBeUndefined();
      expect((await act(scene.alice, delay_id, 'cancel')).status).toBe(200);
    });

    it('for state outlives new state of its sender and of others', async () => {
      const scene = await Scene.in(world());
      const path = `delayed_event/org.example.call/${randomUUID()}`;
      await scene.put(path, { delay_ms: 5_000, state_key: 'k', content: { mark: 'late' } });
      for (const user of [world().bob, scene.alice])
        accepted(await user.request('PUT', `${scene.path}/state/org.example.call/k`, { mark: 'before' }));
      expect(await scene.arrived('late')).toMatchObject({ state_key: 'k' });
    });

    it('of all states are listed in the order in which they are, or would have been, due', async () => {
      const scene = await Scene.in(world());
      const second = await schedule(scene, { delay_ms: never + 1_000, content: {} });
      const first = await schedule(scene, { delay_ms: never, content: {} });
      const sent = await schedule(scene, { delay_ms: never - 1_000, content: {} });
      expect((await act(scene.alice, sent, 'send')).status).toBe(200);
      const ids = async (query: string): Promise<unknown[]> =>
        accepted(
          await scene.alice.request('GET', `${list}?room_id=${encodeURIComponent(scene.roomId)}${query}`),
        ).delayed_events.map(({ delay_id }: { delay_id: string }) => delay_id);
      expect(await ids('')).toEqual([sent, first, second]);
      expect(await ids('&status=scheduled')).toEqual([first, second]);
      expect(await ids('&status=sent')).toEqual([sent]);
    });
  });
}
