import type { JsonObject } from '@matrix-futures/engine';
import type { AuthEvent, AuthState } from '../../src/auth-rules/auth-state.ts';
import { authorize } from '../../src/auth-rules/authorize.ts';
import type { UnsignedPdu } from '../../src/events/pdu.ts';
import { roomVersions, type RoomVersion } from '../../src/room-versions/room-version.ts';

/** Made the room; 100 in versions 10 and 11, infinite in 12. */
export const alice = '@alice:s';
/** A moderator, 50. */
export const mod = '@mod:s';
/** Another moderator, 50. */
export const peer = '@peer:s';
/** In the room, 0. */
export const bob = '@bob:s';
/** Not in the room. */
export const carol = '@carol:s';
/** Banned. */
export const dave = '@dave:s';
/** Invited. */
export const erin = '@erin:s';
/** Knocked. */
export const frank = '@frank:s';

export const versions = Object.values(roomVersions);

/** Content by type, or type and state key: what a row of a table changes in the room. `null` takes it out. */
export type Changes = Readonly<Record<string, JsonObject | null>>;

/** The usual room, with changes. Its state's ids tell type and key. */
export function room(version: RoomVersion, changes: Changes = {}): AuthState {
  const contents = new Map<string, JsonObject | null>(
    Object.entries({
      'm.room.create': {
        room_version: version.id,
        ...(version.creators === 'content' && { creator: alice }),
      },
      'm.room.join_rules': { join_rule: 'invite' },
      'm.room.power_levels': {
        users: { ...(version.id !== '12' && { [alice]: 100 }), [mod]: 50, [peer]: 50 },
      },
      [`m.room.member ${alice}`]: { membership: 'join' },
      [`m.room.member ${mod}`]: { membership: 'join' },
      [`m.room.member ${peer}`]: { membership: 'join' },
      [`m.room.member ${bob}`]: { membership: 'join' },
      [`m.room.member ${dave}`]: { membership: 'ban' },
      [`m.room.member ${erin}`]: { membership: 'invite' },
      [`m.room.member ${frank}`]: { membership: 'knock' },
      ...changes,
    }),
  );
  return (type, stateKey) => {
    const name = stateKey === '' ? type : `${type} ${stateKey}`;
    const content = contents.get(name);
    return content ? piece(name, content) : undefined;
  };
}

function piece(name: string, content: JsonObject): AuthEvent {
  return { eventId: `$${name}`, sender: alice, content };
}

/** An event of the usual room, with what a row says of it. */
export function eventIn(version: RoomVersion, parts: Partial<UnsignedPdu>): UnsignedPdu {
  return {
    room_id: version.roomIds === 'hashed' ? '!m.room.create' : '!r:s',
    sender: alice,
    type: 'm.room.message',
    content: {},
    prev_events: ['$last'],
    auth_events: [],
    depth: 9,
    origin_server_ts: 0,
    ...parts,
  };
}

/** One line of a table: an event in a room, and the rule that decides. */
export interface Row {
  /** where it is not the usual room */
  readonly room?: Changes;
  readonly event: Partial<UnsignedPdu>;
  /** servers that signed the event */
  readonly signedBy?: readonly string[];
}

/** The rule that refuses a row's event in that version, or `allowed`. */
export function verdict(row: Row, version: RoomVersion): string {
  const signedBy = (server: string) => row.signedBy?.includes(server) === true;
  const rejection = authorize(eventIn(version, row.event), room(version, row.room), version, signedBy);
  return rejection?.rule ?? 'allowed';
}

export const member = (
  sender: string,
  target: string,
  membership: string,
  content: JsonObject = {},
): Row['event'] => ({
  type: 'm.room.member',
  sender,
  state_key: target,
  content: { membership, ...content },
});
