import type { Clock, JsonObject, Timers, UserId } from '@matrix-futures/engine';
import type { Turn } from '@matrix-futures/sqlite';
import type { AccountDatum } from '../account-data/account-data-store.ts';
import { objectMember } from '../events/json-member.ts';
import { ownMembership } from '../rooms/own-membership.ts';
import type { MembershipRow } from '../rooms/room-store.ts';
import { formatToken } from '../stream/token.ts';
import { joinedRoom } from './joined-room.ts';
import { leftRoom } from './left-room.ts';
import { strippedState } from './stripped-state.ts';
import { passes } from './sync-filter.ts';
import type { Snapshot, SyncParts, SyncRequest } from './sync-parts.ts';

/** An answer of `GET /sync`. */
export interface SyncResponse {
  readonly body: JsonObject;
  /** There is nothing to tell but the next token. */
  readonly isEmpty: boolean;
}

/** How long a read may hold up everybody else, in ms; a first sync of thousands of rooms takes seconds. */
const longestUnit = 4;

/** A room of the answer: the section it belongs to, and what is told of it. */
type Section = readonly [name: 'join' | 'invite' | 'knock' | 'leave', body: JsonObject];

/**
 * Reads one answer of `GET /sync`. All of it is as of one position, whatever happens while it is read: ranges end
 * there, and what has moved on since comes with the next answer.
 */
export async function readSync(
  turn: Turn,
  clock: Clock,
  timers: Timers,
  parts: SyncParts,
  request: SyncRequest,
): Promise<SyncResponse> {
  const sections = new Map<string, Section>();
  const begun = await turn.unit(() => {
    const plan = begin(parts, request);
    return { ...plan, rest: readRooms(plan, plan.members) };
  });
  for (let rest = begun.rest; rest.length > 0;) {
    await new Promise<void>((resolve) => timers.soon(resolve));
    rest = await turn.unit(() => readRooms(begun, rest));
  }
  return { body: body(begun, sections), isEmpty: sections.size === 0 && begun.accountData.length === 0 };

  /** @returns the rooms there was no time for */
  function readRooms(plan: Plan, members: readonly MembershipRow[]): readonly MembershipRow[] {
    const start = clock.now();
    for (const [index, member] of members.entries()) {
      if (index > 0 && clock.now() - start > longestUnit) return members.slice(index);
      const section = readRoom(parts, plan.snapshot, member, plan.roomData.get(member.roomId) ?? []);
      if (section !== null) sections.set(member.roomId, section);
    }
    return [];
  }
}

interface Plan {
  readonly snapshot: Snapshot;
  /** of the rooms there may be something to tell of */
  readonly members: readonly MembershipRow[];
  /** changes of the account's own data, as events */
  readonly accountData: readonly JsonObject[];
  readonly roomData: ReadonlyMap<string, readonly AccountDatum[]>;
}

function begin({ activity, accountData, pushRules }: SyncParts, request: SyncRequest): Plan {
  const { filter, viewer, fullState } = request;
  const upTo = activity.catchUp();
  // A token from the future is one from before a backup was restored: what the client knows is not our history.
  const since = request.since !== null && request.since > upTo ? null : request.since;
  const data = Map.groupBy(accountData.changes(viewer.user, since ?? 0, upTo), (datum) => datum.room);
  const rules = pushRules.of(viewer.user);
  const own: JsonObject[] = (data.get('') ?? []).map(({ type, content }) => ({ type, content }));
  if (since === null || rules.position > since) {
    own.push({ type: 'm.push_rules', content: { global: rules.ruleset } });
  }
  const rooms = activity.roomsOf(viewer.user);
  const touched = since === null || fullState ? rooms.keys() : changed(since);
  return {
    snapshot: { ...request, since, upTo, ignored: ignoredBy(viewer.user) },
    members: [...touched].flatMap((room) => (filter.rooms?.(room) === false ? [] : (rooms.get(room) ?? []))),
    accountData: own.filter(({ type }) => typeof type === 'string' && passes(filter.accountData, type)),
    roomData: data,
  };

  function changed(after: number): Iterable<string> {
    return activity.changedSince(after, rooms).union(new Set(data.keys()));
  }

  function ignoredBy(user: UserId): ReadonlySet<UserId> {
    const list = accountData.get(user, '', 'm.ignored_user_list');
    return new Set(Object.keys((list && objectMember(list, 'ignored_users')) ?? {}));
  }
}

function readRoom(
  parts: SyncParts,
  snapshot: Snapshot,
  row: MembershipRow,
  data: readonly AccountDatum[],
): Section | null {
  const { since, filter } = snapshot;
  const member = withoutIgnoredInvites(parts, snapshot, row);
  if (member === undefined) return null;
  const isNews = since === null || member.position > since;
  switch (member.membership) {
    case 'join': {
      const room = joinedRoom(parts, snapshot, member, data);
      return room && ['join', room];
    }
    case 'invite':
      return isNews ? ['invite', { invite_state: { events: strippedState(parts.store, member) } }] : null;
    case 'knock':
      return isNews ? ['knock', { knock_state: { events: strippedState(parts.store, member) } }] : null;
    case 'leave':
    case 'ban': {
      // That they left is told to every client, even if they have forgotten the room since; but only once.
      if (!isNews || (since === null && !(filter.includeLeave && isRemembered(parts, member)))) return null;
      return ['leave', leftRoom(parts, snapshot, member, data)];
    }
  }
}

/**
 * The user's place in the room as if those whom they ignore had not invited them; undefined: nobody else did, and they
 * never were inside.
 */
function withoutIgnoredInvites(
  { store }: SyncParts,
  { ignored, upTo }: Snapshot,
  row: MembershipRow,
): MembershipRow | undefined {
  if (row.membership !== 'invite' || ignored.size === 0) return row;
  const last = ownMembership(store, row.roomId, row.userId, upTo).findLast(
    ({ membership, sender }) => membership !== 'invite' || !ignored.has(sender),
  );
  return last && { ...row, ...last };
}

/** Read anew: forgetting makes no event that would tell of it. */
function isRemembered({ store }: SyncParts, { roomId, userId }: MembershipRow): boolean {
  return store.membership(roomId, userId)?.forgotten === 0;
}

function body({ snapshot, accountData }: Plan, sections: ReadonlyMap<string, Section>): JsonObject {
  const of = (name: Section[0]): JsonObject =>
    Object.fromEntries(
      [...sections].flatMap(([room, section]) => (section[0] === name ? [[room, section[1]]] : [])),
    );
  return {
    next_batch: formatToken(snapshot.upTo),
    account_data: { events: accountData },
    presence: { events: [] },
    to_device: { events: [] },
    device_lists: { changed: [], left: [] },
    device_one_time_keys_count: {},
    rooms: { join: of('join'), invite: of('invite'), knock: of('knock'), leave: of('leave') },
  };
}
