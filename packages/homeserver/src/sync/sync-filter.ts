import type { RoomId, UserId } from '@matrix-futures/engine';
import { eventTest, roomTest, type EventTest, type RoomTest } from '../filters/event-test.ts';
import type { EventFilter, Filter, RoomEventFilter } from '../filters/filter.ts';

/** A filter as `/sync` applies it. Of each test, null lets everything pass. */
export interface SyncFilter {
  readonly rooms: RoomTest | null;
  /** rooms that were left long ago are told in the first sync too */
  readonly includeLeave: boolean;
  readonly lazyMembers: boolean;
  /** notifications are counted by thread */
  readonly byThread: boolean;
  /** most events of a room's timeline */
  readonly limit: number;
  readonly accountData: EventTest | null;
  readonly timeline: RoomPartTest;
  readonly state: RoomPartTest;
  readonly ephemeral: RoomPartTest;
  readonly roomAccountData: RoomPartTest;
}

/** What of one part of the rooms is wanted. */
export interface RoomPartTest {
  readonly rooms: RoomTest | null;
  readonly events: EventTest | null;
}

/** What the specification has where a filter names no limit, and what we have where it names an absurd one. */
const defaultLimit = 10;
const maxLimit = 1_000;

/** The filter of a request, prepared to be asked of every event. */
export function syncFilter(filter: Filter): SyncFilter {
  const room = filter.room ?? {};
  return {
    rooms: roomTest(room),
    includeLeave: room.include_leave ?? false,
    // Clients set both on either part.
    lazyMembers: (room.state?.lazy_load_members ?? room.timeline?.lazy_load_members) === true,
    byThread:
      (room.timeline?.unread_thread_notifications ?? room.state?.unread_thread_notifications) === true,
    limit: Math.min(room.timeline?.limit ?? defaultLimit, maxLimit),
    accountData: eventTest(filter.account_data ?? {}),
    timeline: roomPartTest(room.timeline),
    state: roomPartTest(room.state),
    ephemeral: roomPartTest(room.ephemeral),
    roomAccountData: roomPartTest(room.account_data),
  };
}

/** May an event of that type go out that is none of a room's history: account data, receipts, typing? */
export function passes(test: EventTest | null, type: string, sender: UserId = ''): boolean {
  return test === null || test({ type, sender, content: () => ({}) });
}

/** Is that part of the room asked for at all? */
export function isMeant({ rooms }: RoomPartTest, room: RoomId): boolean {
  return rooms === null || rooms(room);
}

function roomPartTest(filter: (EventFilter & RoomEventFilter) | undefined): RoomPartTest {
  return { rooms: roomTest(filter ?? {}), events: eventTest(filter ?? {}) };
}
