import type { JsonObject, UserId } from '@matrix-futures/engine';
import type { RoomVersion } from '../room-versions/room-version.ts';

/** A piece of state of a new room. */
export interface Piece {
  readonly type: string;
  readonly key: string;
  readonly content: JsonObject;
}

export type PresetName = 'private_chat' | 'public_chat' | 'trusted_private_chat';

/** What the presets of `createRoom` stand for (client-server API, "Creation"). */
interface Preset {
  readonly joinRule: 'invite' | 'public';
  readonly guests: 'can_join' | 'forbidden';
  /** the level that inviting needs */
  readonly invite: number;
  /** Invited users get the creator's power. */
  readonly trusted: boolean;
}

/** The specification's three. */
export const presets: Readonly<Record<PresetName, Preset>> = {
  private_chat: { joinRule: 'invite', guests: 'can_join', invite: 0, trusted: false },
  trusted_private_chat: { joinRule: 'invite', guests: 'can_join', invite: 0, trusted: true },
  public_chat: { joinRule: 'public', guests: 'forbidden', invite: 50, trusted: false },
};

/** The state that a preset begins a room with, beside its power levels. */
export function presetState({ joinRule, guests }: Preset): readonly Piece[] {
  return [
    { type: 'm.room.join_rules', key: '', content: { join_rule: joinRule } },
    { type: 'm.room.history_visibility', key: '', content: { history_visibility: 'shared' } },
    { type: 'm.room.guest_access', key: '', content: { guest_access: guests } },
  ];
}

/**
 * Power levels of a new room. From version 12 creators stand above every level and may not be listed; the tombstone
 * that ends a room is theirs alone.
 * @param mighty the creator and whom the preset makes their equals
 */
export function powerLevels(preset: Preset, version: RoomVersion, mighty: readonly UserId[]): JsonObject {
  const infinite = version.creatorPower === 'infinite';
  return {
    users: infinite ? {} : Object.fromEntries(mighty.map((user) => [user, 100])),
    users_default: 0,
    events: {
      'm.room.name': 50,
      'm.room.avatar': 50,
      'm.room.canonical_alias': 50,
      'm.room.power_levels': 100,
      'm.room.history_visibility': 100,
      'm.room.server_acl': 100,
      'm.room.encryption': 100,
      'm.room.tombstone': infinite ? 150 : 100,
    },
    events_default: 0,
    state_default: 50,
    ban: 50,
    kick: 50,
    redact: 50,
    invite: preset.invite,
  };
}
