import type { JsonObject, RoomId } from '@matrix-futures/engine';
import type { AccountDatum } from '../account-data/account-data-store.ts';
import type { MembershipRow } from '../rooms/room-store.ts';
import { whatIsSeen } from '../rooms/visibility.ts';
import { historyFields, readHistory, type History } from './history.ts';
import { ownMembership, wasJoinedThroughout } from '../rooms/own-membership.ts';
import { isMeant, passes } from './sync-filter.ts';
import type { Snapshot, SyncParts } from './sync-parts.ts';
import { toldUpTo } from './told.ts';

/**
 * A room the user is joined to; null: there is nothing to tell of it. Who came into the room since the last sync is told
 * everything, as in a first sync, also who had been there, left and came back.
 * @param data what changed of the user's account data of the room
 */
export function joinedRoom(
  parts: SyncParts,
  snapshot: Snapshot,
  member: MembershipRow,
  data: readonly AccountDatum[],
): JsonObject | null {
  const { since, viewer, upTo, fullState } = snapshot;
  const room = member.roomId;
  const { entered, told } = earlierStay(parts, member, snapshot);
  const fresh = since === null || entered;
  const after = fresh ? 0 : since;
  const sees = fresh ? whatIsSeen(parts.store, room, viewer.user) : null;
  const history = readHistory(parts, snapshot, { room, after, upTo, whole: fresh || fullState, sees, told });
  const ephemeral = ephemeralEvents(parts, snapshot, room, after);
  const accountData = accountDataEvents(
    snapshot,
    room,
    entered ? parts.accountData.ofRoom(viewer.user, room, upTo) : data,
  );
  const isEmpty = isQuiet(history) && ephemeral.length === 0 && accountData.length === 0;
  if (isEmpty && !fresh && !fullState) return null;
  // What a client has of an earlier stay does not lead up to this timeline.
  const limited = history.timeline.limited || entered;
  return {
    ...historyFields(parts, snapshot, { ...history, timeline: { ...history.timeline, limited } }),
    summary: history.summary?.body ?? {},
    ephemeral: { events: ephemeral },
    account_data: { events: accountData },
    ...unreadFields(parts, snapshot, member),
  };
}

/** Account data of the room, as far as the filter asks for it. */
export function accountDataEvents(
  { filter }: Snapshot,
  room: RoomId,
  data: readonly AccountDatum[],
): JsonObject[] {
  const test = filter.roomAccountData;
  if (!isMeant(test, room)) return [];
  return data.filter(({ type }) => passes(test.events, type)).map(({ type, content }) => ({ type, content }));
}

/** Whether the user came into the room since the last sync, and how far the client may have been told of it. */
function earlierStay(
  { store }: SyncParts,
  { roomId, userId, position }: MembershipRow,
  { since, upTo }: Snapshot,
): { readonly entered: boolean; readonly told: number | null } {
  if (since === null || position <= since) return { entered: false, told: since };
  const steps = ownMembership(store, roomId, userId, upTo);
  return { entered: !wasJoinedThroughout(steps, since, upTo), told: toldUpTo(steps, since) };
}

function isQuiet({ timeline, state }: History): boolean {
  return timeline.events.length === 0 && !timeline.limited && state.length === 0;
}

function ephemeralEvents(
  { typing, receipts }: SyncParts,
  { filter, viewer, since, upTo }: Snapshot,
  room: RoomId,
  after: number,
): JsonObject[] {
  const test = filter.ephemeral;
  if (!isMeant(test, room)) return [];
  const users = passes(test.events, 'm.typing') ? typing.change(room, after, upTo) : null;
  // Who was never told of anybody need not be told that nobody is typing.
  const tellsTyping = users !== null && (users.length > 0 || since !== null);
  const read = passes(test.events, 'm.receipt') ? receipts.changes(room, viewer.user, after, upTo) : [];
  return [
    ...(tellsTyping ? [{ type: 'm.typing', content: { user_ids: users } }] : []),
    ...read.map((content) => ({ type: 'm.receipt', content })),
  ];
}

const none = { notification_count: 0, highlight_count: 0 };

function unreadFields(
  { countUnread }: SyncParts,
  { filter, upTo }: Snapshot,
  member: MembershipRow,
): JsonObject {
  const { all, threads } = countUnread(member, upTo);
  if (!filter.byThread) return { unread_notifications: { ...all } };
  const { main = none, ...others } = Object.fromEntries(threads);
  return { unread_notifications: { ...main }, unread_thread_notifications: { ...others } };
}
