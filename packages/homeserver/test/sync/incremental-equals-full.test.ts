import fc from 'fast-check';
import { expect, test } from 'vitest';
import { startServer, type TestServer, type User } from '../server/server.ts';
import { keyOf, syncClient, type Event, type RoomView, type SyncClient } from './sync-client.ts';

/** Something that happens. Numbers pick among the users and rooms there are; what is forbidden just fails. */
type Step =
  | { readonly do: 'create'; readonly by: number; readonly visibility: string }
  | { readonly do: 'join' | 'leave' | 'forget' | 'knock'; readonly by: number; readonly room: number }
  | {
      readonly do: 'invite' | 'kick' | 'ban' | 'unban';
      readonly by: number;
      readonly room: number;
      readonly whom: number;
    }
  | {
      readonly do: 'say' | 'topic' | 'redact' | 'read' | 'readPrivately' | 'roomData';
      readonly by: number;
      readonly room: number;
    }
  | { readonly do: 'typing'; readonly by: number; readonly room: number; readonly on: boolean }
  | { readonly do: 'visibility'; readonly by: number; readonly room: number; readonly visibility: string }
  | { readonly do: 'joinRule'; readonly by: number; readonly room: number; readonly rule: string }
  | { readonly do: 'rename'; readonly by: number }
  | { readonly do: 'data'; readonly by: number }
  /** all clients of theirs */
  | { readonly do: 'sync'; readonly by: number };

const pick = fc.nat({ max: 5 });
const visibility = fc.constantFrom('shared', 'invited', 'joined', 'world_readable');
const inRoom = { by: pick, room: pick };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('create' as const), by: pick, visibility }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'join' as const,
        'join' as const,
        'leave' as const,
        'leave' as const,
        'leave' as const,
        'forget' as const,
        'knock' as const,
      ),
      ...inRoom,
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom('invite' as const, 'kick' as const, 'ban' as const, 'unban' as const),
      ...inRoom,
      whom: pick,
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'say' as const,
        'say' as const,
        'topic' as const,
        'redact' as const,
        'read' as const,
        'readPrivately' as const,
        'roomData' as const,
      ),
      ...inRoom,
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('typing' as const), ...inRoom, on: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('visibility' as const), ...inRoom, visibility }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('joinRule' as const),
      ...inRoom,
      rule: fc.constantFrom('knock', 'public'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('rename' as const, 'data' as const), by: pick }) },
  { weight: 12, arbitrary: fc.record({ do: fc.constant('sync' as const), by: pick }) },
);

interface World {
  readonly server: TestServer;
  readonly users: readonly User[];
  readonly clients: readonly SyncClient[];
  readonly rooms: string[];
  /** In one room alone much more happens to everybody in it. */
  readonly mostRooms: number;
  /** the last message of each room */
  readonly last: Map<string, string>;
  count: number;
}

async function perform(world: World, now: Step): Promise<void> {
  const user = world.users[now.by % world.users.length];
  if (user === undefined) return;
  if (now.do === 'sync') {
    for (const client of world.clients) if (client.user === user) await client.sync();
    return;
  }
  world.count += 1;
  const text = `number ${world.count}`;
  if (now.do === 'create') {
    if (world.rooms.length >= world.mostRooms) return;
    const state = {
      type: 'm.room.history_visibility',
      state_key: '',
      content: { history_visibility: now.visibility },
    };
    const levels = { invite: 0, state_default: 0 };
    world.rooms.push(
      await user.room({
        preset: 'public_chat',
        power_level_content_override: levels,
        initial_state: [state],
      }),
    );
    return;
  }
  if (now.do === 'rename')
    return ok(await user.put(`/profile/${user.id}/displayname`, { displayname: text }));
  if (now.do === 'data')
    return ok(await user.put(`/user/${user.id}/account_data/org.example.${world.count % 3}`, { text }));
  const room = world.rooms[now.room % world.rooms.length];
  if (room === undefined) return;
  const path = `/rooms/${encodeURIComponent(room)}`;
  const last = encodeURIComponent(world.last.get(room) ?? '$none');
  switch (now.do) {
    case 'join':
    case 'leave':
    case 'forget':
      return ok(await user.post(`${path}/${now.do}`));
    case 'knock':
      return ok(await user.put(`${path}/state/m.room.member/${user.id}`, { membership: 'knock' }));
    case 'joinRule':
      return ok(await user.put(`${path}/state/m.room.join_rules/`, { join_rule: now.rule }));
    case 'invite':
    case 'kick':
    case 'ban':
    case 'unban':
      return ok(
        await user.post(`${path}/${now.do}`, { user_id: world.users[now.whom % world.users.length]?.id }),
      );
    case 'say': {
      const sent = await user.put(`${path}/send/m.room.message/${world.count}`, {
        msgtype: 'm.text',
        body: text,
      });
      if (sent.status === 200) world.last.set(room, sent.body.event_id);
      return ok(sent);
    }
    case 'topic':
      return ok(await user.put(`${path}/state/m.room.topic/`, { topic: text }));
    case 'visibility':
      return ok(
        await user.put(`${path}/state/m.room.history_visibility/`, { history_visibility: now.visibility }),
      );
    case 'redact':
      return ok(await user.put(`${path}/redact/${last}/${world.count}`));
    case 'read':
      return ok(await user.post(`${path}/receipt/m.read/${last}`));
    case 'readPrivately':
      return ok(await user.post(`${path}/receipt/m.read.private/${last}`, { thread_id: 'main' }));
    case 'roomData':
      // What is attached to a room after leaving it is told when it is joined again.
      if (!(await user.get('/joined_rooms')).body.joined_rooms.includes(room)) return;
      return ok(await user.put(`/user/${user.id}${path}/account_data/org.example.room`, { text }));
    case 'typing':
      return ok(await user.put(`${path}/typing/${user.id}`, { typing: now.on, timeout: 100_000 }));
  }
}

