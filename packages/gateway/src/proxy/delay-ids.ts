import type { Delayed, EventId, Timers, UserId } from '@matrix-futures/engine';
import { accessTokenOf, type Authenticate, decodeQuery } from '@matrix-futures/http';
import type { IncomingMessage } from 'node:http';
import { type FoundEvent, findOwnEvents } from './event-scan.ts';
import type { Forwarder, Passing } from './forward.ts';
import { clientSegments, originForm } from './path.ts';
import { bodyToRewrite, readable, sendRewritten } from './rewriting.ts';

/** Which of a user's events were sent by futures that have a delay id. */
export type DelayIdsOf = (user: UserId, events: readonly EventId[]) => Promise<ReadonlyMap<EventId, Delayed>>;

/** Does a request ask for events, as `/sync`, `/messages`, `/context` and `/event` do? */
export function asksForEvents(method: string | undefined, target: string): boolean {
  if (method !== 'GET') return false;
  return /^(?:sync|rooms\/[^/]+\/(?:messages|context\/[^/]+|event\/[^/]+))$/.test(
    clientSegments(target)?.join('/') ?? '',
  );
}

/**
 * Adds the delay id to the `unsigned` of the requester's own events that delayed futures became (MSC4140, "`delay_id`
 * in `unsigned` event data"). Answers above 1 MiB go on as they are.
 *
 * A mebibyte of events takes 6 ms to be looked through, in steps of 32 KiB and 0.2 ms between which timers run; making
 * objects of it and text again takes 3 to 8 ms at one go, and changes numbers.
 */
export class DelayIds {
  readonly #forwarder: Forwarder;
  readonly #authenticate: Authenticate;
  readonly #delayIdsOf: DelayIdsOf;
  readonly #timers: Timers;

  constructor(forwarder: Forwarder, authenticate: Authenticate, delayIdsOf: DelayIdsOf, timers: Timers) {
    this.#forwarder = forwarder;
    this.#authenticate = authenticate;
    this.#delayIdsOf = delayIdsOf;
    this.#timers = timers;
  }

  /** @throws NoAnswer */
  async serve(passing: Passing): Promise<void> {
    const answer = await this.#forwarder.send(passing, { headers: readable });
    const bytes = await bodyToRewrite(answer, passing.response);
    if (bytes === null) return;
    // without the ids the events are still right
    const rewritten = await this.#rewrite(passing.request, bytes).catch(() => bytes);
    sendRewritten(answer, passing.response, rewritten);
  }

  async #rewrite(request: IncomingMessage, bytes: Buffer): Promise<Buffer> {
    const user = await this.#userOf(request);
    if (user === null) return bytes;
    const events = await this.#find(bytes, user);
    if (events.length === 0) return bytes;
    const delays = await this.#delayIdsOf(
      user,
      events.map(({ id }) => id),
    );
    return insert(bytes, events, delays);
  }

  async #userOf({ headers, socket, url = '/' }: IncomingMessage): Promise<UserId | null> {
    const target = originForm(url);
    const mark = target.indexOf('?');
    const query = decodeQuery(mark === -1 ? '' : target.slice(mark + 1));
    const token = accessTokenOf(headers, query);
    if (token === null) return null;
    const asking = { headers, query, address: socket.remoteAddress ?? '' };
    return (await this.#authenticate(token, asking))?.user ?? null;
  }

  async #find(bytes: Buffer, user: UserId): Promise<FoundEvent[]> {
    const scan = findOwnEvents(bytes, user);
    for (;;) {
      const { done, value } = scan.next();
      if (done) return value;
      await new Promise<void>((resolve) => void this.#timers.soon(resolve));
    }
  }
}

function insert(bytes: Buffer, events: readonly FoundEvent[], delays: ReadonlyMap<EventId, Delayed>): Buffer {
  const pieces: Buffer[] = [];
  let from = 0;
  for (const { id, unsigned } of events.toSorted((a, b) => a.unsigned.at - b.unsigned.at)) {
    const delayed = delays.get(id);
    if (delayed === undefined) continue;
    pieces.push(bytes.subarray(from, unsigned.at), Buffer.from(textOf(delayed, unsigned.object)));
    from = unsigned.at;
  }
  return Buffer.concat([...pieces, bytes.subarray(from)]);
}

/** Clients of the delay parameter know the unstable name only. */
function textOf({ delayId, generation }: Delayed, object: FoundEvent['unsigned']['object']): string {
  const members = JSON.stringify({
    'org.matrix.msc4140.delay_id': delayId,
    ...(generation === 'delayed-events' && { delay_id: delayId }),
  }).slice(1, -1);
  if (object === 'new') return `,"unsigned":{${members}}`;
  return object === 'empty' ? members : `${members},`;
}
