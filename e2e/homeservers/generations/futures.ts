import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { World } from '../gateway-world.ts';
import { accepted, never, Scene } from './scene.ts';

const token = expect.stringMatching(/^[\w-]{22}$/) as string;

/** The generation `futures`, asked by plain HTTP. */
export function futuresSuite(world: () => World): void {
  describe.concurrent('a future', () => {
    it('is sent when its timeout is over since it was last refreshed, not before', async () => {
      const scene = await Scene.in(world());
      const { refresh_token } = await scene.later('late', 'future_timeout=5000');
      const refreshed = Date.now();
      expect(await scene.use(refresh_token, 'PUT')).toBe(200);
      const event = await scene.arrived('late');
      expect(event.origin_server_ts).toBeGreaterThanOrEqual(refreshed + 5_000);
      expect(event.sender).toBe(world().aliceId);
      expect(await scene.use(refresh_token)).toBe(410);
    });

    it('is sent by its send token, and gone by its cancel token', async () => {
      const scene = await Scene.in(world());
      const [sent, gone] = [
        await scene.later('sent', `future_timeout=${never}`),
        await scene.later('gone', `future_timeout=${never}`),
      ];
      expect(await scene.use(gone.cancel_token)).toBe(200);
      expect(await scene.use(sent.send_token)).toBe(200);
      for (const { send_token, cancel_token, refresh_token } of [sent, gone])
        for (const spent of [send_token, cancel_token, refresh_token])
          expect(await scene.use(spent)).toBe(410);
      expect(await scene.marks()).toEqual(['sent']);
    });

    it('of a group is sent instead of the others', async ({ expect }) => {
      const scene = await Scene.in(world());
      const timer = await scene.later('timer', 'future_timeout=6000&future_group_id=g');
      const action = await scene.later('action', 'future_group_id=g');
      expect(timer).toEqual({
        send_token: token,
        cancel_token: token,
        refresh_token: token,
        future_group_id: 'g',
      });
      expect(await scene.use(action.send_token)).toBe(200);
      expect(await scene.use(timer.refresh_token)).toBe(410);
      const next = await scene.later('after the timeout', 'future_timeout=6200');
      await scene.arrived('after the timeout');
      // until the gateway has the homeserver's answer, sending it joins the attempt under way: 200
      await expect.poll(() => scene.use(next.send_token)).toBe(410);
      expect(await scene.marks()).toEqual(['action', 'after the timeout']);
    });

    it('for state is invalidated by new state, also that which did not come through the gateway', async ({
      expect,
    }) => {
      const scene = await Scene.in(world());
      const made = await scene.put(`state_future/org.example.call/k?future_timeout=${never}`, {});
      accepted(await world().bob.request('PUT', `${scene.path}/state/org.example.call/k`, { of: 'bob' }));
      await expect.poll(() => scene.use(made.refresh_token)).toBe(410);
      expect(await scene.use(made.send_token)).toBe(410);
    });

    it('for state is sent as state', async () => {
      const scene = await Scene.in(world());
      await scene.put('state_future/org.example.call/k?future_timeout=300', { mark: 'state' });
      expect(await scene.arrived('state')).toMatchObject({ type: 'org.example.call', state_key: 'k' });
      expect(accepted(await scene.alice.request('GET', `${scene.path}/state/org.example.call/k`))).toEqual({
        mark: 'state',
      });
    });

    it('is scheduled on the plain endpoints by its parameters: nothing is sent at once', async () => {
      const scene = await Scene.in(world());
      const message = await scene.put(`send/org.example.late/1?future_timeout=${never}`, { mark: 'message' });
      const state = await scene.put(`state/org.example.call/k?future_timeout=${never}`, { mark: 'state' });
      expect(await scene.marks()).toEqual([]);
      for (const { send_token } of [message, state]) expect(await scene.use(send_token)).toBe(200);
      expect(await scene.marks()).toEqual(['message', 'state']);
    });

    it('is listed, while it runs, with its tokens', async () => {
      const scene = await Scene.in(world());
      const { future_group_id, ...made } = await scene.later('listed', `future_timeout=${never}`);
      const listed = async (): Promise<unknown[]> =>
        accepted(await scene.alice.request('GET', '/v3/futures')).filter(
          ({ body }: { body: { mark: unknown } }) => body.mark === 'listed',
        );
      expect(await listed()).toEqual([
        {
          url: expect.stringContaining(`/rooms/${encodeURIComponent(scene.roomId)}/send_future/`),
          body: { mark: 'listed' },
          response: { ...made, future_group_id },
        },
      ]);
      await scene.use(made.cancel_token);
      expect(await listed()).toEqual([]);
    });

    it('of many are refreshed, sent and cancelled by one request', async () => {
      const scene = await Scene.in(world());
      const [kept, sent, gone] = await Promise.all(
        ['kept', 'sent', 'gone'].map((mark) => scene.later(mark, `future_timeout=${never}`)),
      );
      const tokens = [kept.refresh_token, sent.send_token, gone.cancel_token, 'nonsense'];
      const all = await world().delegate.request('POST', '/unstable/dev.matrix-futures/tokens', { tokens });
      expect(accepted(all).results).toMatchObject([
        { status: 200 },
        { status: 200 },
        { status: 200 },
        { status: 410, errcode: 'M_NOT_FOUND' },
      ]);
      expect(await scene.use(kept.refresh_token)).toBe(200);
      expect(await scene.marks()).toEqual(['sent']);
    });

    it('repeated with its transaction id is the same one', async () => {
      const scene = await Scene.in(world());
      const path = `send_future/org.example.late/${randomUUID()}?future_timeout=${never}`;
      const made = await scene.put(path, { mark: 'once' });
      expect(await scene.put(path, { mark: 'once' })).toEqual(made);
    });
  });

  describe.concurrent('a batch', () => {
    it('sends one event, and has its id in those that follow it', async () => {
      const scene = await Scene.in(world());
      const path = `send/future/${randomUUID()}`;
      const variable = { mark: 'late', target: '$m.send_now.event_id' };
      const batch = {
        timeout: 600,
        send_now: { type: 'org.example.late', content: { mark: 'now' } },
        send_on_timeout: { type: 'org.example.late', content: variable },
        send_on_action: { hangup: { type: 'org.example.late', content: { mark: 'action' } } },
      };
      const made = await scene.put(path, batch);
      const late = await scene.arrived('late');
      const now = await scene.arrived('now');
      expect(late.content['target']).toBe(now.event_id);
      expect(made).toMatchObject({
        send_now: { event_id: now.event_id, eventId: now.event_id },
        send_on_timeout: { send_token: token, cancel_token: token, refresh_token: token },
      });
      expect(await scene.use(made.send_on_action.hangup.send_token)).toBe(410);
      expect(await scene.put(path, batch)).toEqual(made);
      expect(await scene.marks()).toEqual(['now', 'late']);
    });

    it('that sends state does not thereby cancel what is to follow on the same key', async () => {
      const scene = await Scene.in(world());
      const event = { type: 'org.example.call', state_key: 'k' };
      const { send_on_timeout } = await scene.put(`send/future/${randomUUID()}`, {
        timeout: 6_000,
        send_now: { ...event, content: { mark: 'join' } },
        send_on_timeout: { ...event, content: { mark: 'leave' } },
      });
      await scene.arrived('join');
      expect(await scene.use(send_on_timeout.refresh_token)).toBe(200);
      await scene.arrived('leave');
      expect(await scene.marks()).toEqual(['join', 'leave']);
    });

    it('whose event the room refuses schedules nothing', async () => {
      const scene = await Scene.in(world());
      const event = { type: 'm.room.name', state_key: '', content: { name: 'not allowed' } };
      const late = { type: 'org.example.late', content: { mark: 'late' } };
      const refused = await scene.alice.request('PUT', `${scene.path}/send/future/${randomUUID()}`, {
        timeout: never,
        send_now: event,
        send_on_timeout: late,
      });
      expect(refused).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
      const pending = accepted(await scene.alice.request('GET', '/v3/futures'));
      expect(JSON.stringify(pending)).not.toContain(encodeURIComponent(scene.roomId));
    });
  });
}
