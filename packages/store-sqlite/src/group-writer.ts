import type { Future, Group, GroupId, Instant } from '@matrix-futures/engine';
import type { Database } from '@matrix-futures/sqlite';
import type { FutureRows, Home } from './future-rows.ts';
import type { Leases } from './leases.ts';
import type { Owners } from './owners.ts';
import type { StoredGroup } from './stored-group.ts';
import { codeOf, phases } from './words.ts';

/** Writes what changed of a group, told by the identity of its parts. */
export class GroupWriter {
  readonly #owners: Owners;
  readonly #leases: Leases;
  readonly #futures: FutureRows;
  readonly #onFinished: (owner: number) => void;
  readonly #insert;
  readonly #update;
  readonly #setNameFree;
  readonly #remove;

  /** @param onFinished futures of this owner may have got their outcomes */
  constructor(
    database: Database,
    owners: Owners,
    leases: Leases,
    futures: FutureRows,
    onFinished: (owner: number) => void,
  ) {
    this.#owners = owners;
    this.#leases = leases;
    this.#futures = futures;
    this.#onFinished = onFinished;
    this.#insert = database.prepare<
      [GroupId, owner: number, name: string, nameFree: number, ...Columns],
      never
    >(
      `INSERT INTO groups (id, owner, name, name_free, phase, epoch, claim, send_now, ended_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#update = database.prepare<[...Columns, GroupId], never>(
      'UPDATE groups SET phase = ?, epoch = ?, claim = ?, send_now = ?, ended_at = ? WHERE id = ?',
    );
    this.#setNameFree = database.prepare<[number, GroupId], never>(
      'UPDATE groups SET name_free = ? WHERE id = ?',
    );
    this.#remove = database.prepare<[GroupId], never>('DELETE FROM groups WHERE id = ?');
  }

  /** Makes of the group that a decision saw what it decided; another group than that one is a new one. */
  write(before: StoredGroup | null, next: Group | null): void {
    if (next === (before?.group ?? null)) return;
    if (next === null) this.remove(before);
    else if (before !== null && before.group.id === next.id) this.#change(before, next);
    else this.#add(next);
  }

  remove(stored: StoredGroup | null): void {
    if (stored === null) return;
    const home = homeOf(stored.group, stored.owner);
    for (const member of stored.members.values()) this.#futures.remove(home, member);
    this.#remove.run(stored.group.id);
    this.#leases.set(stored.group.id, null);
  }

  #add(group: Group): void {
    const owner = this.#owners.numberOf(group.owner);
    this.#insert.run(group.id, owner, group.name, nameFree(group), ...columnsOf(group));
    const home = homeOf(group, owner);
    for (const future of group.futures) this.#futures.insert(home, future);
    this.#leases.set(group.id, group.claim?.leaseEnd ?? null);
  }

  #change(before: StoredGroup, next: Group): void {
    const home = homeOf(next, before.owner);
    this.#changeRow(before.group, next);
    for (const member of before.members.values()) {
      if (!next.futures.some(({ id }) => id === member.future.id)) this.#futures.remove(home, member);
    }
    for (const future of next.futures) this.#changeFuture(home, before, future);
    this.#leases.set(next.id, next.claim?.leaseEnd ?? null);
    if (next.futures.some(({ outcome }) => outcome !== null)) this.#onFinished(before.owner);
  }

  #changeRow(before: Group, next: Group): void {
    const same =
      before.phase === next.phase &&
      before.epoch === next.epoch &&
      before.claim === next.claim &&
      before.sendNow === next.sendNow &&
      before.endedAt === next.endedAt;
    if (!same) this.#update.run(...columnsOf(next), next.id);
    if (nameFree(before) !== nameFree(next)) this.#setNameFree.run(nameFree(next), next.id);
  }

  #changeFuture(home: Home, before: StoredGroup, future: Future): void {
    const member = before.members.get(future.id);
    if (member === undefined) this.#futures.insert(home, future);
    else if (member.future === future) this.#futures.freeze(future, !home.open);
    else this.#futures.update(home, member, future);
  }
}

type Columns = [
  phase: number,
  epoch: number,
  claim: string | null,
  sendNow: string | null,
  endedAt: Instant | null,
];

function columnsOf({ phase, epoch, claim, sendNow, endedAt }: Group): Columns {
  return [
    codeOf(phases, phase),
    epoch,
    claim && JSON.stringify(claim),
    sendNow && JSON.stringify(sendNow),
    endedAt,
  ];
}

function nameFree({ phase }: Group): number {
  return phase === 'closed' ? 1 : 0;
}

function homeOf({ id, phase }: Group, owner: number): Home {
  return { group: id, owner, open: phase === 'open' };
}