/** Refusals are part of life; a failure of the server is not. */
function ok({ status, body }: { status: number; body: unknown }): void {
  if (status >= 500) throw new Error(`${status} ${JSON.stringify(body)}`);
}

/** Everything there is to know, in one answer. */
async function wholeTruth(user: User): Promise<SyncClient> {
  const client = syncClient(user, { stateField: 'state_after', lazyMembers: false, limit: 1_000 });
  await client.sync();
  return client;
}

async function requireAgreement(client: SyncClient): Promise<void> {
  await client.sync();
  const truth = await wholeTruth(client.user);
  expect(client.view.invites).toEqual(truth.view.invites);
  expect(client.view.accountData).toEqual(truth.view.accountData);
  for (const [id, room] of truth.view.rooms) {
    const known = client.view.rooms.get(id);
    // A room that was left is in a first sync; whether it was joined again and forgotten is all the same.
    if (known === undefined) throw new Error(`${client.user.id} was never told of ${id}`);
    await requireSameRoom(client, id, known, room);
  }
  for (const [id, known] of client.view.rooms) {
    if (!truth.view.rooms.has(id))
      expect(known.membership, 'forgotten, invited again or knocking').toBe('leave');
  }
}

async function requireSameRoom(
  { user, manner }: SyncClient,
  id: string,
  known: RoomView,
  truth: RoomView,
): Promise<void> {
  expect(known.membership).toBe(truth.membership);
  // Who came to know the room by an invite that they declined is not told of an earlier stay.
  const [only, ...more] = known.state;
  if (known.membership === 'leave' && only !== undefined && more.length === 0) {
    expect(truth.state.get(only[0])).toBe(only[1]);
    return;
  }
  const isMember = (key: string) => key.startsWith('m.room.member ');
  const told = [...known.state].filter(([key]) => !manner.lazyMembers || !isMember(key));
  const all = [...truth.state].filter(([key]) => !manner.lazyMembers || !isMember(key));
  expect(Object.fromEntries(told)).toEqual(Object.fromEntries(all));
  for (const [key, event] of known.state) expect(event, key).toBe(truth.state.get(key));
  if (manner.types === undefined) {
    // Who is outside is told when they are banned, and again when the ban is lifted; afterwards only the last of it.
    const timeline = known.timeline.filter(
      (id) => known.membership === 'join' || truth.timeline.includes(id),
    );
    expect(timeline).toEqual(truth.timeline.slice(truth.timeline.length - timeline.length));
    if (!known.hadGap) expect(timeline).toEqual(truth.timeline);
  }
  expect(known.accountData).toEqual(truth.accountData);
  if (known.membership === 'leave') return;
  expect(known.typing).toEqual(truth.typing);
  expect(known.receipts).toEqual(truth.receipts);
  // Counts come with other news: a redaction that a filter leaves out takes one off without a word.
  if (manner.types === undefined) expect(known.unread).toEqual(truth.unread);
  const { 'm.joined_member_count': joined, 'm.invited_member_count': invited } = truth.summary;
  expect(known.summary).toMatchObject({ 'm.joined_member_count': joined, 'm.invited_member_count': invited });
  const state: Event[] = (await user.get(`/rooms/${encodeURIComponent(id)}/state`)).body;
  expect(Object.fromEntries(truth.state)).toEqual(
    Object.fromEntries(state.map((event) => [keyOf(event), event.event_id])),
  );
}

test(
  'what clients put together of incremental syncs is what one full sync tells',
  { timeout: 300_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(1, 4),
        fc.array(step, { minLength: 20, maxLength: 80, size: 'max' }),
        async (mostRooms, steps) => {
          await using server = await startServer({ defaultRoomVersion: '11' });
          const users = [await server.user('ann'), await server.user('ben'), await server.user('cid')];
          const clients = users.flatMap((user) => [
            syncClient(user, { stateField: 'state', lazyMembers: false, limit: 3 }),
            syncClient(user, { stateField: 'org.matrix.msc4222.state_after', lazyMembers: false, limit: 1 }),
            syncClient(user, { stateField: 'state', lazyMembers: true, limit: 20 }),
            syncClient(user, { stateField: 'state_after', lazyMembers: true, limit: 2 }),
            syncClient(user, {
              stateField: 'state',
              lazyMembers: false,
              limit: 2,
              types: ['m.room.message', 'm.room.topic'],
            }),
          ]);
          const world = { server, users, clients, rooms: [], mostRooms, last: new Map(), count: 0 };
          for (const now of steps) await perform(world, now);
          for (const client of clients) await requireAgreement(client);
        },
      ),
      { numRuns: 200, interruptAfterTimeLimit: 280_000, markInterruptAsFailure: true },
    );
  },
);
