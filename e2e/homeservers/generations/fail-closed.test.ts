import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { canFillDisk, fillDisk, freeDisk } from '../../disk.ts';
import type { Seen } from '../between.ts';
import { startWorld, type World } from '../gateway-world.ts';
import { never, Scene } from './scene.ts';
import { synapseWith } from '../upstreams.ts';

const delay = `org.matrix.msc4140.delay=${never}`;
const batch = {
  timeout: never,
  send_now: { type: 'org.example.late', content: { mark: 'now' } },
  send_on_timeout: { type: 'org.example.late', content: { mark: 'late' } },
};

/** All ways to ask for something later, by the generation that has them: path in a room, content, transaction ids last. */
const ways = [
  ['delay-parameter', `send/org.example.late/TXN?${delay}`, { mark: 'late' }],
  ['delay-parameter', `state/org.example.call/k?${delay}`, { mark: 'late' }],
  ['delay-parameter', `send/org.example.late/TXN?org%2Ematrix%2Emsc4140%2Edelay=${never}`, { mark: 'late' }],
  ['delay-parameter', `send/org.example.late/TXN?org.matrix.msc4140.parent_delay_id=x`, { mark: 'late' }],
  ['delayed-events', 'delayed_event/org.example.late/TXN', { delay_ms: never, content: { mark: 'late' } }],
  ['futures', `send_future/org.example.late/TXN?future_timeout=${never}`, { mark: 'late' }],
  ['futures', `state_future/org.example.call/k?future_timeout=${never}`, { mark: 'late' }],
  ['futures', `send/org.example.late/TXN?future_timeout=${never}`, { mark: 'late' }],
  ['futures', `state/org.example.call/k?future_timeout=${never}`, { mark: 'late' }],
  ['futures', 'send/future/TXN', batch],
] as const;

describe.each(['futures', 'delay-parameter', 'delayed-events'] as const)(
  'a gateway that serves the generation %s alone, in front of Synapse with delayed events of its own',
  (served) => {
    let world: World;
    const seen: Seen[] = [];
    beforeAll(async () => {
      const own = { max_event_delay_duration: '24h' };
      world = await startWorld(synapseWith(own), ['--front', 'all', '--generations', served]);
      world.front.toUpstream.rule(
        (request) => seen.push(request) < 0,
        async () => {},
      );
    });
    afterAll(() => world?.[Symbol.asyncDispose]());
    beforeEach(() => void (seen.length = 0));

    const changes = (): readonly string[] =>
      seen.filter(({ method }) => method !== 'GET').map(({ path }) => path);

    it.each(ways)('schedules or refuses, and Synapse hears nothing of it: %s, %s', async (of, path, body) => {
      const scene = await Scene.in(world);
      const target = `${scene.path}/${path.replace('TXN', randomUUID())}`;
      const answer = await scene.alice.request('PUT', target, body);
      expect(answer.status === 200).toBe(of === served && !path.includes('parent_delay_id'));
      if (answer.status !== 200) expect(answer.body).toMatchObject({ errcode: expect.stringMatching(/^M_/) });
      // The one thing that is to be sent now.
      const now = of === served && path.startsWith('send/future/') ? ['now'] : [];
      expect(changes()).toHaveLength(now.length);
      expect(await scene.marks()).toEqual(now);
      const own = await world.alice.request('GET', '/unstable/org.matrix.msc4140/delayed_events');
      expect(own).toMatchObject({ status: 200, body: { delayed_events: [] } });
    });

    it('refuses in r0 and by POST, too', async () => {
      const scene = await Scene.in(world);
      const r0 = scene.path.replace('/v3/', '/r0/');
      const unknown = served === 'delay-parameter' ? 'future_timeout=1' : delay;
      for (const [method, path] of [
        ['PUT', `${r0}/send/org.example.late/${randomUUID()}?${unknown}`],
        ['PUT', `${r0}/state/org.example.call?${unknown}`],
        ['POST', `${scene.path}/send/org.example.late?${unknown}`],
        ['POST', `${r0}/send/org.example.late?${unknown}`],
      ] as const)
        expect((await scene.alice.request(method, path, { mark: 'late' })).status).not.toBe(200);
      expect(changes()).toEqual([]);
      expect(await scene.marks()).toEqual([]);
    });

    it('hands on what is to be sent now', async () => {
      const scene = await Scene.in(world);
      await scene.put(`send/org.example.late/${randomUUID()}`, { mark: 'message' });
      await scene.put('state/org.example.call/k', { mark: 'state' });
      await scene.put(`send/future/${randomUUID()}`, { mark: 'future' });
      expect(await scene.marks()).toEqual(['message', 'state', 'future']);
    });
  },
);

describe.skipIf(!canFillDisk)('a gateway that cannot write', () => {
  it('answers 503, hands nothing on that was to be sent later, and all the rest', async () => {
    await using world = await startWorld(synapseWith({}), ['--front', 'all']);
    const scene = await Scene.in(world);
    const held = await scene.later('held', `future_timeout=${never}`);
    const { pid } = world.front.gateway;
    fillDisk(pid);
    for (const [of, path, body] of ways) {
      const target = `${scene.path}/${path.replace('TXN', randomUUID())}`;
      const answer = await scene.alice.request('PUT', target, body);
      if (path.includes('parent_delay_id')) expect(answer.status).toBe(400);
      else
        expect({ of, path, answer }).toMatchObject({
          answer: { status: 503, body: { errcode: 'M_UNKNOWN' } },
        });
    }
    for (const token of [held.refresh_token, held.send_token, held.cancel_token])
      expect(await scene.use(token)).toBe(503);
    await scene.put(`send/org.example.late/${randomUUID()}`, { mark: 'plain' });
    await scene.put('state/org.example.call/k', { mark: 'state' });
    expect(await scene.marks()).toEqual(['plain', 'state']);

    freeDisk(pid);
    expect(await scene.use(held.send_token)).toBe(200);
    await scene.later('afterwards', 'future_timeout=1');
    await scene.arrived('afterwards');
    expect(await scene.marks()).toEqual(['plain', 'state', 'held', 'afterwards']);
  });
});
