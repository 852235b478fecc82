import type { FutureId, Instant, Ms } from '@matrix-futures/engine';
import { IdIndex } from './id-index.ts';

/** What memory keeps of a scheduled future with a deadline. */
export interface Timer {
  readonly id: FutureId;
  readonly nonceHigh: number;
  readonly nonceLow: number;
  /** its code (`words.ts`) */
  readonly generation: number;
  /** NaN: none, it has a deadline but cannot be refreshed */
  readonly timeout: Ms;
  readonly deadline: Instant;
  readonly since: Instant;
  /** number of its owner */
  readonly owner: number;
  /** number of its state key; 0: a message */
  readonly stateKey: number;
  /** No state event up to this order has killed it. */
  readonly aliveUpTo: number;
  /** Its group is claimed or staged: no timer runs. */
  readonly frozen: boolean;
  /** Sequence of the journal row with its last entry; 0: there is none, its own row has everything. */
  readonly journal: number;
}

const CHUNK_BITS = 14;
const CHUNK = 1 << CHUNK_BITS;
const FROZEN = 0x80;

/** 16,384 timers, 65 bytes each. */
class Chunk {
  readonly id = new Float64Array(CHUNK);
  readonly timeout = new Float64Array(CHUNK);
  readonly deadline = new Float64Array(CHUNK);
  readonly since = new Float64Array(CHUNK);
  readonly aliveUpTo = new Float64Array(CHUNK);
  readonly journal = new Float64Array(CHUNK);
  readonly nonceHigh = new Uint32Array(CHUNK);
  readonly nonceLow = new Uint32Array(CHUNK);
  readonly owner = new Uint32Array(CHUNK);
  readonly stateKey = new Uint32Array(CHUNK);
  /** generation, and whether frozen */
  readonly kind = new Uint8Array(CHUNK);
}

/**
 * Timers in columns, in numbered slots that are used again. It grows by a chunk at a time, so that no growth ever
 * copies; with the index, some 76 bytes a timer.
 */
export class TimerColumns {
  readonly #chunks: Chunk[] = [];
  readonly #index = new IdIndex((slot) => this.chunk(slot).id[slot & (CHUNK - 1)] ?? 0);
  readonly #free: number[] = [];
  #used = 0;

  /** Slots that are or were in use: every slot is below. */
  get end(): number {
    return this.#used;
  }

  /** −1: there is none. */
  find(id: FutureId): number {
    return this.#index.find(id);
  }

  chunk(slot: number): Chunk {
    const chunk = this.#chunks[slot >>> CHUNK_BITS];
    if (chunk === undefined) throw new RangeError(`no slot ${slot}`);
    return chunk;
  }

  /** Where a slot stands in its chunk. */
  at(slot: number): number {
    return slot & (CHUNK - 1);
  }

  read(slot: number): Timer {
    const chunk = this.chunk(slot);
    const at = slot & (CHUNK - 1);
    const kind = chunk.kind[at] ?? 0;
    return {
      id: chunk.id[at] ?? 0,
      nonceHigh: chunk.nonceHigh[at] ?? 0,
      nonceLow: chunk.nonceLow[at] ?? 0,
      generation: kind & ~FROZEN,
      timeout: chunk.timeout[at] ?? NaN,
      deadline: chunk.deadline[at] ?? 0,
      since: chunk.since[at] ?? 0,
      owner: chunk.owner[at] ?? 0,
      stateKey: chunk.stateKey[at] ?? 0,
      aliveUpTo: chunk.aliveUpTo[at] ?? 0,
      frozen: (kind & FROZEN) !== 0,
      journal: chunk.journal[at] ?? 0,
    };
  }

  /** Puts a timer into its slot, or into a new one. Answers which. */
  write(timer: Timer): number {
    const found = this.#index.find(timer.id);
    const slot = found < 0 ? (this.#free.pop() ?? this.#next()) : found;
    const chunk = this.chunk(slot);
    const at = slot & (CHUNK - 1);
    chunk.id[at] = timer.id;
    chunk.nonceHigh[at] = timer.nonceHigh;
    chunk.nonceLow[at] = timer.nonceLow;
    chunk.kind[at] = timer.generation | (timer.frozen ? FROZEN : 0);
    chunk.timeout[at] = timer.timeout;
    chunk.deadline[at] = timer.deadline;
    chunk.since[at] = timer.since;
    chunk.owner[at] = timer.owner;
    chunk.stateKey[at] = timer.stateKey;
    chunk.aliveUpTo[at] = timer.aliveUpTo;
    chunk.journal[at] = timer.journal;
    if (found < 0) this.#index.add(timer.id, slot);
    return slot;
  }

  remove(slot: number): void {
    const chunk = this.chunk(slot);
    const at = slot & (CHUNK - 1);
    this.#index.remove(chunk.id[at] ?? 0);
    chunk.id[at] = 0;
    this.#free.push(slot);
  }

  #next(): number {
    if (this.#used === this.#chunks.length * CHUNK) this.#chunks.push(new Chunk());
    this.#used += 1;
    return this.#used - 1;
  }
}
