import type { EventId, StateArrival, StateKey, StateMark, UserId } from '@matrix-futures/engine';
import type { Database, Turn } from '@matrix-futures/sqlite';

const FIRST_ROOM = 1_024;

/**
 * The state keys that pending futures stand on, by number, and their marks. In memory, 12 bytes a key: how many
 * futures stand on it, and the order of its last state event, so that a refresh sees at once that nothing arrived.
 * A key goes with its last future, its mark with it, and its number is used again.
 */
export class StateKeys {
  readonly #turn: Turn;
  readonly #byName;
  readonly #insert;
  readonly #remove;
  readonly #mark;
  readonly #setMark;
  readonly #removeMark;
  readonly #ofOwner;
  readonly #ownerOn;
  readonly #marks;
  #futures = new Uint32Array(FIRST_ROOM);
  #lastArrival = new Float64Array(FIRST_ROOM);
  readonly #free: number[] = [];
  /** 0 is nobody's number. */
  #end = 1;
  #order = 0;

  constructor(database: Database) {
    this.#turn = database.turn;
    this.#byName = database.prepare<[string, string, string], { id: number }>(
      'SELECT id FROM state_keys WHERE room = ? AND type = ? AND key = ?',
    );
    this.#insert = database.prepare<[string, string, string, number], never>(
      'INSERT INTO state_keys (room, type, key, id) VALUES (?, ?, ?, ?)',
    );
    this.#remove = database.prepare<[string, string, string], never>(
      'DELETE FROM state_keys WHERE room = ? AND type = ? AND key = ?',
    );
    this.#mark = database.prepare<[number], MarkRow>('SELECT * FROM marks WHERE state_key = ?');
    this.#setMark = database.prepare<
      [number, EventId, UserId, number, EventId | null, UserId | null, number | null],
      never
    >('INSERT OR REPLACE INTO marks VALUES (?, ?, ?, ?, ?, ?, ?)');
    this.#removeMark = database.prepare<[number], never>('DELETE FROM marks WHERE state_key = ?');
    this.#ofOwner = database.prepare<[number, number], { futures: number }>(
      'SELECT count(*) AS futures FROM futures WHERE state_key = ? AND owner = ?',
    );
    this.#ownerOn = database.prepare<[number], { name: UserId }>(
      'SELECT name FROM futures JOIN owners ON owners.id = owner WHERE state_key = ? LIMIT 1',
    );
    this.#marks = database.prepare<[], { state_key: number; arrival: number }>(
      'SELECT state_key, arrival FROM marks',
    );
  }

  /** The order of the last state event that was taken in. */
  get order(): number {
    return this.#order;
  }

  /** 0: no future stands on it. */
  find({ room, type, key }: StateKey): number {
    return this.#byName.get(room, type, key)?.id ?? 0;
  }

  /** Order of the last state event of the key; 0: none. */
  lastArrival(number: number): number {
    return this.#lastArrival[number] ?? 0;
  }

  /** How many of the owner's futures stand on the key. */
  ofOwner(key: StateKey, owner: number): number {
    const number = this.find(key);
    return number === 0 ? 0 : (this.#ofOwner.get(number, owner)?.futures ?? 0);
  }

  /** Somebody with a future on the key; null: nobody. */
  ownerOn(key: StateKey): UserId | null {
    const number = this.find(key);
    return number === 0 ? null : (this.#ownerOn.get(number)?.name ?? null);
  }

  markOf(key: StateKey): StateMark | null {
    const number = this.find(key);
    return number === 0 ? null : this.#markOf(number);
  }

  #markOf(number: number): StateMark | null {
    if (this.lastArrival(number) === 0) return null;
    const row = this.#mark.get(number);
    return row === undefined ? null : { last: lastOf(row), lastByAnother: anotherOf(row) };
  }

  /** One more future stands on the key. Answers its number. */
  use(key: StateKey): number {
    const found = this.find(key);
    if (found === 0) {
      const number = this.#take();
      this.#insert.run(key.room, key.type, key.key, number);
      this.#count(number, 1);
      return number;
    }
    this.#count(found, 1);
    return found;
  }

  /** One future less stands on it. */
  release(number: number, key: StateKey): void {
    this.#count(number, -1);
    if ((this.#futures[number] ?? 0) > 0) return;
    this.#remove.run(key.room, key.type, key.key);
    if (this.lastArrival(number) !== 0) {
      this.#removeMark.run(number);
      this.#arrive(number, 0);
    }
    this.#turn.onUndo(() => this.#free.pop());
    this.#free.push(number);
  }

  #take(): number {
    const reused = this.#free.pop();
    const number = reused ?? this.#end;
    if (reused === undefined) this.#end += 1;
    this.#turn.onUndo(() => this.#free.push(number));
    return number;
  }

  #count(number: number, futures: number): void {
    this.#turn.onUndo(() => this.load(number, -futures));
    this.load(number, futures);
  }

  #arrive(number: number, order: number): void {
    const before = this.lastArrival(number);
    this.#turn.onUndo(() => {
      this.#lastArrival[number] = before;
    });
    this.#lastArrival[number] = order;
  }

  /**
   * New state: the key's mark moves. Answers the key's number; 0: no future stands on it, and then the event is not
   * counted, since nothing will ever be compared with it.
   */
  arrived(key: StateKey, event: EventId, sender: UserId): number {
    const number = this.find(key);
    if (number === 0) return 0;
    const before = this.#markOf(number);
    const other = before?.last.sender === sender ? before.lastByAnother : (before?.last ?? null);
    this.#turn.onUndo(() => {
      this.#order -= 1;
    });
    this.#order += 1;
    this.#setMark.run(
      number,
      event,
      sender,
      this.#order,
      other?.event ?? null,
      other?.sender ?? null,
      other?.order ?? null,
    );
    this.#arrive(number, this.#order);
    return number;
  }

  /** At start: a future on this key. */
  load(number: number, futures: number): void {
    this.#reach(number);
    this.#futures[number] = (this.#futures[number] ?? 0) + futures;
  }

  /** At start: a pending future was made after so many state events. */
  loadOrder(order: number): void {
    this.#order = Math.max(this.#order, order);
  }

  /** At start, after all futures. Answers the keys with marks. */
  loadMarks(): readonly number[] {
    for (let number = 1; number < this.#end; number += 1) {
      if (this.#futures[number] === 0) this.#free.push(number);
    }
    return this.#marks.all().map(({ state_key: number, arrival }) => {
      this.#lastArrival[number] = arrival;
      this.loadOrder(arrival);
      return number;
    });
  }

  #reach(number: number): void {
    this.#end = Math.max(this.#end, number + 1);
    if (number < this.#futures.length) return;
    const room = Math.max(number + 1, 2 * this.#futures.length);
    const futures = new Uint32Array(room);
    const lastArrival = new Float64Array(room);
    futures.set(this.#futures);
    lastArrival.set(this.#lastArrival);
    this.#futures = futures;
    this.#lastArrival = lastArrival;
  }
}

interface MarkRow {
  readonly event: EventId;
  readonly sender: UserId;
  readonly arrival: number;
  readonly other_event: EventId | null;
  readonly other_sender: UserId | null;
  readonly other_arrival: number | null;
}

function lastOf({ event, sender, arrival }: MarkRow): StateArrival {
  return { event, sender, order: arrival };
}

function anotherOf({ other_event, other_sender, other_arrival }: MarkRow): StateArrival | null {
  if (other_event === null || other_sender === null || other_arrival === null) return null;
  return { event: other_event, sender: other_sender, order: other_arrival };
}
