import {
  type Clock,
  HomeserverUnavailable,
  type Instant,
  type Ms,
  type Timers,
} from '@matrix-futures/engine';
import {
  type Asking,
  type Authenticate,
  AuthenticationUnavailable,
  MatrixError,
  type Requester,
} from '@matrix-futures/http';
import { hash } from 'node:crypto';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { readError } from '../delivery/answer-error.ts';
import type { HomeserverKind } from '../kinds/kind.ts';
import type { Upstream, UpstreamAnswer } from '../upstream/upstream.ts';

/** After a logout that the gateway does not see, a token counts for so long. */
const trusted: Ms = 30_000;
/** Uncached, a client that keeps asking with an old token makes a request of every one of its requests. */
const refused: Ms = 10_000;
const mostEntries = 10_000;
/** Beyond so many questions at once, the last ones would be answered after `patience`. */
const mostAsked = 1_000;
const patience: Ms = 10_000;
/** Where a login is optional. Clients give a heartbeat up after 2 s (js-sdk), and the next one comes 5 s later. */
const optionalPatience: Ms = 1_000;

const whoami = Compile(
  Type.Object({
    user_id: Type.String(),
    device_id: Type.Optional(Type.String()),
    is_guest: Type.Optional(Type.Boolean()),
  }),
);
const errorBody = Compile(Type.Record(Type.String(), Type.Unknown()));

type Found = { readonly user: string; readonly device: string | null; readonly isGuest: boolean };
interface Entry {
  readonly until: Instant;
  readonly outcome: Found | MatrixError;
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
  readonly #asked = new Map<string, Promise<Found | MatrixError>>();
  /** Goes up with every purge: an answer that was under way then is not remembered. */
  #purges = 0;

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

  /** Logins have ended, or may have: everybody is asked for again. */
  forget(): void {
    this.#purges += 1;
    this.#found.clear();
    this.#refused.clear();
    // What is being asked may be answered with how things were before.
    this.#asked.clear();
  }

  #find(accessToken: string, asking: Asking): Promise<Found | MatrixError> {
    const acting = actingAs(asking);
    const name = hash('sha256', JSON.stringify([accessToken, acting]), 'base64url');
    const entry = this.#found.get(name) ?? this.#refused.get(name);
    if (entry !== undefined && entry.until > this.#clock.now()) return Promise.resolve(entry.outcome);
    const asked = this.#asked.get(name);
    if (asked !== undefined) return asked;
    if (this.#asked.size >= mostAsked)
      return Promise.reject(new AuthenticationUnavailable('Too many are asking who they are; try again'));
    const asks = this.#ask(name, accessToken, acting, asking).finally(() => {
      if (this.#asked.get(name) === asks) this.#asked.delete(name);
    });
    this.#asked.set(name, asks);
    return asks;
  }

  async #ask(
    name: string,
    accessToken: string,
    acting: Readonly<Record<string, string>>,
    asking: Asking,
  ): Promise<Found | MatrixError> {
    const purges = this.#purges;
    const outcome = read(await this.#whoami(accessToken, acting, asking), this.#kind());
    const isRefusal = outcome instanceof MatrixError;
    if (purges === this.#purges && !(isRefusal && outcome.status !== 401))
      this.#remember(name, { outcome, until: this.#clock.now() + (isRefusal ? refused : trusted) });
    return outcome;
  }

  async #whoami(
    accessToken: string,
    acting: Readonly<Record<string, string>>,
    { headers, address }: Asking,
  ): Promise<UpstreamAnswer> {
    const before = headers['x-forwarded-for'];
    const agent = headers['user-agent'];
    try {
      return await this.#upstream.ask({
        method: 'GET',
        path: '/_matrix/client/v3/account/whoami',
        query: acting,
        token: accessToken,
        // It writes down where a device was last seen.
        headers: {
          'X-Forwarded-For': before === undefined ? address : `${String(before)}, ${address}`,
          ...(agent !== undefined && { 'User-Agent': agent }),
        },
        limit: patience,
      });
    } catch (error) {
      if (error instanceof HomeserverUnavailable)
        throw new AuthenticationUnavailable('The homeserver cannot be asked who this is; try again');
      throw error;
    }
  }

  #remember(name: string, entry: Entry): void {
    this.#found.delete(name);
    this.#refused.delete(name);
    const entries = entry.outcome instanceof MatrixError ? this.#refused : this.#found;
    entries.set(name, entry);
    if (entries.size <= mostEntries) return;
    const [oldest] = entries.keys();
    if (oldest !== undefined) entries.delete(oldest);
  }
}

/** Application services name who they act for: it is part of who is asking. */
function actingAs({ query }: Asking): Readonly<Record<string, string>> {
  const names = ['user_id', 'device_id', 'org.matrix.msc3202.device_id'];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = query.values.get(name)?.[0];
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}

function read(answer: UpstreamAnswer, { serviceDevice }: HomeserverKind): Found | MatrixError {
  const { status, body } = answer;
  if (status === 200 && whoami.Check(body)) {
    const { user_id: user, device_id: device = null, is_guest: isGuest = false } = body;
    return { user, device: device === serviceDevice ? null : device, isGuest };
  }
  const { errcode, error } = readError(answer);
  if ((status !== 401 && status !== 403) || errcode === null || !errorBody.Check(body))
    throw new AuthenticationUnavailable(
      `The homeserver cannot say who this is (it answered ${status}); try again`,
    );
  return new MatrixError({ status, errcode }, error, fieldsOf(body));
}

/** `soft_logout` above all. */
function fieldsOf(body: Record<string, unknown>): Record<string, string | number | boolean> {
  return Object.fromEntries(
    Object.entries(body).flatMap(([key, value]) =>
      key !== 'errcode' &&
      key !== 'error' &&
      (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
        ? [[key, value] as const]
        : [],
    ),
  );
}
