import {
  sameKey,
  stateKeyOf,
  type Draft,
  type EventId,
  type Fence,
  type LocalHomeserver,
  type NewState,
  type StateKey,
  type UserId,
} from '../../src/index.ts';
import type { VirtualTime } from './virtual-time.ts';

/** What happened in the rooms, in order: the one truth that everything else is judged by. */
export interface Entry {
  readonly kind: 'event' | 'refused';
  /** real time */
  readonly at: number;
  readonly event: EventId;
  readonly draft: Draft;
  readonly timestamp: number;
  /** remote only: when the request was written, in real time */
  readonly written: number;
  readonly transaction: string | null;
}

export const noPower = { status: 403, errcode: 'M_FORBIDDEN', error: 'no power' };

/** Every room of the simulation. */
export class Rooms {
  readonly time: VirtualTime;
  readonly log: Entry[] = [];
  /** users whose events the rooms refuse */
  readonly powerless = new Set<UserId>();
  readonly #onEntry: (entry: Entry) => void;
  #events = 0;

  constructor(time: VirtualTime, onEntry: (entry: Entry) => void) {
    this.time = time;
    this.#onEntry = onEntry;
  }

  /** Judges a draft, without putting it into the room yet. */
  judge(draft: Draft, timestamp: number, transaction: string | null, written: number): Entry {
    const at = this.time.now();
    const kind = this.powerless.has(draft.sender) ? 'refused' : 'event';
    if (kind === 'event') this.#events += 1;
    const event = kind === 'event' ? `$${String(this.#events).padStart(43, '0')}` : '';
    return { kind, at, event, draft, timestamp, written, transaction };
  }

  add(entry: Entry): void {
    this.log.push(entry);
    this.#onEntry(entry);
  }

  /** The current state event of a key. */
  current(key: StateKey): Fence {
    const last = this.#stateOf(key).at(-1);
    return last === undefined ? { kind: 'absent' } : { kind: 'event', event: last.event };
  }

  /** What came on a key after a fence. */
  since(key: StateKey, as: UserId, fence: Fence): NewState {
    const all = this.#stateOf(key);
    if (all.length === 0) return 'none';
    const place = fence.kind === 'event' ? all.findIndex(({ event }) => event === fence.event) : -1;
    if (fence.kind === 'event' ? place === -1 : fence.kind !== 'absent') return 'unreadable';
    const newer = all.slice(place + 1);
    if (newer.length === 0) return 'none';
    return newer.every(({ draft }) => draft.sender === as) ? 'own' : 'others';
  }

  #stateOf(key: StateKey): Entry[] {
    return this.log.filter(({ kind, draft }) => kind === 'event' && sameKey(stateKeyOf(draft), key));
  }
}

/** A homeserver in the process: what it appends is in the room when the store's unit of work commits. */
export class LocalDouble implements LocalHomeserver {
  readonly kind = 'local';
  readonly #rooms: Rooms;
  readonly #onState: (key: StateKey, event: EventId, sender: UserId) => void;
  readonly #onCommit: ((effect: () => void) => void) | null;
  #pending: Entry[] = [];

  /** @param onCommit of the turn that a store on disk shares; null: `keep` and `discard` are called */
  constructor(
    rooms: Rooms,
    onState: (key: StateKey, event: EventId, sender: UserId) => void,
    onCommit: ((effect: () => void) => void) | null = null,
  ) {
    this.#rooms = rooms;
    this.#onState = onState;
    this.#onCommit = onCommit;
  }

  judgeForm(): null {
    return null;
  }

  append(draft: Draft, timestamp: number) {
    const entry = this.#rooms.judge(draft, timestamp, null, this.#rooms.time.now());
    if (this.#onCommit === null) this.#pending.push(entry);
    else this.#onCommit(() => this.#rooms.add(entry));
    if (entry.kind === 'refused') return { kind: 'refused', error: noPower } as const;
    if (draft.stateKey !== null)
      this.#onState({ room: draft.room, type: draft.type, key: draft.stateKey }, entry.event, draft.sender);
    return { kind: 'accepted', event: entry.event } as const;
  }

  /** The unit was committed. */
  keep(): void {
    for (const entry of this.#pending.splice(0)) this.#rooms.add(entry);
  }

  /** The unit was undone, or wrote nothing. */
  discard(): void {
    this.#pending = [];
  }
}
