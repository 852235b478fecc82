import type { JsonObject } from '@matrix-futures/engine';
import type { AccountDatum } from '../account-data/account-data-store.ts';
import type { MembershipRow } from '../rooms/room-store.ts';
import type { StoredEvent } from '../rooms/stored-event.ts';
import { whatIsSeen } from '../rooms/visibility.ts';
import { historyFields, readHistory, type History } from './history.ts';
import { accountDataEvents } from './joined-room.ts';
import { lastExit, ownMembership, wasJoinedThroughout } from '../rooms/own-membership.ts';
import type { Snapshot, SyncParts } from './sync-parts.ts';
import { toldUpTo } from './told.ts';

/**
 * A room the user left, or was kicked or banned from: its history and state up to the moment they were outside, and
 * what became of their own membership after that. Who was told of that before (a declined invite, a ban that was lifted)
 * learns their own membership and nothing else.
 */
export function leftRoom(
  parts: SyncParts,
  snapshot: Snapshot,
  member: MembershipRow,
  data: readonly AccountDatum[],
): JsonObject {
  const { since, viewer, upTo } = snapshot;
  const { roomId: room, position } = member;
  const steps = ownMembership(parts.store, room, viewer.user, upTo);
  const told = toldUpTo(steps, since);
  const exit = lastExit(steps);
  if (exit === null || exit <= (told ?? 0)) return fields(ownStep(), data);
  const continued = since !== null && since < exit && wasJoinedThroughout(steps, since, exit - 1);
  // Though they may have forgotten the room since: a client keeps what it is told, and a hole in it would stay.
  const seen = whatIsSeen(parts.store, room, viewer.user, false);
  const history = readHistory(parts, snapshot, {
    room,
    after: continued ? since : 0,
    upTo: exit,
    whole: !continued,
    sees: (event) => event.position === exit || seen(event),
    told,
  });
  // As for a room that is joined anew: what a client has of an earlier stay does not lead up to this.
  const limited = history.timeline.limited || (!continued && since !== null);
  const stay = { ...history, timeline: { ...history.timeline, limited } };
  return fields(
    exit === position ? stay : followedBy(stay, ownStep()),
    continued ? data : parts.accountData.ofRoom(viewer.user, room, upTo),
  );

  /** What the user's membership came to in the end, and nothing else. */
  function ownStep(): History {
    const span = { room, after: position - 1, upTo: position, whole: false, sees: null, told };
    const { state, ...rest } = readHistory(parts, snapshot, span);
    return { ...rest, state: state.filter((event) => event.position === position) };
  }

  function fields(whole: History, of: readonly AccountDatum[]): JsonObject {
    return {
      ...historyFields(parts, snapshot, whole),
      account_data: { events: accountDataEvents(snapshot, room, of) },
    };
  }
}

/** @param step of the user's own membership, after they were outside */
function followedBy({ timeline, state, summary }: History, step: History): History {
  const isReplaced = (event: StoredEvent) =>
    step.state.some((newer) => newer.type === event.type && newer.stateKey === event.stateKey);
  return {
    timeline: { ...timeline, events: [...timeline.events, ...step.timeline.events] },
    state: [...state.filter((event) => !isReplaced(event)), ...step.state],
    summary,
  };
}
