import type { Instant } from './clock.ts';
import type { RoomId } from './event.ts';
import type { Future, FutureId } from './future.ts';

/** What has become of a future, in the words of lists (MSC4486). */
export const listedStatuses = ['scheduled', 'sent', 'cancelled', 'failed'] as const;
export type ListedStatus = (typeof listedStatuses)[number];

export const finishedStatuses: readonly ListedStatus[] = ['sent', 'cancelled', 'failed'];

/** Which futures of an owner are listed, and in which order (MSC4486). */
export interface ListFilter {
  readonly statuses: readonly ListedStatus[];
  /** null: whatever it is */
  readonly room: RoomId | null;
  readonly type: string | null;
  /** bounds of the send time, both included */
  readonly earliest: Instant;
  readonly latest: Instant;
  /** `f`: the earliest send time first */
  readonly direction: 'f' | 'b';
}

/** A place in a list: of the last future of a page, after which the next goes on. */
export interface Place {
  /** Infinity: an action future, which has no send time and comes last */
  readonly sendTime: Instant;
  readonly id: FutureId;
}

function statusOf({ outcome }: Future): ListedStatus {
  return outcome?.kind ?? 'scheduled';
}

/** When its timer sends it, would have sent it, or has. */
function sendTimeOf({ deadline }: Future): Instant {
  return deadline ?? Infinity;
}

function placeOf(future: Future): Place {
  return { sendTime: sendTimeOf(future), id: future.id };
}

function compare(one: Place, other: Place): number {
  if (one.sendTime === other.sendTime) return one.id - other.id;
  return one.sendTime < other.sendTime ? -1 : 1;
}

/**
 * One page of a list in order of send time and id. A page says after which place it goes on, not how many futures it
 * leaves out: whatever comes and goes between two pages, a future that stays in its place is in exactly one of them.
 * @param after where the last page ended; null: the first page
 */
export function pageOf<Listed extends { readonly future: Future }>(
  all: readonly Listed[],
  filter: ListFilter,
  after: Place | null,
  size: number,
): { readonly page: readonly Listed[]; readonly next: Place | null } {
  const sign = filter.direction === 'f' ? 1 : -1;
  const left = all
    .filter(({ future }) => fits(future, filter))
    .filter(({ future }) => after === null || sign * compare(placeOf(future), after) > 0)
    .sort((a, b) => sign * compare(placeOf(a.future), placeOf(b.future)));
  const page = left.slice(0, size);
  const last = page.at(-1);
  return { page, next: last === undefined || page.length === left.length ? null : placeOf(last.future) };
}

function fits(future: Future, { statuses, room, type, earliest, latest }: ListFilter): boolean {
  const sendTime = sendTimeOf(future);
  return (
    statuses.includes(statusOf(future)) &&
    (room === null || room === future.draft.room) &&
    (type === null || type === future.draft.type) &&
    earliest <= sendTime &&
    sendTime <= latest
  );
}

/** A place as clients hand it back. It says nothing that the page itself does not. */
export function nameOfPlace({ sendTime, id }: Place): string {
  return `${sendTime === Infinity ? 'end' : sendTime}_${id}`;
}

/** null: not the name of a place */
export function readPlace(name: string): Place | null {
  const [, sendTime, id] = /^(end|\d{1,15})_(\d{1,15})$/.exec(name) ?? [];
  if (sendTime === undefined || id === undefined) return null;
  return { sendTime: sendTime === 'end' ? Infinity : Number(sendTime), id: Number(id) };
}
