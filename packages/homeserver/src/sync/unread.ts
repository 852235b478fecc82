import type { EventId, JsonObject, RoomId, UserId } from '@matrix-futures/engine';
import type { Turn } from '@matrix-futures/sqlite';
import { readPowerLevels } from '../auth-rules/power-levels.ts';
import { BoundedMap } from '../cache/bounded-map.ts';
import { objectMember, stringMember } from '../events/json-member.ts';
import { Effort } from '../push-rules/effort.ts';
import type { RuledRoom } from '../push-rules/evaluate.ts';
import type { PushRuleStore } from '../push-rules/push-rule-store.ts';
import type { Receipt, ReceiptStore } from '../receipts/receipt-store.ts';
import type { ClientEvents } from '../rooms/client-event.ts';
import type { RoomState } from '../rooms/room-state.ts';
import type { MembershipRow, RoomStore } from '../rooms/room-store.ts';
import { contentOf, type StoredEvent } from '../rooms/stored-event.ts';
import { Notifications, type Unread } from './notifications.ts';

/** @param member the user's own, joined membership @param upTo events after this position are left out */
export type CountUnread = (member: MembershipRow, upTo: number) => Unread;

/** Of a user in a room: how far its events were judged, and what came of it. */
interface Progress {
  upTo: number;
  readonly notifications: Notifications;
}

/** Users' rooms whose progress is kept; another one is counted again from its receipts. */
const keptRooms = 10_000;
/** Events judged when counting anew. */
const mostJudged = 1_000;
/**
 * What it may cost to judge a room's events for one answer: everybody else waits for less than 0.1 s, and a thousand
 * messages against the predefined rules and ten keywords cost a tenth of it.
 */
const mostSteps = 4_000_000;

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

  const judge = (
    { roomId, userId }: MembershipRow,
    { upTo: from, notifications }: Progress,
    upTo: number,
  ) => {
    const { evaluate } = rules.of(userId);
    const room = ruledRoom(store, state, roomId, userId);
    for (const event of store.backwards(roomId, from, upTo, mostJudged).toReversed()) {
      const { position, sender, eventId, type, stateKey } = event;
      const shown = events.whole(event, { user: userId, device: null });
      const thread = threadOf(store, shown.content);
      if (type === 'm.room.member' && stateKey === userId) notifications.read(position);
      if (shown.redacts !== undefined) notifications.redact(shown.redacts);
      if (sender === userId) {
        notifications.readThread(thread, position);
        continue;
      }
      const { notify, highlight } = evaluate(shown, room);
      if (notify) notifications.add(thread, { event: eventId, position, highlight });
    }
  };

  return (member, upTo) => {
    const key = `${member.roomId} ${member.userId}`;
    const read = receipts.own(member.roomId, member.userId);
    const progress = kept.get(key) ?? { upTo: begin(member, read), notifications: new Notifications() };
    kept.set(key, progress);
    if (progress.upTo < upTo) {
      judge(member, progress, upTo);
      progress.upTo = upTo;
    }
    for (const { thread, eventPosition } of read) {
      if (thread === '') progress.notifications.read(eventPosition);
      else progress.notifications.readThread(thread, eventPosition);
    }
    return progress.notifications.count();
  };
}

/** Where counting begins: what lies before is read, or was before the user's time. */
function begin(member: MembershipRow, read: readonly Pick<Receipt, 'thread' | 'eventPosition'>[]): number {
  const everywhere = read.filter(({ thread }) => thread === '').map(({ eventPosition }) => eventPosition);
  return Math.max(member.position, ...everywhere);
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
    effort: new Effort(mostSteps),
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
