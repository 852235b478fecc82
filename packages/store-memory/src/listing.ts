import {
  alive,
  contentBytes,
  stateKeyOf,
  type EventId,
  type Filter,
  type Future,
  type Instant,
  type MarkOf,
  type Page,
  type Retention,
  type StateKey,
  type Usage,
  type UserId,
} from '@matrix-futures/engine';
import { isPending, nameOfKey, type Tables } from './tables.ts';

const pageSize = 100;

type Listed = Page['futures'][number];

/** `alive`, by what the tables know of new state and of the owner. */
export function isAlive(tables: Tables, owner: UserId, future: Future): boolean {
  const markOf: MarkOf = (key) => tables.marks.get(nameOfKey(key)) ?? null;
  return alive(future, { markOf, ownerActive: !tables.inactive.has(owner) });
}

export function page(
  tables: Tables,
  owner: UserId,
  filter: Filter,
  after: string | null,
  retention: Retention,
  now: Instant,
): Page {
  const all = filter === 'running' ? running(tables, owner) : finished(tables, owner, retention, now);
  // The page says after whom it goes on, not how many it skips: others may have finished meanwhile.
  const start = after === null ? 0 : all.findIndex((listed) => isPast(listed, after, filter));
  const futures = start === -1 ? [] : all.slice(start, start + pageSize);
  const last = futures.at(-1);
  return { futures, next: last === undefined || last === all.at(-1) ? null : placeOf(last) };
}

/** By id. */
function running(tables: Tables, owner: UserId): Listed[] {
  return listedOf(tables, owner)
    .filter(({ future }) => isAlive(tables, owner, future))
    .sort((a, b) => a.future.id - b.future.id);
}

/** Latest first. */
function finished(tables: Tables, owner: UserId, retention: Retention, now: Instant): Listed[] {
  return listedOf(tables, owner)
    .filter(({ future }) => future.outcome !== null && future.outcome.at + retention.listed > now)
    .sort((a, b) => endOf(b) - endOf(a) || b.future.id - a.future.id)
    .slice(0, retention.listedPerOwner);
}

/** Those in the owner's list of outcomes that became one of these events. */
export function sentAs(
  tables: Tables,
  owner: UserId,
  events: ReadonlySet<EventId>,
  retention: Retention,
  now: Instant,
): Future[] {
  return finished(tables, owner, retention, now)
    .map(({ future }) => future)
    .filter(({ outcome }) => outcome?.kind === 'sent' && events.has(outcome.event));
}

/** Pending, or still in its owner's list of outcomes. */
export function isListed(
  tables: Tables,
  owner: UserId,
  { id, outcome }: Future,
  retention: Retention,
  now: Instant,
): boolean {
  return outcome === null || finished(tables, owner, retention, now).some(({ future }) => future.id === id);
}

function listedOf(tables: Tables, owner: UserId): Listed[] {
  return tables
    .ofOwner(owner)
    .flatMap((group) => group.futures.map((future) => ({ future, groupName: group.name })));
}

function endOf({ future }: Listed): Instant {
  return future.outcome?.at ?? 0;
}

/** The place of an entry in its list, as the next page names it. */
function placeOf(listed: Listed): string {
  return `${endOf(listed)}_${listed.future.id}`;
}

function isPast(listed: Listed, place: string, filter: Filter): boolean {
  const [end = 0, id = 0] = place.split('_').map(Number);
  if (filter === 'running') return listed.future.id > id;
  return endOf(listed) < end || (endOf(listed) === end && listed.future.id < id);
}

/** Counted when asked for. */
export function usageOf(tables: Tables, owner: UserId): Usage {
  const pending = tables.ofOwner(owner).flatMap(({ futures }) => futures.filter(isPending));
  const deadlines = pending.flatMap(({ deadline }) => deadline ?? []);
  return {
    pending: pending.length,
    contentBytes: pending.reduce((sum, { draft }) => sum + contentBytes(draft), 0),
    onKey: (key) => pending.filter(({ draft }) => standsOn(stateKeyOf(draft), key)).length,
    nextDeadline: deadlines.length === 0 ? null : Math.min(...deadlines),
  };
}

function standsOn(own: StateKey | null, key: StateKey): boolean {
  return own !== null && nameOfKey(own) === nameOfKey(key);
}
