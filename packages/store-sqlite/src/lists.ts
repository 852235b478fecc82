import { alive, type Filter, type MarkOf, type Page } from '@matrix-futures/engine';
import type { GroupReader } from './group-reader.ts';
import type { Owners } from './owners.ts';
import type { StateKeys } from './state-keys.ts';

const PAGE = 100;

/** The owners' lists, a page at a time. */
export class Lists {
  readonly #reader: GroupReader;
  readonly #owners: Owners;
  readonly #stateKeys: StateKeys;

  constructor(reader: GroupReader, owners: Owners, stateKeys: StateKeys) {
    this.#reader = reader;
    this.#owners = owners;
    this.#stateKeys = stateKeys;
  }

  page(owner: number, filter: Filter, page: string | null): Page {
    const rows =
      filter === 'running'
        ? this.#reader.running(owner, Number(page ?? 0), PAGE)
        : this.#reader.finished(owner, Number(page ?? Number.MAX_SAFE_INTEGER), PAGE);
    const markOf: MarkOf = (key) => this.#stateKeys.markOf(key);
    const world = { markOf, ownerActive: this.#owners.active(owner) };
    const listed = filter === 'running' ? rows.filter(({ future }) => alive(future, world)) : rows;
    return {
      futures: listed.map(({ future, groupName }) => ({ future, groupName })),
      next: rows.length < PAGE ? null : String(rows.at(-1)?.place),
    };
  }
}
