import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClientApi } from '../client-api.ts';
import { type Act, passOn, type Seen } from './between.ts';
import { historyOf, join, newRoom, register, startWorld, type World } from './gateway-world.ts';
import { endingOf, laterMessage, laterState, markOf, scheduleLater } from './later.ts';
import { until } from './until.ts';
import { upstreams } from './upstreams.ts';

const hour = 3_600_000;

describe.each(upstreams)('on $name', (upstream) => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld(upstream);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const inFront = (user: ClientApi): ClientApi => new ClientApi(world.front.gateway.url, user.token);

  /** Marks of the events in the room that have one, oldest first. */
  async function marksIn(room: string): Promise<readonly unknown[]> {
    const history = await historyOf(world.bob, room);
    return history.map(({ content }) => markOf(content)).filter((mark) => mark !== undefined);
  }

  const isPut =
    (mark: string) =>
    ({ method, body }: Seen): boolean =>
      method === 'PUT' && body.includes(JSON.stringify(mark));

  it('nothing is sent for who left, was kicked, or has no account any more', async () => {
    const { bob, front } = world;
    const room = await newRoom(world);
    const ends: readonly ((user: ClientApi, id: string) => Promise<unknown>)[] = [
      (user) => user.request('POST', `${room}/leave`, {}),
      (_, id) => bob.request('POST', `${room}/kick`, { user_id: id }),
      (_, id) => bob.request('POST', `${room}/ban`, { user_id: id }),
      (user, id) => deactivate(user, id),
    ];
    const users = await Promise.all(ends.map(() => register(front.upstream, 'gone')));
    await Promise.all(users.map((user) => join(user, room)));
    // Accounts are deactivated slowly, and parted from their rooms later than that is answered.
    const timeout = 10_000;
    const firstDue = performance.now() + timeout;
    await Promise.all(
      users.map(async (user, place) => {
        await scheduleLater(inFront(user), room, laterMessage(`of gone ${place}`), { timeout });
        const { body } = await user.request('GET', '/v3/account/whoami');
        await ends[place]?.(user, body.user_id);
      }),
    );
    const allDue = performance.now() + timeout;
    await until(async () => {
      const { body } = await bob.request('GET', `${room}/joined_members`);
      return Object.keys(body.joined).length === 2 ? true : null;
    }, 'all of them to be out');
    expect(performance.now()).toBeLessThan(firstDue);
    // It waits for all that are due in the room before it.
    const behind = Math.ceil(allDue - performance.now()) + 1;
    await scheduleLater(inFront(bob), room, laterMessage('after them'), { timeout: behind });
    await endingOf(inFront(bob), room, 'after them');
    expect(await marksIn(room)).toEqual(['after them']);
  });

  describe.skipIf(upstream.isImitation)('(on one that is no imitation)', () => {
    /** Answers how long after the return of the homeserver the last room had its first event, in ms. */
    async function outage(): Promise<number> {
      const { client, front } = world;
      const rooms = [await newRoom(world), await newRoom(world)];
      const marks = ['first', 'second', 'third', 'fourth'];
      const timeout = 5_000;
      for (const [place, mark] of marks.entries())
        for (const room of rooms) {
          const later = place % 2 === 0 ? laterMessage(mark) : laterState(mark);
          await scheduleLater(client, room, later, { timeout: timeout + 100 * place });
        }
      await front.toUpstream.refuse();
      await pause(timeout + 2_000);
      const seen: number[] = [];
      using _ = front.toUpstream.rule(
        ({ method, at }) => {
          if (method === 'PUT') seen.push(at);
          return false;
        },
        async () => {},
      );
      await front.toUpstream.listen();
      const returned = performance.now();
      for (const room of rooms) {
        for (const mark of marks) await endingOf(client, room, mark);
        expect(await marksIn(room)).toEqual(marks);
      }
      expect(seen).toHaveLength(marks.length * rooms.length);
      return Math.max(...seen.slice(0, rooms.length)) - returned;
    }

    it('what is due while the homeserver is away is sent within 2 s of its return, in order', async () => {
      // The machine itself may stand still for a moment, but not three times running at this one.
      let took = await outage();
      for (let again = 0; again < 2 && took >= 2_000; again += 1) took = await outage();
      expect(took).toBeLessThan(2_000);
    });

    it('while the homeserver hangs, refreshes are answered and nothing is lost', async () => {
      const { client, delegate, front } = world;
      const room = await newRoom(world);
      const leave = await scheduleLater(client, room, laterState('leave'), { timeout: hour });
      const { promise: isHung, resolve: hung } = Promise.withResolvers<void>();
      const hang: Act = async (exchange) => {
        hung();
        await exchange.over();
      };
      const took: number[] = [];
      {
        using rules = new DisposableStack();
        rules.use(front.toUpstream.rule(isPut('due'), hang));
        await scheduleLater(client, room, laterMessage('due'), { timeout: 500 });
        await isHung;
        rules.use(front.toUpstream.rule(() => true, hang));
        for (let count = 0; count < 100; count += 1) {
          const asked = performance.now();
          const { status } = await delegate.request('PUT', `/v3/futures/${leave.refresh}`);
          if (status === 200) took.push(performance.now() - asked);
          await pause(20);
        }
      }
      expect(took).toHaveLength(100);
      // Who waits for the homeserver waits for a whole limit.
      expect(took.toSorted((a, b) => a - b)[50]).toBeLessThan(upstream.timeLimit / 2);
      await endingOf(client, room, 'due');
      expect(await marksIn(room)).toEqual(['due']);
    });

    it('a cancel while nobody knows whether the event was sent is answered by what was', async () => {
      const { client, delegate, front } = world;
      const cancelled = async (mark: string, isSent: boolean): Promise<readonly unknown[]> => {
        const room = await newRoom(world);
        const { promise: isUnknown, resolve } = Promise.withResolvers<void>();
        using _ = front.toUpstream.rule(isPut(mark), async (exchange) => {
          if (isSent) {
            await exchange.forward();
            await exchange.reply();
          }
          exchange.cut();
          resolve();
        });
        const { cancel } = await scheduleLater(client, room, laterMessage(mark), { timeout: 500 });
        await isUnknown;
        const { status } = await delegate.request('PUT', `/v3/futures/${cancel}`);
        await endingOf(client, room, mark);
        return [status, await marksIn(room)];
      };
      const both = await Promise.all([cancelled('was sent', true), cancelled('was not sent', false)]);
      expect(both).toEqual([
        [410, ['was sent']],
        [200, []],
      ]);
    });

    it('an event that the homeserver never takes holds up its room for five tries, and no other room', async () => {
      const { client, front } = world;
      const [room, other] = [await newRoom(world), await newRoom(world)];
      const internalError = { status: 500, headers: [], body: Buffer.from('{"errcode":"M_UNKNOWN"}') };
      const puts: unknown[] = [];
      {
        using _ = front.toUpstream.rule(
          ({ method }) => method === 'PUT',
          async (exchange) => {
            const mark = markOf(JSON.parse(exchange.seen.body.toString()));
            puts.push(mark);
            await (mark === 'poisoned' ? exchange.answer(internalError) : passOn(exchange));
          },
        );
        await scheduleLater(client, room, laterMessage('poisoned'), { timeout: 2_000 });
        await scheduleLater(client, room, laterMessage('behind it'), { timeout: 2_100 });
        await scheduleLater(client, other, laterMessage('elsewhere'), { timeout: 2_200 });
        await endingOf(client, other, 'elsewhere');
        await endingOf(client, room, 'behind it');
        const before = puts.slice(0, puts.indexOf('behind it'));
        expect(before).toContain('elsewhere');
        // A look after a try is one, too.
        const tries = before.filter((mark) => mark === 'poisoned').length;
        expect(tries).toBeGreaterThanOrEqual(2);
        expect(tries).toBeLessThanOrEqual(5);
      }
      await endingOf(client, room, 'poisoned');
      expect(await marksIn(room)).toEqual(['behind it', 'poisoned']);
    });

    it('what a device scheduled is sent though it was logged out', async () => {
      const { front } = world;
      const room = await newRoom(world);
      const user = await register(front.upstream, 'logged-out');
      await join(user, room);
      await scheduleLater(inFront(user), room, laterMessage('leave'), { timeout: 1_000 });
      await user.request('POST', '/v3/logout', {});
      const marks = await until(async () => {
        const found = await marksIn(room);
        return found.length > 0 ? found : null;
      }, 'what a logged-out device scheduled');
      expect(marks).toEqual(['leave']);
    });
  });
});

/** With the password that `register` gives. */
async function deactivate(user: ClientApi, id: string): Promise<void> {
  const path = '/v3/account/deactivate';
  const { body } = await user.request('POST', path, {});
  const { status } = await user.request('POST', path, {
    auth: {
      type: 'm.login.password',
      session: body.session,
      identifier: { type: 'm.id.user', user: id },
      password: 'correct horse battery',
    },
  });
  if (status !== 200) throw new Error(`${id} is not deactivated: ${status}`);
}
