import { wallAhead, type Clock } from './clock.ts';
import type { UserId } from './event.ts';
import type { Future, FutureId } from './future.ts';
import { heldFuture, type Holder } from './holder.ts';
import { pageOf, type ListFilter, type Place } from './list-page.ts';
import { bury } from './rules/bury.ts';
import { afterSyncs, type LastSync } from './rules/heartbeat.ts';
import type { FutureTokens } from './scheduling.ts';
import type { Filter, FutureStore } from './store.ts';
import type { Sweeping } from './sweeping.ts';

/** A future of its owner's, with the name of its group. */
export interface OwnFuture {
  readonly future: Future;
  readonly groupName: string;
}

/** The same with what can be done to it. */
export interface ListedFuture extends OwnFuture {
  readonly tokens: FutureTokens;
}

/** A page of an owner's futures is asked for. Bounds of the filter are in wall time. */
export interface PageRequest extends ListFilter {
  /** where the page before ended; null: the first */
  readonly after: Place | null;
  /** futures at most */
  readonly size: number;
}

/** What owners are told of their futures. */
export class Lists {
  readonly #store: FutureStore;
  readonly #clock: Clock;
  readonly #sweeping: Sweeping;
  readonly #lastSync: LastSync;

  constructor(parts: {
    readonly store: FutureStore;
    readonly clock: Clock;
    readonly sweeping: Sweeping;
    readonly lastSync: LastSync;
  }) {
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#sweeping = parts.sweeping;
    this.#lastSync = parts.lastSync;
  }

  /** Every running future of the owner, whatever generation made it, oldest first. */
  async running(owner: UserId): Promise<readonly OwnFuture[]> {
    const all = await this.#all(owner, 'running');
    // Rule L, before it is written down: where new state ended the last timeout future, the action futures are over.
    const timed = new Set(
      all.flatMap(({ future, groupName }) => (future.timeout === null ? [] : [groupName])),
    );
    return all
      .filter(({ groupName }) => timed.has(groupName))
      .map(({ future, groupName }) => ({ groupName, future: afterSyncs(future, owner, this.#lastSync) }));
  }

  async page(
    owner: UserId,
    { after, size, ...filter }: PageRequest,
  ): Promise<{ readonly page: readonly OwnFuture[]; readonly next: Place | null }> {
    // What new state has ended is written down within a second: here it must not be missing from both lists.
    await this.#sweeping.catchUp();
    const byId = new Map<FutureId, OwnFuture>();
    // In this order: what finishes between the two is found in both, and the later word counts.
    if (filter.statuses.includes('scheduled'))
      for (const one of await this.running(owner)) byId.set(one.future.id, one);
    if (filter.statuses.some((status) => status !== 'scheduled'))
      for (const one of await this.#all(owner, 'finished')) byId.set(one.future.id, one);
    const ahead = wallAhead(this.#clock);
    const inServerTime = { ...filter, earliest: filter.earliest - ahead, latest: filter.latest - ahead };
    return pageOf([...byId.values()], inServerTime, after, size);
  }

  /** One future for whoever holds it; null: there is none, or not for them. */
  async find(holder: Holder): Promise<(OwnFuture & { readonly listed: boolean }) | null> {
    await this.#store.change({ by: 'future', future: holder.future }, (group, world) => ({
      next: group?.phase === 'open' ? bury(group, world, true) : group,
      answer: undefined,
    }));
    const found = await this.#store.find(holder.future);
    const future = found && heldFuture(found.group, holder);
    if (!found || !future) return null;
    const { group, listed } = found;
    return { future: afterSyncs(future, group.owner, this.#lastSync), groupName: group.name, listed };
  }

  async #all(owner: UserId, filter: Filter): Promise<readonly OwnFuture[]> {
    const all: OwnFuture[] = [];
    let page: string | null = null;
    do {
      const { futures, next } = await this.#store.list(owner, filter, page);
      all.push(...futures);
      page = next;
    } while (page !== null);
    return all;
  }
}
