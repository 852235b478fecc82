import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer, type User } from '../server/server.ts';

let server: TestServer;
let alice: User;
let count = 0;
beforeAll(async () => {
  server = await startServer();
  alice = await server.user('alice');
});
afterAll(() => server[Symbol.asyncDispose]());

const steps = ['say', 'join', 'leave', 'invite', 'world_readable', 'shared', 'invited', 'joined'] as const;
type Step = (typeof steps)[number];

/** The five conditions of the specification, read off the whole story, for each text that was said. */
function visibleTexts(story: readonly Step[]): number[] {
  const visible: number[] = [];
  let rule = 'shared';
  let membership = 'leave';
  story.forEach((step, index) => {
    if (step === 'join') membership = 'join';
    else if (step === 'leave') membership = 'leave';
    else if (step === 'invite') membership = membership === 'join' ? 'join' : 'invite';
    else if (step !== 'say') rule = step;
    else if (
      rule === 'world_readable' ||
      membership === 'join' ||
      (rule === 'shared' && story.slice(index).includes('join')) ||
      (rule === 'invited' && membership === 'invite')
    ) {
      visible.push(index);
    }
  });
  return visible;
}

test('what a user sees of any story is what the five conditions of the specification say', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...steps), { maxLength: 12 }), async (random) => {
      // A last join, so that the endpoint answers whatever was before.
      const story: Step[] = [...random, 'join'];
      const bob = await server.user(`bob${(count += 1)}`);
      const room = await alice.room({ preset: 'public_chat' });
      const at = (path: string) => `/rooms/${encodeURIComponent(room)}${path}`;
      for (const [index, step] of story.entries()) {
        if (step === 'say') await alice.say(room, `${index}`);
        else if (step === 'join') await bob.join(room);
        else if (step === 'leave') await bob.post(at('/leave'));
        else if (step === 'invite') await alice.post(at('/invite'), { user_id: bob.id });
        else await alice.put(at('/state/m.room.history_visibility'), { history_visibility: step });
      }
      const { chunk } = (await bob.get(at('/messages?dir=f&limit=1000'))).body;
      const seen = chunk.flatMap(({ content }: { content: { body?: string } }) =>
        content.body === undefined ? [] : [Number(content.body)],
      );
      expect(seen).toEqual(visibleTexts(story));
    }),
    { numRuns: 40 },
  );
});
