import {
  stateKeyOf,
  type Accepted,
  type Ms,
  type Sent,
  type StateKey,
  type UserId,
} from '@matrix-futures/engine';
import type { HomeserverKind } from '../kinds/kind.ts';
import { isEventOf, redactedByEvent, type ShownEvent } from '../upstream/shown-event.ts';
import { redactedBy } from './attempt.ts';
import type { Invitations } from './invitations.ts';
import type { RoomReader } from './room-reader.ts';
import { isFence, type StateHistory } from './state-history.ts';
import type { Witnesses } from './witnesses.ts';

export type Seen = Accepted | { readonly kind: 'absent' } | { readonly kind: 'cannot-tell' };

/** 10,000 events, or so many of one sender and type: further back, nobody's attempt is looked for. */
const mostPages = 100;

/** Two clocks, and a timeline that is not in order of time, differ by less. */
const slack: Ms = 600_000;

/** Whether the event of an attempt whose answer never came is in the room. */
export class Look {
  readonly #rooms: RoomReader;
  readonly #invitations: Invitations;
  readonly #history: StateHistory;
  readonly #witnesses: Witnesses;
  readonly #kind: () => HomeserverKind;

  constructor(parts: {
    readonly rooms: RoomReader;
    readonly invitations: Invitations;
    readonly history: StateHistory;
    readonly witnesses: Witnesses;
    readonly kind: () => HomeserverKind;
  }) {
    this.#rooms = parts.rooms;
    this.#invitations = parts.invitations;
    this.#history = parts.history;
    this.#witnesses = parts.witnesses;
    this.#kind = parts.kind;
  }

  /** @throws HomeserverUnavailable */
  async at(sent: Sent): Promise<Seen> {
    for (const as of this.#witnesses.of(sent.draft.room, sent.draft.sender)) {
      const seen = await this.#with(sent, as);
      if (seen !== null) return seen;
    }
    return { kind: 'cannot-tell' };
  }

  /** null: the room is not shown to this user. */
  #with(sent: Sent, as: UserId): Promise<Seen | null> {
    const key = stateKeyOf(sent.draft);
    return key === null ? this.#inTimeline(sent, as) : this.#state(key, sent, as);
  }

  /**
   * Newer state is never overwritten by a guess: from the current event back to the fence, ours is there or not. Where
   * there is no way back to it, the room's timeline is looked through, which need not go back so far.
   */
  async #state(key: StateKey, sent: Sent, as: UserId): Promise<Seen | null> {
    const { draft, timestamp, fence } = sent;
    const current = await this.#rooms.state(key, as);
    if (current.kind === 'unreadable') return this.#notEntered(key, draft.sender);
    if (current.kind === 'absent' || isFence(current, fence)) return { kind: 'absent' };
    const isOurs = (event: ShownEvent): boolean => isEventOf(event, draft, timestamp);
    if (isOurs(current.event)) return { kind: 'accepted', event: current.event.event_id };
    if (!this.#kind().linksState) return this.#inTimeline(sent, as);
    const { events, complete } = await this.#history.since(key, as, fence, current.event);
    const ours = events.find(isOurs);
    if (ours !== undefined) return { kind: 'accepted', event: ours.event_id };
    return complete ? { kind: 'absent' } : this.#inTimeline(sent, as);
  }

  /** Whoever is still invited has neither joined nor left. */
  async #notEntered({ room, type, key }: StateKey, sender: UserId): Promise<Seen | null> {
    const isOwn = type === 'm.room.member' && key === sender;
    return isOwn && (await this.#invitations.has(room, sender)) ? { kind: 'absent' } : null;
  }

  /** From the newest event back to when the claim began. */
  async #inTimeline(sent: Sent, as: UserId): Promise<Seen | null> {
    const { draft, timestamp, since } = sent;
    const filter = this.#kind().filtersFirst ? { types: [draft.type], senders: [draft.sender] } : null;
    const oldest = Math.min(since, timestamp) - slack;
    let from: string | null = null;
    for (let page = 0; page < mostPages; page += 1) {
      const shown = await this.#rooms.timeline(draft.room, as, filter, from);
      if (shown === null) return page === 0 ? null : { kind: 'cannot-tell' };
      const ours = shown.events.find((event) => this.#isOurs(event, sent));
      if (ours !== undefined) return { kind: 'accepted', event: ours.event_id };
      // A whole page, for single events may be of servers whose clocks are wrong.
      const isBefore = shown.isFull && shown.events.every(({ origin_server_ts: at }) => at < oldest);
      if (isBefore || shown.next === null) return { kind: 'absent' };
      from = shown.next;
    }
    return { kind: 'cannot-tell' };
  }

  /** Where a transaction id is shown, it alone counts: two events of a user's can be the same in the same millisecond. */
  #isOurs(event: ShownEvent, { draft, transactionId, timestamp }: Sent): boolean {
    if (event.sender !== draft.sender) return false;
    const shown = this.#kind().showsTransactionIds ? event.unsigned?.transaction_id : undefined;
    if (shown !== undefined) return shown === transactionId;
    const redacts = redactedBy(draft);
    // `PUT /redact` ignores `ts`. What the same user has redacted is as it should be.
    return redacts === null ? isEventOf(event, draft, timestamp) : redacts === redactedByEvent(event);
  }
}
