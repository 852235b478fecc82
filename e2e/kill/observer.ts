import { setTimeout as pause } from 'node:timers/promises';
import { ClientApi } from '../client-api.ts';
import { monotonic, type Seen } from './operation.ts';

interface ClientEvent {
  readonly event_id: string;
  readonly content: { readonly mark?: string };
}

interface JoinedRoom {
  readonly timeline: {
    readonly events: readonly ClientEvent[];
    readonly limited: boolean;
    readonly prev_batch: string;
  };
}

/** Another user, who syncs, over restarts of the server too, and writes down what comes. */
export class Observer {
  readonly #token: string;
  readonly #rooms = new Map<string, Seen[]>();
  #since: string | null = null;
  #stopped = false;
  #api: ClientApi;
  #moved = Promise.withResolvers<void>();
  readonly #over: Promise<void>;

  constructor(url: string, token: string) {
    this.#token = token;
    this.#api = new ClientApi(url, token);
    this.#over = this.#follow();
  }

  serverAt(url: string): void {
    this.#api = new ClientApi(url, this.#token);
    this.#moved.resolve();
    this.#moved = Promise.withResolvers();
  }

  /** What the load made, the events of each room in their order. */
  get timeline(): readonly Seen[] {
    return [...this.#rooms.values()].flat().filter(({ mark }) => mark !== '');
  }

  /** The ids of all events that were seen, by room. */
  get ids(): ReadonlyMap<string, readonly string[]> {
    return new Map(Array.from(this.#rooms, ([room, seen]) => [room, seen.map(({ event }) => event)]));
  }

  /** The same as the rooms' history has them, read anew. */
  async readAgain(): Promise<ReadonlyMap<string, readonly string[]>> {
    const rooms = [...this.#rooms.keys()].map(async (room) => {
      const events = await this.#before(room, null, () => false);
      return [room, events.map(({ event_id }) => event_id)] as const;
    });
    return new Map(await Promise.all(rooms));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#moved.resolve();
    await this.#over;
  }

  async #follow(): Promise<void> {
    while (!this.#stopped) {
      const moved = this.#moved.promise;
      await this.#sync().catch(() => moved);
    }
  }

  async #sync(): Promise<void> {
    const filter = encodeURIComponent(JSON.stringify({ room: { timeline: { limit: 20 } } }));
    const from = this.#since === null ? '' : `&since=${this.#since}`;
    const { status, body } = await this.#api.request('GET', `/v3/sync?timeout=1000&filter=${filter}${from}`);
    if (status === 503) return pause(50);
    if (status !== 200) throw new Error(`/sync: ${status}`);
    const at = monotonic();
    const parts: [string, Seen[]][] = [];
    for (const [room, { timeline }] of Object.entries<JoinedRoom>(body.rooms?.join ?? {})) {
      const missed = timeline.limited ? await this.#missed(room, timeline.prev_batch) : [];
      const all: ClientEvent[] = [...missed, ...timeline.events];
      parts.push([
        room,
        all.map(({ event_id, content }) => ({ event: event_id, mark: content.mark ?? '', at })),
      ]);
    }
    for (const [room, seen] of parts) this.#rooms.set(room, [...(this.#rooms.get(room) ?? []), ...seen]);
    this.#since = body.next_batch;
  }

  #missed(room: string, before: string): Promise<ClientEvent[]> {
    const known = new Set(this.#rooms.get(room)?.map(({ event }) => event));
    return this.#before(room, before, ({ event_id }) => known.has(event_id));
  }

  /** Pages backwards until an event is known, or there are no more. */
  async #before(
    room: string,
    token: string | null,
    isKnown: (event: ClientEvent) => boolean,
  ): Promise<ClientEvent[]> {
    const found: ClientEvent[] = [];
    let from = token;
    do {
      const start = from === null ? '' : `&from=${from}`;
      const path = `/v3/rooms/${encodeURIComponent(room)}/messages?dir=b&limit=500${start}`;
      const { status, body } = await this.#api.request('GET', path);
      if (status !== 200) throw new Error(`/messages: ${status}`);
      for (const event of body.chunk) {
        if (isKnown(event)) return found.toReversed();
        found.push(event);
      }
      from = body.end ?? null;
    } while (from !== null);
    return found.toReversed();
  }
}
