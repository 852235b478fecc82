import {
  stateKeyOf,
  type Future,
  type FutureId,
  type Group,
  type GroupId,
  type StateKey,
  type StateMark,
  type TransactionMemory,
  type UserId,
} from '@matrix-futures/engine';
import { Agenda, type Entry } from './agenda.ts';

/** What is durable, as plain data that is never changed: what a crash leaves behind. */
export interface Image {
  readonly groups: readonly Group[];
  readonly memories: readonly TransactionMemory[];
  /** by `nameOfKey` */
  readonly marks: readonly (readonly [key: string, mark: StateMark])[];
  /** Keys whose mark moved, and the last future on each that was looked at since. */
  readonly unsweptKeys: readonly (readonly [key: string, after: FutureId])[];
  readonly inactive: readonly UserId[];
  /** Owners who were deactivated, and the last group of each that was looked at since. */
  readonly unsweptOwners: readonly (readonly [owner: UserId, after: GroupId])[];
  readonly lastFuture: FutureId;
  readonly lastGroup: GroupId;
  readonly stateOrder: number;
}

/** One text for each key; JSON keeps the three parts apart. */
export function nameOfKey({ room, type, key }: StateKey): string {
  return JSON.stringify([room, type, key]);
}

export function isPending(future: Future): boolean {
  return future.status !== 'finished';
}

/** The futures of the store and what finds them. Every write can be undone until it is kept. */
export class Tables {
  readonly groups = new Map<GroupId, Group>();
  readonly memories = new Map<string, TransactionMemory>();
  readonly marks = new Map<string, StateMark>();
  readonly unsweptKeys = new Map<string, FutureId>();
  readonly inactive = new Map<UserId, true>();
  readonly unsweptOwners = new Map<UserId, GroupId>();
  /** Not undone: an id that was given out is never given again, as sequences of databases have it. */
  lastFuture: FutureId;
  lastGroup: GroupId;
  readonly agenda = new Agenda();
  readonly #named = new Map<string, GroupId>();
  readonly #ofFuture = new Map<FutureId, GroupId>();
  readonly #ofOwner = new Map<UserId, Set<GroupId>>();
  readonly #onKey = new Map<string, Set<FutureId>>();
  #stateOrder: number;
  readonly #undo: (() => void)[] = [];

  constructor(image: Image | null) {
    this.lastFuture = image?.lastFuture ?? 0;
    this.lastGroup = image?.lastGroup ?? 0;
    this.#stateOrder = image?.stateOrder ?? 0;
    if (image === null) return;
    for (const group of image.groups) this.#replace(null, group);
    for (const memory of image.memories) this.memories.set(memory.scope, memory);
    for (const [key, mark] of image.marks) this.marks.set(key, mark);
    for (const [key, after] of image.unsweptKeys) this.unsweptKeys.set(key, after);
    for (const owner of image.inactive) this.inactive.set(owner, true);
    for (const [owner, after] of image.unsweptOwners) this.unsweptOwners.set(owner, after);
  }

  image(): Image {
    return {
      groups: [...this.groups.values()],
      memories: [...this.memories.values()],
      marks: [...this.marks],
      unsweptKeys: [...this.unsweptKeys],
      inactive: [...this.inactive.keys()],
      unsweptOwners: [...this.unsweptOwners],
      lastFuture: this.lastFuture,
      lastGroup: this.lastGroup,
      stateOrder: this.#stateOrder,
    };
  }

  get stateOrder(): number {
    return this.#stateOrder;
  }

  countState(): number {
    const before = this.#stateOrder;
    this.#undo.push(() => (this.#stateOrder = before));
    this.#stateOrder += 1;
    return this.#stateOrder;
  }

  /** The group of that name that is not closed. */
  named(owner: UserId, name: string): Group | null {
    return this.#group(this.#named.get(JSON.stringify([owner, name])));
  }

  ofFuture(future: FutureId): Group | null {
    return this.#group(this.#ofFuture.get(future));
  }

