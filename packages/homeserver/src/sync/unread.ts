import type { EventId, JsonObject, RoomId, UserId } from '@matrix-futures/engine';
import type { Turn } from '@matrix-futures/sqlite';
import { readPowerLevels } from '../auth-rules/power-levels.ts';
import { BoundedMap } from '../cache/bounded-map.ts';
import { objectMember, stringMember } from '../events/json-member.ts';
import type { RuledRoom } from '../push-rules/evaluate.ts';
import type { PushRuleStore } from '../push-rules/push-rule-store.ts';
import type { ReceiptStore } from '../receipts/receipt-store.ts';
import type { ClientEvents } from '../rooms/client-event.ts';
import type { RoomState } from '../rooms/room-state.ts';
import type { MembershipRow, RoomStore } from '../rooms/room-store.ts';
import { contentOf, type StoredEvent } from '../rooms/stored-event.ts';

/** Notifications that the user has not read yet (client-server API, "Receiving notifications"). */
export type Counts = {
  readonly notification_count: number;
  readonly highlight_count: number;
};

export interface Unread {
  readonly all: Counts;
  /** by thread; the room's main timeline is the thread `main` */
  readonly threads: ReadonlyMap<string, Counts>;
}

/** @param member the user's own, joined membership @param upTo events after this position are left out */
export type CountUnread = (member: MembershipRow, upTo: number) => Unread;

/** An event that notified the user. */
interface Notification {
  readonly event: EventId;
  readonly position: number;
  readonly thread: string;
  readonly highlight: boolean;
}

/** Of a user in a room: what notified them in the events up to a position, and is not read. */
interface Progress {
  readonly upTo: number;
  readonly notifications: readonly Notification[];
}

/** Users' rooms whose progress is kept; another one is counted again from its receipts. */
const keptRooms = 10_000;
/** Events counted, and events judged when counting anew: behind that many nobody counts any more. */
const mostCounted = 1_000;

/**
 * Counts by the push rules as they were when an event was first judged. Each event is judged once a user: a poll goes
 * on from where the last one stopped. Reading up to an event takes off what lies before it, in its thread or (an
 * unthreaded receipt) in all; sending an event reads its own thread, coming or going all of them.
 */
export function createUnreadCounts(
  turn: Turn,
  store: RoomStore,
  state: RoomState,
  events: ClientEvents,
  rules: PushRuleStore,
  receipts: ReceiptStore,
): CountUnread {
  const kept = new BoundedMap<string, Progress>(keptRooms);
  turn.onLost(() => kept.clear());

  const goOn = ({ roomId, userId }: MembershipRow, from: Progress, upTo: number): Progress => {
    const { evaluate } = rules.of(userId);
    const room = ruledRoom(store, state, roomId, userId);
    let notifications = [...from.notifications];
    for (const event of store.backwards(roomId, from.upTo, upTo, mostCounted).toReversed()) {
      const shown = events.whole(event, { user: userId, device: null });
      const thread = threadOf(store, shown.content);
      if (event.type === 'm.room.member' && event.stateKey === userId) notifications = [];
      if (event.sender === userId) notifications = notifications.filter((one) => one.thread !== thread);
      if (shown.redacts !== undefined)
        notifications = notifications.filter((one) => one.event !== shown.redacts);
      if (event.sender === userId) continue;
      const { notify, highlight } = evaluate(shown, room);
      if (notify) notifications.push({ event: event.eventId, position: event.position, thread, highlight });
    }
    return { upTo, notifications: notifications.slice(-mostCounted) };
  };

  return (member, upTo) => {
    const key = `${member.roomId} ${member.userId}`;
    const read = receipts.own(member.roomId, member.userId);
    const everywhere = readUpTo(read, '');
    const earlier = kept.get(key);
    const from = earlier ?? { upTo: Math.max(member.position, everywhere), notifications: [] };
    const { notifications: found } = from.upTo < upTo ? goOn(member, from, upTo) : from;
    const notifications = found.filter(
      (one) => one.position > Math.max(everywhere, readUpTo(read, one.thread)),
    );
    kept.set(key, { upTo: Math.max(from.upTo, upTo), notifications });
    return count(notifications);
  };
}

function count(notifications: readonly Notification[]): Unread {
  const threads = Map.groupBy(notifications, (one) => one.thread);
  return {
    all: counts(notifications),
    threads: new Map([...threads].map(([thread, ones]) => [thread, counts(ones)])),
  };
}

function counts(notifications: readonly Notification[]): Counts {
  return {
    notification_count: notifications.length,
    highlight_count: notifications.filter((one) => one.highlight).length,
  };
}

function readUpTo(read: readonly { thread: string; eventPosition: number }[], thread: string): number {
  return Math.max(0, ...read.filter((one) => one.thread === thread).map((one) => one.eventPosition));
}

/** Hops from an event to the one it relates to, as the specification recommends ("Threaded read receipts"). */
const maxHops = 3;

/** The thread an event of that content is in: that of its own relation, or of what it relates to; else `main`. */
function threadOf(store: RoomStore, content: JsonObject): string {
  let current: JsonObject | undefined = content;
  for (let hop = 0; hop <= maxHops && current !== undefined; hop += 1) {
    const relation: JsonObject | undefined = objectMember(current, 'm.relates_to');
    const target: EventId | undefined = relation && stringMember(relation, 'event_id');
    if (relation === undefined || target === undefined) return 'main';
    if (relation.rel_type === 'm.thread') return target;
    const parent: StoredEvent | undefined = store.event(target);
    current = parent && contentOf(parent);
  }
  return 'main';
}

function ruledRoom(store: RoomStore, state: RoomState, room: RoomId, user: UserId): RuledRoom {
  const current = state.of(room);
  return {
    joinedMembers: () => store.joinedMembers(room).length,
    displayName: () => {
      const member = current('m.room.member', user);
      return (member && stringMember(member.content, 'displayname')) ?? null;
    },
    mayNotify(sender, key) {
      const levels = readPowerLevels(current, store.version(room));
      return levels.of(sender) >= levels.toNotify(key);
    },
  };
}
