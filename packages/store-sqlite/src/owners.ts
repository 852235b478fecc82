import type { UserId } from '@matrix-futures/engine';
import type { Database, Turn } from '@matrix-futures/sqlite';

const FIRST_ROOM = 1_024;

/** Owners by number, and in memory what they have pending: 13 bytes an owner. */
export class Owners {
  readonly #turn: Turn;
  readonly #byName;
  readonly #insert;
  readonly #deactivate;
  readonly #inactiveOnes;
  #pending = new Uint32Array(FIRST_ROOM);
  #contentBytes = new Float64Array(FIRST_ROOM);
  #inactive = new Uint8Array(FIRST_ROOM);

  constructor(database: Database) {
    this.#turn = database.turn;
    this.#byName = database.prepare<[UserId], { id: number }>('SELECT id FROM owners WHERE name = ?');
    this.#insert = database.prepare<[UserId], never>('INSERT INTO owners (name) VALUES (?)');
    this.#deactivate = database.prepare<[number], never>('UPDATE owners SET active = 0 WHERE id = ?');
    this.#inactiveOnes = database.prepare<[], { id: number }>('SELECT id FROM owners WHERE active = 0');
  }

  /** 0: never seen. */
  find(name: UserId): number {
    return this.#byName.get(name)?.id ?? 0;
  }

  numberOf(name: UserId): number {
    return this.find(name) || this.#insert.run(name).lastInsertRowid;
  }

  active(owner: number): boolean {
    return this.#inactive[owner] !== 1;
  }

  pending(owner: number): number {
    return this.#pending[owner] ?? 0;
  }

  contentBytes(owner: number): number {
    return this.#contentBytes[owner] ?? 0;
  }

  deactivate(owner: number): void {
    this.#deactivate.run(owner);
    this.#turn.onUndo(() => {
      this.#inactive[owner] = 0;
    });
    this.#reach(owner);
    this.#inactive[owner] = 1;
  }

  /** So many futures more, or fewer, with so many bytes of content. */
  count(owner: number, futures: number, bytes: number): void {
    this.#turn.onUndo(() => this.load(owner, -futures, -bytes));
    this.load(owner, futures, bytes);
  }

  load(owner: number, futures: number, bytes: number): void {
    this.#reach(owner);
    this.#pending[owner] = this.pending(owner) + futures;
    this.#contentBytes[owner] = this.contentBytes(owner) + bytes;
  }

  /** At start. Answers who is inactive. */
  loadInactive(): readonly number[] {
    const owners = this.#inactiveOnes.all().map(({ id }) => id);
    for (const owner of owners) {
      this.#reach(owner);
      this.#inactive[owner] = 1;
    }
    return owners;
  }

  #reach(owner: number): void {
    if (owner < this.#pending.length) return;
    const room = Math.max(owner + 1, 2 * this.#pending.length);
    const pending = new Uint32Array(room);
    const contentBytes = new Float64Array(room);
    const inactive = new Uint8Array(room);
    pending.set(this.#pending);
    contentBytes.set(this.#contentBytes);
    inactive.set(this.#inactive);
    this.#pending = pending;
    this.#contentBytes = contentBytes;
    this.#inactive = inactive;
  }
}
