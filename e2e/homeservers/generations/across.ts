import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { World } from '../gateway-world.ts';
import { accepted, never, Scene } from './scene.ts';

type Action = 'send' | 'refresh' | 'cancel';

interface Generation {
  readonly name: string;
  /** Schedules a message of that mark. */
  make(scene: Scene, mark: string): Promise<unknown>;
  /** Finds that message in its owner's list, and does that to it. Answers the status. */
  manage(scene: Scene, mark: string, action: Action): Promise<number>;
}

interface Listed {
  readonly delay_id: string;
  readonly content: { readonly mark?: unknown };
}

const byId =
  (path: string) =>
  async ({ alice }: Scene, mark: string, action: Action): Promise<number> => {
    const all: readonly Listed[] = accepted(
      await alice.request('GET', `${path}?status=scheduled`),
    ).delayed_events;
    const id = all.find(({ content }) => content.mark === mark)?.delay_id;
    const word = action === 'refresh' ? 'restart' : action;
    return (await alice.request('POST', `${path}/${id}/${word}`)).status;
  };

const generations: readonly Generation[] = [
  {
    name: 'futures',
    make: (scene, mark) => scene.later(mark, `future_timeout=${never}`),
    manage: async (scene, mark, action) => {
      const all: readonly any[] = accepted(await scene.alice.request('GET', '/v3/futures'));
      return scene.use(all.find(({ body }) => body.mark === mark)?.response[`${action}_token`]);
    },
  },
  {
    name: 'the delay parameter',
    make: (scene, mark) =>
      scene.put(`send/org.example.late/${randomUUID()}?org.matrix.msc4140.delay=${never}`, { mark }),
    manage: byId('/unstable/org.matrix.msc4140/delayed_events'),
  },
  {
    name: 'delayed events',
    make: (scene, mark) =>
      scene.put(`delayed_event/org.example.late/${randomUUID()}`, { delay_ms: never, content: { mark } }),
    manage: byId('/v1/delayed_events'),
  },
];

const pairs = generations.flatMap((made) =>
  generations.filter((managed) => managed !== made).map((managed) => [made, managed] as const),
);

/** What one generation made is managed in another. */
export function acrossSuite(world: () => World): void {
  describe.concurrent('across generations', () => {
    it.each(pairs.map(([made, managed]) => ({ name: `${made.name}, ${managed.name}`, made, managed })))(
      'what was made in one is refreshed, sent and cancelled in the other: $name',
      async ({ made, managed }) => {
        const scene = await Scene.in(world());
        const [sent, gone] = [randomUUID(), randomUUID()];
        for (const mark of [sent, gone]) await made.make(scene, mark);
        expect(await managed.manage(scene, gone, 'refresh')).toBe(200);
        expect(await managed.manage(scene, gone, 'cancel')).toBe(200);
        expect(await managed.manage(scene, sent, 'send')).toBe(200);
        expect(await scene.marks()).toEqual([sent]);
      },
    );
  });
}