  /** By id. */
  ofOwner(owner: UserId): Group[] {
    const ids = [...(this.#ofOwner.get(owner) ?? [])].sort((a, b) => a - b);
    return ids.flatMap((id) => this.groups.get(id) ?? []);
  }

  /** The pending futures on a key, by id. */
  onKey(key: string): FutureId[] {
    return [...(this.#onKey.get(key) ?? [])].sort((a, b) => a - b);
  }

  /** Puts one group in the place of another: null before: a new one; null after: deleted. */
  write(before: Group | null, after: Group | null): void {
    this.#replace(before, after);
    this.#undo.push(() => this.#replace(after, before));
    for (const key of before === null ? [] : keysOf(before)) {
      if (this.#onKey.has(key)) continue;
      this.put(this.marks, key, undefined);
      this.put(this.unsweptKeys, key, undefined);
    }
  }

  /** Sets an entry of one of the maps above; undefined deletes it. */
  put<K, V>(map: Map<K, V>, key: K, value: V | undefined): void {
    const before = map.get(key);
    this.#undo.push(() => assign(map, key, before));
    assign(map, key, value);
  }

  /** Was anything written since the last `keep`? */
  get changed(): boolean {
    return this.#undo.length > 0;
  }

  /** From here on, what was written stays. */
  keep(): void {
    this.#undo.length = 0;
  }

  /** Undoes the writes since the last `keep`, from `mark` on. */
  undo(mark = 0): void {
    while (this.#undo.length > mark) this.#undo.pop()?.();
  }

  /** Where `undo` can go back to. */
  mark(): number {
    return this.#undo.length;
  }

  #group(id: GroupId | undefined): Group | null {
    return id === undefined ? null : (this.groups.get(id) ?? null);
  }

  #replace(before: Group | null, after: Group | null): void {
    if (before !== null) this.#takeOut(before);
    if (after !== null) this.#takeIn(after);
  }

  #takeIn(group: Group): void {
    this.groups.set(group.id, group);
    add(this.#ofOwner, group.owner, group.id);
    if (group.phase !== 'closed') this.#named.set(JSON.stringify([group.owner, group.name]), group.id);
    for (const future of group.futures) {
      this.#ofFuture.set(future.id, group.id);
      const key = keyOf(future);
      if (key !== null) add(this.#onKey, key, future.id);
    }
    for (const entry of entriesOf(group)) this.agenda.add(entry);
  }

  #takeOut(group: Group): void {
    this.groups.delete(group.id);
    remove(this.#ofOwner, group.owner, group.id);
    if (group.phase !== 'closed') this.#named.delete(JSON.stringify([group.owner, group.name]));
    for (const future of group.futures) {
      this.#ofFuture.delete(future.id);
      const key = keyOf(future);
      if (key !== null) remove(this.#onKey, key, future.id);
    }
    for (const entry of entriesOf(group)) this.agenda.remove(entry);
  }
}

/** The key that a pending future stands on. */
function keyOf(future: Future): string | null {
  const key = stateKeyOf(future.draft);
  return key === null || !isPending(future) ? null : nameOfKey(key);
}

function keysOf(group: Group): Set<string> {
  return new Set(group.futures.flatMap((future) => keyOf(future) ?? []));
}

/** What of a group is due one day. */
function entriesOf(group: Group): Entry[] {
  if (group.claim !== null) return [{ at: group.claim.leaseEnd, group: group.id, future: null }];
  if (group.phase !== 'open') return [];
  return group.futures.flatMap(({ id, status, deadline }) =>
    status === 'scheduled' && deadline !== null ? [{ at: deadline, group: group.id, future: id }] : [],
  );
}

function assign<K, V>(map: Map<K, V>, key: K, value: V | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}

function add<K, V>(sets: Map<K, Set<V>>, key: K, value: V): void {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([value]));
  else set.add(value);
}

function remove<K, V>(sets: Map<K, Set<V>>, key: K, value: V): void {
  const set = sets.get(key);
  set?.delete(value);
  if (set?.size === 0) sets.delete(key);
}
