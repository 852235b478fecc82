import type { JsonObject } from '@matrix-futures/engine';
import type { AccountDatum } from '../account-data/account-data-store.ts';
import type { MembershipRow } from '../rooms/room-store.ts';
import type { StoredEvent } from '../rooms/stored-event.ts';
import { whatIsSeen } from '../rooms/visibility.ts';
import { historyFields, readHistory } from './history.ts';
import { accountDataEvents, membershipsSince } from './joined-room.ts';
import type { Snapshot, SyncParts } from './sync-parts.ts';

/**
 * A room the user left, or was kicked or banned from: its history up to that point. Of a room they were never inside (a
 * declined invite, a retracted one) they learn their own membership and nothing else.
 */
export function leftRoom(
  parts: SyncParts,
  snapshot: Snapshot,
  { roomId: room, position }: MembershipRow,
  data: readonly AccountDatum[],
): JsonObject {
  const { since, viewer } = snapshot;
  const stay = membershipsSince(parts.store, room, viewer.user, since ?? 0);
  const wasInside = stay.includes('join');
  const knewRoom = since !== null && stay[0] === 'join' && !stay.slice(1).includes('join');
  const isOwn = (event: StoredEvent) => event.position === position;
  const seen = whatIsSeen(parts.store, room, viewer.user);
  const history = readHistory(parts, snapshot, {
    room,
    after: knewRoom ? since : wasInside ? 0 : position - 1,
    upTo: position,
    whole: !knewRoom && wasInside,
    sees: (event) => isOwn(event) || (wasInside && seen(event)),
  });
  const allData = knewRoom ? data : parts.accountData.ofRoom(viewer.user, room, snapshot.upTo);
  // As for a room that is joined anew: what a client has of an earlier stay does not lead up to this.
  const limited = history.timeline.limited || (wasInside && !knewRoom && since !== null);
  const state = wasInside ? history.state : history.state.filter(isOwn);
  const told = { ...history, timeline: { ...history.timeline, limited }, state };
  return {
    ...historyFields(parts, snapshot, told),
    account_data: { events: accountDataEvents(snapshot, room, allData) },
  };
}
