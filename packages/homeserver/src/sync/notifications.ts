import type { EventId } from '@matrix-futures/engine';

/** Notifications that a user has not read yet (client-server API, "Receiving notifications"). */
export type Counts = {
  readonly notification_count: number;
  readonly highlight_count: number;
};

/** What a user has not read in a room, in numbers. */
export interface Unread {
  readonly all: Counts;
  /** by thread; the room's main timeline is the thread `main` */
  readonly threads: ReadonlyMap<string, Counts>;
}

/** An event that notified the user. */
export interface Notification {
  readonly event: EventId;
  readonly position: number;
  readonly highlight: boolean;
}

/** Behind that many nobody counts any more: the oldest are let go. */
const mostKept = 1_000;

/** What notified a user in a room, and is not read. */
export class Notifications {
  /** by thread, in order of position */
  readonly #threads = new Map<string, Notification[]>();
  #size = 0;

  /** Positions only go up. */
  add(thread: string, notification: Notification): void {
    const unread = this.#threads.get(thread) ?? [];
    this.#threads.set(thread, unread);
    unread.push(notification);
    this.#size += 1;
    const [oldest] = this.#threads;
    if (this.#size > mostKept && oldest !== undefined) this.#keep(oldest[0], oldest[1].slice(1));
  }

  /** Takes off what lies in the thread up to the position. */
  readThread(thread: string, upTo: number): void {
    const unread = this.#threads.get(thread);
    const [oldest] = unread ?? [];
    if (unread === undefined || oldest === undefined || oldest.position > upTo) return;
    this.#keep(
      thread,
      unread.filter((notification) => notification.position > upTo),
    );
  }

  /** Takes off what lies in any thread up to the position. */
  read(upTo: number): void {
    for (const thread of this.#threads.keys()) this.readThread(thread, upTo);
  }

  /** Takes off an event that is redacted. */
  redact(event: EventId): void {
    for (const [thread, unread] of this.#threads) {
      if (unread.some((notification) => notification.event === event)) {
        this.#keep(
          thread,
          unread.filter((notification) => notification.event !== event),
        );
      }
    }
  }

  count(): Unread {
    const threads = new Map([...this.#threads].map(([thread, unread]) => [thread, countsOf(unread)]));
    let highlights = 0;
    for (const counts of threads.values()) highlights += counts.highlight_count;
    return { all: { notification_count: this.#size, highlight_count: highlights }, threads };
  }

  #keep(thread: string, left: Notification[]): void {
    this.#size += left.length - (this.#threads.get(thread)?.length ?? 0);
    if (left.length === 0) this.#threads.delete(thread);
    else this.#threads.set(thread, left);
  }
}

function countsOf(unread: readonly Notification[]): Counts {
  let highlights = 0;
  for (const { highlight } of unread) if (highlight) highlights += 1;
  return { notification_count: unread.length, highlight_count: highlights };
}
