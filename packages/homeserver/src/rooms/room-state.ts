import type { RoomId } from '@matrix-futures/engine';
import type { Turn } from '@matrix-futures/sqlite';
import type { AuthEvent, AuthState } from '../auth-rules/auth-state.ts';
import { BoundedMap } from '../cache/bounded-map.ts';
import { contentOf } from './stored-event.ts';
import type { RoomStore } from './room-store.ts';

/** The current state of rooms as the authorization rules read it, kept in memory. */
export interface RoomState {
  of(room: RoomId): AuthState;
  /** Called inside the unit that changed it: this piece is to be read anew. */
  changed(room: RoomId, type: string, key: string): void;
}

/** Pieces of state kept. Rarely more than 1 kB each; larger ones, in characters of name and JSON, are read anew every
 * time, so that nobody fills the memory. An event can ask for state of any name, such as a token of 60 kB. */
const keptPieces = 20_000;
const largestKept = 8_192;

export function openRoomState(turn: Turn, store: RoomStore): RoomState {
  const cache = new BoundedMap<string, AuthEvent | 'absent'>(keptPieces);

  const read = (room: RoomId, type: string, key: string): AuthEvent | undefined => {
    const name = nameOf(room, type, key);
    const known = cache.get(name);
    if (known !== undefined) return known === 'absent' ? undefined : known;
    const event = store.stateEvent(room, type, key);
    const piece = event && { eventId: event.eventId, sender: event.sender, content: contentOf(event) };
    if (name.length + (event?.pdu.length ?? 0) <= largestKept) cache.set(name, piece ?? 'absent');
    return piece;
  };

  return {
    of: (room) => (type, key) => read(room, type, key),
    changed(room, type, key) {
      const name = nameOf(room, type, key);
      turn.onUndo(() => cache.delete(name));
      cache.delete(name);
    },
  };
}

/** With the lengths in front no two pieces of state share a name, whatever characters they are made of. */
function nameOf(room: RoomId, type: string, key: string): string {
  return `${room.length} ${type.length} ${room}${type}${key}`;
}
