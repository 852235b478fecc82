import type { Ms, Timers } from '@matrix-futures/engine';
import { prepareAnswer, sendPrepared } from '@matrix-futures/http';
import type { IncomingMessage } from 'node:http';
import { type Forwarder, type Passing, relay } from './forward.ts';
import { tokenOf } from './logins.ts';
import { type Members, merge, type Merge, readObject } from './merging.ts';
import { bodyToRewrite, readable, sendRewritten } from './rewriting.ts';

/** Flags that speak of events sent later: the homeserver's own are not what is served here. */
const foreign = /msc(?:3140|4140|4486)\b/;

/** Longer than this nobody waits for the homeserver while an earlier answer of it is at hand. */
export const patience: Ms = 5_000;

/**
 * A proxy in front may keep the answer for a minute, and serve it for a day while nobody answers: a client that finds no
 * `/versions` does not start, and one that finds no flag sends nothing later until it is reloaded.
 */
const shared = { 'Cache-Control': 'public, max-age=60, stale-if-error=86400', Vary: 'Authorization' };
/** Some flags are for some users. */
const personal = { 'Cache-Control': 'private, max-age=60', Vary: 'Authorization' };

/**
 * `GET /_matrix/client/versions` (client-server API, "API versions"): the homeserver's answer to this client, with our
 * flags in place of its own of the same subject. While it is away, the last answer that it gave to nobody in particular.
 */
export class Versions {
  readonly #forwarder: Forwarder;
  readonly #timers: Timers;
  readonly #merge: Merge;
  #last: Members | null = null;

  /** @param features the flags of what is served here: asked at every request */
  constructor(forwarder: Forwarder, timers: Timers, features: () => Members) {
    this.#forwarder = forwarder;
    this.#timers = timers;
    this.#merge = { member: 'unstable_features', foreign, ours: features };
  }

  /** @throws NoAnswer where the homeserver is away and has never answered */
  async serve(passing: Passing): Promise<void> {
    const last = this.#last;
    const answer = last === null ? await this.#ask(passing) : await this.#askInTime(passing);
    if (answer !== null) return this.#rewrite(passing, answer);
    if (last === null || passing.response.destroyed) return;
    sendPrepared(passing.response, prepareAnswer(200, merge(last, this.#merge), shared));
  }

  #ask(passing: Passing, signal?: AbortSignal): Promise<IncomingMessage> {
    return this.#forwarder.send(passing, { headers: readable, ...(signal && { signal }) });
  }

  /** null: the homeserver is away. */
  async #askInTime(passing: Passing): Promise<IncomingMessage | null> {
    const impatience = new AbortController();
    const cancel = this.#timers.after(patience, () => impatience.abort());
    try {
      const answer = await this.#ask(passing, impatience.signal);
      if ((answer.statusCode ?? 502) < 500) return answer;
      answer.resume();
    } catch {
      // away: the earlier answer serves
    } finally {
      cancel();
    }
    return null;
  }

  async #rewrite({ request, response }: Passing, answer: IncomingMessage): Promise<void> {
    if (request.method !== 'GET') return relay(answer, response);
    const bytes = await bodyToRewrite(answer, response);
    if (bytes === null) return;
    const versions = readObject(bytes);
    if (versions === null) return sendRewritten(answer, response, bytes);
    const isPersonal = request.headers.authorization !== undefined || tokenOf(request) !== null;
    if (!isPersonal) this.#last = versions;
    const body = JSON.stringify(merge(versions, this.#merge));
    sendRewritten(answer, response, body, isPersonal ? personal : shared);
  }
}
