import type { Delayed, EventId, RoomId, UserId } from '@matrix-futures/engine';
import type { Database } from '@matrix-futures/sqlite';
import type { BuiltEvent } from '../events/build-event.ts';
import { stringMember } from '../events/json-member.ts';
import type { RoomVersionId } from '../room-versions/room-version.ts';

/** What `PUT …/send/{type}/{txn}` and `PUT …/redact/{event}/{txn}` remember their event by. */
export interface Transaction {
  readonly device: string;
  readonly id: string;
  /** the event named in the path of `/redact`; null for `/send` */
  readonly target: EventId | null;
}

/** Who brought an event, as far as that is remembered beside it. It is no part of the event: not hashed, not signed. */
export interface Origin {
  readonly transaction?: Transaction;
  /** a future of a generation that shows its id */
  readonly delayed?: Delayed;
}

/** An event beside its place in the stream. */
export interface Placed {
  readonly position: number;
  readonly room: RoomId;
  readonly replaces: EventId | null;
  readonly origin: Origin;
}

/** The statements that write rooms. All are for inside a unit; they keep the projections in step with the events. */
export interface EventWriter {
  room(room: { id: RoomId; version: RoomVersionId; creator: UserId; isPublic: boolean }): void;
  event(built: BuiltEvent, placed: Placed): void;
  redact(event: EventId, by: EventId, pdu: string): void;
  /** The event that was sent with that transaction id from that device on that path. */
  sent(by: UserId, room: RoomId, type: string, transaction: Transaction): EventId | undefined;
  forget(room: RoomId, user: UserId): void;
}

export function openEventWriter(database: Database): EventWriter {
  const insertRoom = database.prepare<[RoomId, string, UserId, number], never>(
    'INSERT INTO room (room_id, version, creator, is_public) VALUES (?, ?, ?, ?)',
  );
  const insertEvent = database.prepare<
    [
      ...[position: number, event: EventId, room: RoomId, type: string, stateKey: string | null],
      ...[sender: UserId, depth: number, ts: number, pdu: string, replaces: EventId | null],
      ...[device: string | null, transaction: string | null, target: string | null],
      ...[delayId: string | null, generation: string | null],
    ],
    never
  >(
    `INSERT INTO event (stream_position, event_id, room_id, type, state_key, sender, depth, origin_server_ts, pdu,
       replaces_state, transaction_device, transaction_id, transaction_target, delay_id, delay_generation)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const setState = database.prepare<[RoomId, string, string, EventId, number], never>(
    'INSERT OR REPLACE INTO current_state (room_id, type, state_key, event_id, stream_position) VALUES (?, ?, ?, ?, ?)',
  );
  const setMembership = database.prepare<[RoomId, UserId, string, EventId, number], never>(
    `INSERT OR REPLACE INTO membership (room_id, user_id, membership, event_id, stream_position)
     VALUES (?, ?, ?, ?, ?)`,
  );
  const redact = database.prepare<[string, EventId, EventId], never>(
    'UPDATE event SET pdu = ?, redacted_by = coalesce(redacted_by, ?) WHERE event_id = ?',
  );
  const sent = database.prepare<
    [device: string, id: string, sender: UserId, room: RoomId, type: string, target: EventId | null],
    { eventId: EventId }
  >(
    `SELECT event_id AS eventId FROM event WHERE transaction_device = ? AND transaction_id = ? AND sender = ?
       AND room_id = ? AND type = ? AND transaction_target IS ?`,
  );
  const forget = database.prepare<[RoomId, UserId], never>(
    'UPDATE membership SET forgotten = 1 WHERE room_id = ? AND user_id = ?',
  );

  return {
    room: ({ id, version, creator, isPublic }) => void insertRoom.run(id, version, creator, Number(isPublic)),
    event({ event, eventId, json }, { position, room, replaces, origin }) {
      const { type, state_key: stateKey, sender, depth, origin_server_ts: ts, content } = event;
      const { device = null, id = null, target = null } = origin.transaction ?? {};
      const { delayId = null, generation = null } = origin.delayed ?? {};
      insertEvent.run(
        ...([position, eventId, room, type, stateKey ?? null] as const),
        ...([sender, depth, ts, json, replaces, device, id, target, delayId, generation] as const),
      );
      if (stateKey === undefined) return;
      setState.run(room, type, stateKey, eventId, position);
      if (type !== 'm.room.member') return;
      setMembership.run(room, stateKey, stringMember(content, 'membership') ?? 'leave', eventId, position);
    },
    redact: (event, by, pdu) => void redact.run(pdu, by, event),
    sent: (by, room, type, { device, id, target }) => sent.get(device, id, by, room, type, target)?.eventId,
    forget: (room, user) => void forget.run(room, user),
  };
}
