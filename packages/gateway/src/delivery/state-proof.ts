import {
  HomeserverUnavailable,
  type Accepted,
  type Draft,
  type Refused,
  type RoomId,
  type Unknown,
  type UserId,
} from '@matrix-futures/engine';
import { isEventOf } from '../upstream/shown-event.ts';
import type { RoomReader } from './room-reader.ts';

/**
 * What a 200 for state is worth where it proves nothing: Dendrite answers it with the current event when its content is
 * the same, whoever sent that, and without asking whether this sender might have.
 */
export class StateProof {
  readonly #rooms: RoomReader;

  constructor(rooms: RoomReader) {
    this.#rooms = rooms;
  }

  async judge(draft: Draft, timestamp: number, event: string): Promise<Accepted | Refused | Unknown> {
    try {
      const shown = await this.#rooms.event(draft.room, event, draft.sender);
      const isOurs = shown !== null && (isEventOf(shown, draft, timestamp) || shown.sender === draft.sender);
      // A leave is not shown to who has left by it.
      const isOwnLeave = draft.type === 'm.room.member' && draft.stateKey === draft.sender && shown === null;
      if (isOurs || isOwnLeave || (await this.#mayChange(draft))) return { kind: 'accepted', event };
    } catch (error) {
      if (error instanceof HomeserverUnavailable) return { kind: 'unknown', mayRunFor: null };
      throw error;
    }
    const error = `${draft.sender} has not the power to set ${draft.type} in ${draft.room}`;
    return { kind: 'refused', error: { status: 403, errcode: 'M_FORBIDDEN', error } };
  }

  /** Authorization rules, "power levels": the level a state event of that type needs, against the sender's. */
  async #mayChange({ room, sender, type }: Draft): Promise<boolean> {
    const [levels, member] = await Promise.all([
      this.#content(room, sender, 'm.room.power_levels', ''),
      this.#content(room, sender, 'm.room.member', sender),
    ]);
    if (member?.['membership'] !== 'join') return false;
    if (levels === null) return this.#isCreator(room, sender);
    const needed = levelIn(levels['events'], type) ?? numberOf(levels['state_default']) ?? 50;
    const has = levelIn(levels['users'], sender) ?? numberOf(levels['users_default']) ?? 0;
    return has >= needed || (await this.#isCreator(room, sender));
  }

  async #isCreator(room: RoomId, user: UserId): Promise<boolean> {
    const create = await this.#rooms.state({ room, type: 'm.room.create', key: '' }, user);
    if (create.kind !== 'event') return false;
    const others = create.event.content['additional_creators'];
    return create.event.sender === user || (Array.isArray(others) && others.includes(user));
  }

  async #content(
    room: RoomId,
    as: UserId,
    type: string,
    key: string,
  ): Promise<Record<string, unknown> | null> {
    const state = await this.#rooms.state({ room, type, key }, as);
    return state.kind === 'event' ? state.event.content : null;
  }
}

function levelIn(map: unknown, key: string): number | null {
  return typeof map === 'object' && map !== null ? numberOf(Reflect.get(map, key)) : null;
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}
