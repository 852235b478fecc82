import {
  HomeserverUnavailable,
  type EventId,
  type RoomId,
  type StateKey,
  type UserId,
} from '@matrix-futures/engine';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import type { Puppet } from '../upstream/puppet.ts';
import { readEvent, type ShownEvent } from '../upstream/shown-event.ts';
import type { UpstreamAnswer } from '../upstream/upstream.ts';
import { readError } from './answer-error.ts';
import type { Masquerades } from './masquerades.ts';
import { OwnTrouble } from './own-trouble.ts';

export type CurrentState =
  | { readonly kind: 'event'; readonly event: ShownEvent }
  | { readonly kind: 'absent' }
  /** the room does not show it to this user */
  | { readonly kind: 'unreadable' };

/** A page of a room's timeline, newest first; `next` null: there is nothing older. */
export interface TimelinePage {
  readonly events: readonly ShownEvent[];
  /** as many as a page has at most */
  readonly isFull: boolean;
  readonly next: string | null;
}

const messages = Compile(
  Type.Object({ chunk: Type.Array(Type.Unknown()), end: Type.Optional(Type.String()) }),
);

/** as many as Synapse gives at most to who asks for more */
const pageSize = 100;

/** Reads rooms with the eyes of one of their members. */
export class RoomReader {
  readonly #puppet: Puppet;
  readonly #masquerades: Masquerades;

  constructor(puppet: Puppet, masquerades: Masquerades) {
    this.#puppet = puppet;
    this.#masquerades = masquerades;
  }

  /** @throws HomeserverUnavailable */
  async state({ room, type, key }: StateKey, as: UserId): Promise<CurrentState> {
    const answer = await this.#puppet.get({
      as,
      path: ['rooms', room, 'state', type, key],
      query: { format: 'event' },
    });
    if (answer.status === 404 && readError(answer).errcode === 'M_NOT_FOUND') return { kind: 'absent' };
    const event = await this.#shown(answer, as);
    return event === null ? { kind: 'unreadable' } : { kind: 'event', event };
  }

  /** null: there is none that this user may see. @throws HomeserverUnavailable */
  async event(room: RoomId, id: EventId, as: UserId): Promise<ShownEvent | null> {
    return this.#shown(await this.#puppet.get({ as, path: ['rooms', room, 'event', id] }), as);
  }

  async #shown(answer: UpstreamAnswer, as: UserId): Promise<ShownEvent | null> {
    if (answer.status !== 200) return this.#hidden(answer, as);
    const event = readEvent(answer.body);
    // Nobody's refusal: what cannot be read must not make a member look like one who is out.
    if (event === null) throw new HomeserverUnavailable('The homeserver answered no event');
    return event;
  }

  /**
   * @param filter of `GET /messages`; null: everything
   * @param from what the page before said; null: the newest page
   * @returns null: the room is not shown to this user
   * @throws HomeserverUnavailable
   */
  async timeline(
    room: RoomId,
    as: UserId,
    filter: { readonly types: readonly string[]; readonly senders?: readonly UserId[] } | null,
    from: string | null,
  ): Promise<TimelinePage | null> {
    const answer = await this.#puppet.get({
      as,
      path: ['rooms', room, 'messages'],
      query: {
        dir: 'b',
        limit: String(pageSize),
        ...(filter !== null && { filter: JSON.stringify(filter) }),
        ...(from !== null && { from }),
      },
    });
    if (answer.status !== 200) return this.#hidden(answer, as);
    if (!messages.Check(answer.body)) throw new HomeserverUnavailable('The homeserver answered no timeline');
    const { chunk, end = null } = answer.body;
    const events = chunk.map(readEvent).filter((event) => event !== null);
    return { events, isFull: chunk.length >= pageSize, next: end };
  }

  /** null: the room, or the event, is not for this user; everything else is nobody's refusal. */
  async #hidden(answer: UpstreamAnswer, as: UserId): Promise<null> {
    const { errcode } = readError(answer);
    const refused = answer.status === 403 || (answer.status === 404 && errcode === 'M_NOT_FOUND');
    const unknownRoom = answer.status === 400 && errcode !== null;
    if (unknownRoom || (refused && (await this.#masquerades.mayActAs(as)))) return null;
    if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) throw OwnTrouble.of(answer);
    throw new HomeserverUnavailable(`The homeserver answered ${answer.status}`);
  }
}
