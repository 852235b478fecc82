import type { Quirks } from '@matrix-futures/homeserver';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { expectOk } from '../server/server.ts';
import { openScene, roomPath, type Scene } from './scene.ts';

// What a listener hears of a server with one switch set, and of one without.

interface Row {
  readonly quirks: Partial<Quirks>;
  readonly sees: (scene: Scene) => Promise<unknown>;
  readonly odd: unknown;
  readonly plain: unknown;
}

const bodies = ({ service }: Scene): string[] =>
  service.events.flatMap(({ content }) => (typeof content.body === 'string' ? [content.body] : []));
const ids = ({ service }: Scene): string[] => service.heard.map(({ path }) => path.split('/').at(-1) ?? '');
const said = (body: string) => (event: any) => event.content.body === body;

/** Between the first refusal of a push and the next attempt. */
const firstWait = 1_000;

/** The listener takes nothing until it is well again, and is not asked for a second time before that. */
async function failing(scene: Scene, meanwhile: (refused: Promise<void>) => Promise<void>): Promise<void> {
  const { service, timers } = scene;
  const refused = Promise.withResolvers<void>();
  service.onRefused = () => refused.resolve();
  service.status = 500;
  timers.hold(firstWait);
  await meanwhile(refused.promise);
  service.status = 200;
  timers.letGo();
}

/** A message after which nothing that was told before it can still come. */
async function last(scene: Scene): Promise<void> {
  await scene.alice.say(scene.room, 'last');
  await scene.heard(said('last'));
}

const rows: Readonly<Record<string, Row>> = {
  'pushTakes: so long after the event': {
    quirks: { pushTakes: 10_000 },
    sees: async (scene) => {
      const before = scene.timers.ranOut(10_000);
      await last(scene);
      return scene.timers.ranOut(10_000) > before;
    },
    odd: true,
    plain: false,
  },
  'pushesRedactions: off': {
    quirks: { pushesRedactions: false },
    sees: async (scene) => {
      const { alice, room } = scene;
      const target = await alice.say(room, 'x');
      expectOk(await alice.put(roomPath(room, `/redact/${target}/1`)));
      await last(scene);
      return scene.service.events.some(({ type }) => type === 'm.room.redaction');
    },
    odd: false,
    plain: true,
  },
  'losesLastPushes: what was sent right before the end is never told': {
    quirks: { losesLastPushes: true, pushTakes: 5_000 },
    sees: async (scene) => {
      await scene.alice.say(scene.room, 'told');
      await scene.heard(said('told'));
      scene.timers.hold(5_000);
      await scene.alice.say(scene.room, 'lost');
      await scene.restart();
      scene.timers.letGo();
      await scene.as(scene.alice.token, 'PUT', roomPath(scene.room, '/send/a/1'), { body: 'last' });
      await scene.heard(said('last'));
      return bodies(scene);
    },
    odd: ['told', 'last'],
    plain: ['told', 'lost', 'last'],
  },
  'losesLastPushes: what a listener that is away has not taken is told after the end': {
    quirks: { losesLastPushes: true, pushTakes: 100 },
    sees: async (scene) => {
      await failing(scene, async (refused) => {
        await scene.alice.say(scene.room, 'one');
        await scene.alice.say(scene.room, 'two');
        await refused;
        // By then it has been noticed that there is something to tell, and that is committed.
        await expect.poll(() => scene.timers.running(100)).toBe(0);
        await scene.server.database.turn.unit(() => {});
      });
      await scene.restart();
      await scene.as(scene.alice.token, 'PUT', roomPath(scene.room, '/send/a/1'), { body: 'last' });
      await scene.heard(said('last'));
      return bodies(scene);
    },
    odd: ['one', 'two', 'last'],
    plain: ['one', 'two', 'last'],
  },
  'pushesNewestFirstAfterRestart: what was missed comes the other way round': {
    quirks: { pushesNewestFirstAfterRestart: true },
    sees: async (scene) => {
      await missing(scene, 3);
      return bodies(scene);
    },
    odd: ['missed 2', 'missed 1', 'missed 0', 'last'],
    plain: ['missed 0', 'missed 1', 'missed 2', 'last'],
  },
  'keptOverRestart: of what was missed the rest is never told': {
    quirks: { keptOverRestart: 2 },
    sees: async (scene) => {
      await missing(scene, 4);
      return bodies(scene);
    },
    odd: ['missed 0', 'missed 1', 'last'],
    plain: ['missed 0', 'missed 1', 'missed 2', 'missed 3', 'last'],
  },
  'pushIds: from the beginning again after a restart': {
    quirks: { pushIds: 'restarting' },
    sees: async (scene) => {
      const [first] = ids(scene);
      const before = scene.service.heard.length;
      await missing(scene, 1);
      return ids(scene)[before] === first;
    },
    odd: true,
    plain: false,
  },
  'pushIds: nanoseconds': {
    quirks: { pushIds: 'nanoseconds' },
    sees: async (scene) => ids(scene).every((id) => /^\d{19}$/.test(id)),
    odd: true,
    plain: false,
  },
  'retriesGrow: the same id comes again with more in it': {
    quirks: { retriesGrow: true },
    sees: async (scene) => {
      await failing(scene, async (refused) => {
        await scene.alice.say(scene.room, 'one');
        await refused;
        await scene.alice.say(scene.room, 'two');
      });
      await last(scene);
      const told = scene.service.heard.find(({ body }) => body.events.some(said('one')));
      return told?.body.events.some(said('two'));
    },
    odd: true,
    plain: false,
  },
  'pushRetries: only with traffic': {
    quirks: { pushRetries: 'with-traffic' },
    sees: async (scene) => {
      const refused: string[] = [];
      scene.service.onRefused = ({ path }) => refused.push(path);
      scene.service.status = 500;
      await scene.alice.say(scene.room, 'one');
      // In steps: on a machine that stands still meanwhile it is one of them that takes longer.
      for (let step = 0; step < 30 && refused.length < 2; step += refused.length) await pause(10);
      const asked = refused.length;
      scene.service.status = 200;
      await last(scene);
      return [asked > 1, bodies(scene)];
    },
    odd: [false, ['one', 'last']],
    plain: [true, ['one', 'last']],
  },
};

/** Messages that the listener hears only after a restart; then one that it hears at once. */
async function missing(scene: Scene, count: number): Promise<void> {
  await failing(scene, async (refused) => {
    for (let index = 0; index < count; index += 1) await scene.alice.say(scene.room, `missed ${index}`);
    await refused;
    await scene.server[Symbol.asyncDispose]();
  });
  await scene.restart();
  await scene.heard(({ content }) => content.body?.startsWith('missed') === true);
  await scene.as(scene.alice.token, 'PUT', roomPath(scene.room, '/send/a/1'), { body: 'last' });
  await scene.heard(said('last'));
}

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
