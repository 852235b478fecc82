import type { Clock, Instant, Ms, Timers } from '@matrix-futures/engine';
import {
  type Asking,
  type Authenticate,
  AuthenticationUnavailable,
  MatrixError,
  type Query,
  type Requester,
} from '@matrix-futures/http';
import { hash } from 'node:crypto';
import type { HomeserverKind } from '../kinds/kind.ts';
import type { LoginsChange } from '../proxy/logins.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { actingAs, askWhoami, type Found } from './whoami.ts';

/** After a logout that the gateway does not see, a token counts for so long. */
const trusted: Ms = 30_000;
/** Uncached, a client that keeps asking with an old token makes a request of every one of its requests. */
const refused: Ms = 10_000;
const mostEntries = 10_000;
/** Beyond so many questions at once, the last ones would be answered after `patience`. */
const mostAsked = 1_000;
/** Where a login is optional. Clients give a heartbeat up after 2 s (js-sdk), and the next one comes 5 s later. */
const optionalPatience: Ms = 1_000;

interface Entry {
  readonly until: Instant;
  /** hash of the access token, whoever it acted for */
  readonly login: string;
  readonly outcome: Found | MatrixError;
}
interface Question {
  readonly login: string;
  readonly outcome: Promise<Found | MatrixError>;
}

/** What a header can carry, and homeservers still read (Synapse: 16 KiB for all headers). Nobody was given another. */
const possibleToken = /^[\x21-\x7e]{1,4096}$/;

/**
 * Who is asking: the homeserver's word for it (`GET /account/whoami` with the client's own token, client-server
 * specification), remembered for a short time. No token is kept, only its hash.
 *
 * Remembered is 200 and 401; 429 and 5xx say nothing. What the homeserver answers with 401 or 403 is passed on as it is:
 * a code of our own would log clients out.
 */
export class Requesters {
  readonly #upstream: Upstream;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #kind: () => HomeserverKind;
  readonly #found = new Map<string, Entry>();
  /** Apart from the others: tokens that somebody made up do not drive out whom the homeserver knows. */
  readonly #refused = new Map<string, Entry>();
  /** What is asked and no longer among these, its answer is not remembered: logins have ended since. */
  readonly #asked = new Map<string, Question>();

  /**
   * @param upstream for these questions alone: strangers ask them, and nothing else is to wait for them or judge by them
   * @param kind what is known of the homeserver by now
   */
  constructor(upstream: Upstream, clock: Clock, timers: Timers, kind: () => HomeserverKind) {
    this.#upstream = upstream;
    this.#clock = clock;
    this.#timers = timers;
    this.#kind = kind;
  }

  readonly authenticate: Authenticate = async (accessToken, asking): Promise<Requester | null> => {
    if (!possibleToken.test(accessToken)) return null;
    const found = this.#find(accessToken, asking);
    const outcome = await (asking.isOptional === true ? this.#soon(found) : found);
    if (outcome instanceof MatrixError) throw outcome;
    return { ...outcome, accessToken };
  };

  /** What is not known soon is still asked for, and remembered for the next time. */
  async #soon(found: Promise<Found | MatrixError>): Promise<Found | MatrixError> {
    const late = Promise.withResolvers<never>();
    const cancel = this.#timers.after(optionalPatience, () =>
      late.reject(new AuthenticationUnavailable('The homeserver takes long to say who this is')),
    );
    return Promise.race([found, late.promise]).finally(cancel);
  }

  /**
   * Logins have ended, or may have: who they were is asked again. Of those of a user that cannot be told from the access
   * token, everybody is.
   */
  forget({ of, accessToken, query }: LoginsChange): void {
    if (of === 'user') this.#forgetUser(accessToken === null ? null : this.#ownerOf(accessToken, query));
    // a refresh without the old token: that one is good until the new one is used
    else if (accessToken !== null) this.#forgetLogin(loginOf(accessToken));
  }

  #forgetLogin(login: string): void {
    for (const known of [this.#found, this.#refused, this.#asked])
      for (const [name, { login: its }] of known) if (its === login) known.delete(name);
  }

  #forgetUser(user: string | null): void {
    // What is being asked may be answered with how things were before, and nobody knows yet whose it is.
    this.#asked.clear();
    if (user === null) this.#refused.clear();
    for (const [name, { outcome }] of this.#found)
      if (user === null || userOf(outcome) === user) this.#found.delete(name);
  }

  #ownerOf(accessToken: string, query: Query): string | null {
    const known = this.#found.get(nameOf(accessToken, query));
    return known === undefined ? null : userOf(known.outcome);
  }

  #find(accessToken: string, asking: Asking): Promise<Found | MatrixError> {
    const name = nameOf(accessToken, asking.query);
    const entry = this.#found.get(name) ?? this.#refused.get(name);
    if (entry !== undefined && entry.until > this.#clock.now()) return Promise.resolve(entry.outcome);
    const asked = this.#asked.get(name);
    if (asked !== undefined) return asked.outcome;
    if (this.#asked.size >= mostAsked)
      return Promise.reject(new AuthenticationUnavailable('Too many are asking who they are; try again'));
    const login = loginOf(accessToken);
    const question: Question = { login, outcome: askWhoami(this.#upstream, this.#kind, accessToken, asking) };
    this.#asked.set(name, question);
    return question.outcome
      .then((outcome) => {
        if (this.#asked.get(name) === question) this.#remember(name, login, outcome);
        return outcome;
      })
      .finally(() => {
        if (this.#asked.get(name) === question) this.#asked.delete(name);
      });
  }

  #remember(name: string, login: string, outcome: Found | MatrixError): void {
    const isRefusal = outcome instanceof MatrixError;
    if (isRefusal && outcome.status !== 401) return;
    this.#found.delete(name);
    this.#refused.delete(name);
    const entries = isRefusal ? this.#refused : this.#found;
    entries.set(name, { login, outcome, until: this.#clock.now() + (isRefusal ? refused : trusted) });
    if (entries.size <= mostEntries) return;
    const [oldest] = entries.keys();
    if (oldest !== undefined) entries.delete(oldest);
  }
}

const loginOf = (accessToken: string): string => hash('sha256', accessToken, 'base64url');

const nameOf = (accessToken: string, query: Query): string =>
  hash('sha256', JSON.stringify([accessToken, actingAs(query)]), 'base64url');

const userOf = (outcome: Found | MatrixError): string | null =>
  outcome instanceof MatrixError ? null : outcome.user;
